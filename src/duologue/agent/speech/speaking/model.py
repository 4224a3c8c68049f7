"""A Piper voice that makes any part of a sentence's sound without the rest.

The beginning is made first: on two cores, 36 ms instead of 85 pass before a sentence of 2 s can be
heard, and 54 instead of 215 before one of 5 s. The whole costs a quarter to a half more, because
what is next to a part is worked out with it.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import onnx
import onnxruntime
from piper import PiperConfig, PiperVoice

from duologue.agent.speech.speaking.noise import fix_noise
from duologue.agent.speech.speaking.stages import cut

SOUND_CONTEXT: Final = 14
"""A frame's sound depends on so much of the latent on either side of it: by the sizes of the
decoder's convolutions on 11 frames where the voice's quality is medium or low, on 14 where it is
high. So the parts of the sound are the same as the parts of the whole."""

LATENT_CONTEXT: Final = 32
"""As much for the flow: 4 times 4 convolutions, each with 2 frames on either side."""

SILENT: Final = frozenset("^$_ .,;:!?…-—–'\"”’“‘()¡¿")
"""Phonemes of Piper that are no sound: the sentence's ends, what is between phonemes, spaces, and
marks."""

FloatSamples = npt.NDArray[np.float32]


@dataclass
class Sentence:
    """How a sentence sounds, before its sound is made.

    Attributes:
        frames: how many of them it lasts.
        spoken_frames: after how many the last phoneme that is a sound is over.
        parts: what the flow takes, by name; float32, 1 by channels by frames.
        latent: what the decoder takes, as far as it is known; of that shape, too.
    """

    frames: int
    spoken_frames: int
    parts: dict[str, npt.NDArray[np.float32]]
    latent: npt.NDArray[np.float32] | None = None

    @property
    def known_frames(self) -> int:
        """Of how many frames the latent is known, from the first on."""
        return 0 if self.latent is None else self.latent.shape[-1]


class PiperModel:
    """A voice with one speaker. Nothing here may be called from two threads at once.

    Args:
        path: the voice's `.onnx` file; `.onnx.json` stands beside it. Loading takes a second.
        threads: CPU threads of each of its stages.
        seed: makes a text sound the same every time; with None it never does quite.

    Raises:
        Exception: there is no such voice; onnxruntime raises bare subclasses of it.
    """

    def __init__(self, path: Path, *, threads: int, seed: int | None = None) -> None:
        settings = json.loads(Path(f"{path}.json").read_text("utf-8"))
        self._config = PiperConfig.from_dict(settings)
        model = onnx.load(path)
        if seed is not None:
            fix_noise(model, seed)
        stages = cut(model)
        self._frame_names, self._latent_name = stages.frames, stages.latent
        self._text = _session(stages.text, threads)
        self._flow = _session(stages.flow, threads)
        self._decoder = _session(stages.decoder, threads)
        self._phonemes = PiperVoice(session=self._text, config=self._config)
        self._silent_ids = _ids(self._config.phoneme_id_map, SILENT)

    @property
    def sample_rate_hz(self) -> int:
        """Of the sound."""
        return int(self._config.sample_rate)

    @property
    def frame_samples(self) -> int:
        """How much sound a frame is."""
        return int(self._config.hop_length)

    def plan(self, text: str, *, speed: float = 1.0) -> list[Sentence]:
        """Work out how a text sounds, sentence by sentence; 1.0 is the voice's own speed."""
        return [
            self._plan(self._phonemes.phonemes_to_ids(phonemes), speed)
            for phonemes in self._phonemes.phonemize(text)
            if phonemes
        ]

    def sound(self, sentence: Sentence, start: int, end: int) -> FloatSamples:
        """Make the sound from one frame of a sentence to another, 1.0 being full scale."""
        latent = self._latent(sentence, min(sentence.frames, end + SOUND_CONTEXT))
        before = min(start, SOUND_CONTEXT)
        latent = latent[:, :, start - before : end + SOUND_CONTEXT]
        sound: FloatSamples = self._decoder.run(None, {self._latent_name: latent})[0].reshape(-1)
        return sound[before * self.frame_samples :][: (end - start) * self.frame_samples]

    def _plan(self, ids: Sequence[int], speed: float) -> Sentence:
        config = self._config
        scales = (config.noise_scale, config.length_scale / speed, config.noise_w_scale)
        *parts, durations = self._text.run(
            None,
            {
                "input": np.array([ids], dtype=np.int64),
                "input_lengths": np.array([len(ids)], dtype=np.int64),
                "scales": np.array(scales, dtype=np.float32),
            },
        )
        ends = np.cumsum(durations.reshape(-1)).astype(int)
        spoken = [end for id_, end in zip(ids, ends, strict=True) if id_ not in self._silent_ids]
        return Sentence(
            frames=parts[0].shape[-1],
            spoken_frames=int(spoken[-1]) if spoken else 0,
            parts=dict(zip(self._frame_names, parts, strict=True)),
        )

    def _latent(self, sentence: Sentence, end: int) -> npt.NDArray[np.float32]:
        """The latent of a sentence, at least up to a frame."""
        known = sentence.known_frames
        if sentence.latent is None or known < end:
            before = min(known, LATENT_CONTEXT)
            near = slice(known - before, end + LATENT_CONTEXT)
            parts = {name: part[:, :, near] for name, part in sentence.parts.items()}
            more = self._flow.run(None, parts)[0][:, :, before : before + end - known]
            latent = sentence.latent
            sentence.latent = more if latent is None else np.concatenate((latent, more), axis=2)
        return sentence.latent


def _session(model: bytes, threads: int) -> Any:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    # Threads that spin while they wait take the core from whoever they wait for.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    return onnxruntime.InferenceSession(
        model, sess_options=options, providers=["CPUExecutionProvider"]
    )


def _ids(phoneme_ids: Mapping[str, Sequence[int]], phonemes: Iterable[str]) -> frozenset[int]:
    return frozenset(id_ for phoneme in phonemes for id_ in phoneme_ids.get(phoneme, ()))
