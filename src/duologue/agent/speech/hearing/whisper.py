"""Speech to text with faster-whisper, on a window that fits the speech.

Whisper's encoder always looks at a window of 30 s, and that is most of what a short question
costs. A window of 10 s costs a fifth of it and gives the same text, as long as the window is
clearly longer than the speech: shorter windows make the decoder repeat itself for ever. So the
window grows with the speech, the length of the text is capped by it, and a text that still looks
like a loop is thrown away and recognised again on the full window.
"""

from __future__ import annotations

import logging
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from faster_whisper import WhisperModel
from faster_whisper.tokenizer import Tokenizer
from threadpoolctl import ThreadpoolController

from duologue.agent.speech.hearing.repetition import is_repetitive, without_repetition
from duologue.agent.speech.model_worker import ModelWorker
from duologue.audio.speech_detector import FRAME_MS, SpeechDetector
from duologue.errors import ModelError

logger = logging.getLogger("duologue.agent.whisper")

MODEL_FILES = ("model.bin", "config.json", "tokenizer.json", "vocabulary.txt")
SAMPLE_RATE_HZ = 16_000
FULL_WINDOW_S = 30.0
SHORTEST_WINDOW_S = 10.0
"""At 5 s for 3.4 s of speech the decoder repeats itself; at 10 s the text equals the full one."""
WINDOW_TO_SPEECH = 3.0
FRAMES_PER_SECOND = 100
"""Whisper's spectrogram has one frame each 10 ms."""

TOKENS_PER_SECOND = 10.0
"""Fast English is about 5 words a second, at 1.3 tokens a word."""
TOKENS_AT_LEAST = 16

KEPT_BEFORE_SPEECH_S = 0.3
"""So much silence stays in front. More takes time and helps nothing: of 23 questions over the
telephone, in five voices of espeak-ng, 17 to 34 % of the words were wrong with 0 to 1 s of it,
without a trend."""

NO_SPEECH_PROBABILITY = 0.6
UNSURE_LOG_PROBABILITY = -1.0
"""Both thresholds are those of the Whisper paper (section 4.5)."""
UNSURE_TEMPERATURE = 0.4
"""One of the paper's steps from 0.2 to 1.0. Each costs as much time again, so there is one."""

MAX_WAITING = 16
LIMIT_S = 15.0
"""For one utterance that fits the window, waiting for other calls included."""

Samples = npt.NDArray[np.int16]


@dataclass(frozen=True)
class _Hypothesis:
    text: str
    is_cut_off: bool
    is_speech: bool


class WhisperTranscriber:
    """A Whisper model that any number of calls share.

    Args:
        model_dir: the folder with the CTranslate2 model (`model.bin`, `config.json`,
            `tokenizer.json`, `vocabulary.txt`). Loading it here takes about half a second.
        threads: CPU threads of the model.
        draws: whether a text of which the model is unsure, in speech longer than a window or where
            it repeats itself, is tried again with words drawn by chance. Without that the same
            samples give the same text every time.

    Raises:
        ModelError: the folder holds no model that can be loaded.
    """

    def __init__(self, model_dir: Path, *, threads: int = 1, draws: bool = True) -> None:
        missing = [name for name in MODEL_FILES if not (model_dir / name).is_file()]
        if missing:
            # Without its tokenizer the library would look for one on the network.
            raise ModelError(
                f"the speech recognition model in {model_dir} lacks {', '.join(missing)}; "
                "run `duologue models pull`"
            )
        try:
            self._model = WhisperModel(
                str(model_dir),
                device="cpu",
                compute_type="int8",
                cpu_threads=threads,
                local_files_only=True,
            )
        except (RuntimeError, ValueError, OSError) as error:
            raise ModelError(
                f"the speech recognition model in {model_dir} cannot be loaded ({error}); "
                "run `duologue models verify`"
            ) from error
        self._temperatures = [0.0, UNSURE_TEMPERATURE] if draws else [0.0]
        self._tokenizer = Tokenizer(self._model.hf_tokenizer, multilingual=False)
        self._threads_of_numpy = ThreadpoolController()
        self._worker = ModelWorker("speech recognition", max_waiting=MAX_WAITING)

    async def transcribe(self, samples: Samples) -> str:
        """Return the English text of mono speech at 16 kHz, or "" where there is none.

        Cancelling drops the result; see `ModelWorker.run`.

        Raises:
            ModelError: the model failed, is overloaded, or took too long.
        """
        speech_s = len(samples) / SAMPLE_RATE_HZ
        limit_s = max(LIMIT_S, speech_s)
        return await self._worker.run(limit_s, self._transcribe, samples)

    async def warm_up(self) -> None:
        """Run once on silence: the first run of a process is up to a second slower."""
        await self.transcribe(np.zeros(SAMPLE_RATE_HZ, dtype=np.int16))

    def close(self) -> None:
        """Stop taking speech; what is being recognised now is dropped."""
        self._worker.close()

    def transcribe_on_full_window(self, samples: Samples) -> str:
        """Recognise with the library's own path, in this thread: windows of 30 s, one by one."""
        segments, _ = self._model.transcribe(
            samples.astype(np.float32) / 32768.0,
            language="en",
            beam_size=1,
            temperature=self._temperatures,
            condition_on_previous_text=False,
            max_new_tokens=_token_cap(FULL_WINDOW_S) if len(samples) else None,
        )
        return without_repetition("".join(segment.text for segment in segments).strip())

    def _transcribe(self, samples: Samples) -> str:
        samples = _from_speech(samples)
        window_s = max(SHORTEST_WINDOW_S, WINDOW_TO_SPEECH * len(samples) / SAMPLE_RATE_HZ)
        if window_s >= FULL_WINDOW_S:
            return self.transcribe_on_full_window(samples)
        hypothesis = self._transcribe_on_window(samples, window_s)
        if not hypothesis.is_speech:
            return ""
        if hypothesis.is_cut_off or is_repetitive(hypothesis.text):
            logger.info("a text that repeats itself is recognised again on the full window")
            return self.transcribe_on_full_window(samples)
        return hypothesis.text

    def _transcribe_on_window(self, samples: Samples, window_s: float) -> _Hypothesis:
        speech_s = len(samples) / SAMPLE_RATE_HZ
        padded = np.zeros(int(window_s * SAMPLE_RATE_HZ), dtype=np.float32)
        padded[: len(samples)] = samples / 32768.0
        # Its one product of matrices is over in 1 ms, but a thread that helped with it would spin
        # for 90 ms more, and take a core from the language model.
        with self._threads_of_numpy.limit(limits=1, user_api="blas"):
            features = self._model.feature_extractor(padded)
        encoded = self._model.encode(features[:, : int(window_s * FRAMES_PER_SECOND)])
        prompt = [self._tokenizer.sot, self._tokenizer.no_timestamps]
        cap = _token_cap(speech_s)
        result = self._model.model.generate(
            encoded,
            [prompt],
            beam_size=1,
            max_length=len(prompt) + cap,
            return_scores=True,
            return_no_speech_prob=True,
        )[0]
        tokens: list[int] = result.sequences_ids[0]
        text = self._tokenizer.decode(tokens).strip()
        return _Hypothesis(
            text=text,
            is_cut_off=len(tokens) >= cap,
            is_speech=_is_speech(text, result),
        )


def _from_speech(samples: Samples) -> Samples:
    """Leave out the silence in front of the first word, all but a little of it."""
    is_voiced = SpeechDetector(SAMPLE_RATE_HZ).push(samples)
    if not any(is_voiced):
        return samples
    speech_s = is_voiced.index(True) * FRAME_MS / 1000
    return samples[max(0, int((speech_s - KEPT_BEFORE_SPEECH_S) * SAMPLE_RATE_HZ)) :]


def _token_cap(speech_s: float) -> int:
    return TOKENS_AT_LEAST + math.ceil(TOKENS_PER_SECOND * speech_s)


def _is_speech(text: str, result: Any) -> bool:
    """Tell words from what Whisper makes of silence, noise and hum."""
    if not any(character.isalnum() for character in text):
        return False
    is_silent = result.no_speech_prob > NO_SPEECH_PROBABILITY
    return not (is_silent and result.scores[0] < UNSURE_LOG_PROBABILITY)
