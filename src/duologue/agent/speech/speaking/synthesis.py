"""Speaking a reply piece by piece, as it is written, each piece with its text and times.

Every frame that begins a piece carries the piece's text and the time in which it sounds, as a
`TimedString`, in the place livekit-agents has for it: `frame.userdata[USERDATA_TIMED_TRANSCRIPT]`.
Its times are seconds from the beginning of the reply's sound, of the voice without the silence
before and after. Phonemes are not characters; so within a piece the times of characters are for
the reader to estimate, and the error stays within a clause or sentence.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Never, Protocol

import numpy as np
import numpy.typing as npt
from livekit import rtc
from livekit.agents import APIConnectOptions, APIError, tts, utils
from livekit.agents.types import DEFAULT_API_CONNECT_OPTIONS, TimedString

from duologue.agent.speech.speaking.clauses import ClauseSplitter
from duologue.errors import ModelError

AUDIBLE = 328
"""1 % of full scale: quieter samples count as silence."""
LEAD_IN_S = 0.01
"""Silence kept before a piece, so that its first sound is not clipped."""
NO_RETRY = APIConnectOptions(max_retry=0)

Samples = npt.NDArray[np.int16]


@dataclass(frozen=True)
class VoicePart:
    """A part of the sound of a piece.

    Attributes:
        samples: mono, following those of the part before.
        voice_end: where the voice ends in the sound of the whole piece, in samples from its
            beginning; what follows is silence. Known from the first part on, if not exactly.
    """

    samples: Samples
    voice_end: int


class Synthesizer(Protocol):
    """What turns text into a voice. Any number of calls may share one."""

    @property
    def sample_rate_hz(self) -> int: ...

    def synthesize(self, text: str, speed: float) -> AsyncIterator[VoicePart]:
        """Give the mono sound of a clause or sentence; `speed` 1.0 is the voice's own.

        Each part must come within a limit of its own, and may be cancelled at any time.

        Raises:
            ModelError: it could not.
        """
        ...


class SpeechSynthesis(tts.TTS[Never]):
    """The voice of one call.

    Args:
        synthesizer: what speaks; shared by all calls.
        speed: 1.0 is the voice's own pace, 1.2 is a fifth faster.
    """

    def __init__(self, synthesizer: Synthesizer, *, speed: float = 1.0) -> None:
        super().__init__(
            capabilities=tts.TTSCapabilities(streaming=True, aligned_transcript=True),
            sample_rate=synthesizer.sample_rate_hz,
            num_channels=1,
        )
        self._synthesizer = synthesizer
        self._speed = speed

    def synthesize(
        self, text: str, *, conn_options: APIConnectOptions = DEFAULT_API_CONNECT_OPTIONS
    ) -> tts.ChunkedStream:
        return self._synthesize_with_stream(text, conn_options=NO_RETRY)

    def stream(
        self, *, conn_options: APIConnectOptions = DEFAULT_API_CONNECT_OPTIONS
    ) -> tts.SynthesizeStream:
        # A model on this machine that failed once fails again: nothing is retried.
        return _PieceStream(self, self._synthesizer, self._speed)


class _PieceStream(tts.SynthesizeStream):
    def __init__(self, parent: SpeechSynthesis, synthesizer: Synthesizer, speed: float) -> None:
        super().__init__(tts=parent, conn_options=NO_RETRY)
        self._synthesizer = synthesizer
        self._speed = speed
        self._spoken_s = 0.0

    async def _run(self, output_emitter: tts.AudioEmitter) -> None:
        splitter = ClauseSplitter()
        output_emitter.initialize(
            request_id=utils.shortuuid(),
            sample_rate=self._synthesizer.sample_rate_hz,
            num_channels=1,
            mime_type="audio/pcm",
            stream=True,
        )
        output_emitter.start_segment(segment_id=utils.shortuuid())
        async for item in self._input_ch:
            pieces = splitter.push(item) if isinstance(item, str) else splitter.finish()
            for piece in pieces:
                await self._speak(piece, output_emitter)

    async def _speak(self, piece: str, output_emitter: tts.AudioEmitter) -> None:
        self._mark_started()
        silent = 0
        has_begun = False
        async for part in self._parts(piece):
            samples = part.samples
            if not has_begun:
                start = first_audible(samples)
                if start is None:
                    silent += len(samples)
                    continue
                samples = self._begin(
                    piece, samples, start, part.voice_end - silent, output_emitter
                )
                has_begun = True
            self._push(samples, output_emitter)
        if not has_begun:
            # The session takes a reply without any sound for a failure.
            moment = np.zeros(self._synthesizer.sample_rate_hz // 100, dtype=np.int16)
            self._push(self._begin(piece, moment, 0, 0, output_emitter), output_emitter)
        # Without this the emitter keeps the last 10 ms back and joins them to the next piece,
        # whose text would then begin 10 ms too soon.
        output_emitter.flush()

    def _begin(
        self, piece: str, samples: Samples, start: int, end: int, output_emitter: tts.AudioEmitter
    ) -> Samples:
        """Tell the text of a piece, and from where to where in its sound the voice is heard.

        Gives the sound without the silence before.
        """
        rate_hz = self._synthesizer.sample_rate_hz
        cut = max(0, start - int(LEAD_IN_S * rate_hz))
        output_emitter.push_timed_transcript(
            TimedString(
                piece,
                start_time=self._spoken_s + (start - cut) / rate_hz,
                end_time=self._spoken_s + (max(start, end) - cut) / rate_hz,
            )
        )
        return samples[cut:]

    def _push(self, samples: Samples, output_emitter: tts.AudioEmitter) -> None:
        rate_hz = self._synthesizer.sample_rate_hz
        output_emitter.push_frame(
            rtc.AudioFrame(
                data=samples.tobytes(),
                sample_rate=rate_hz,
                num_channels=1,
                samples_per_channel=len(samples),
            )
        )
        self._spoken_s += len(samples) / rate_hz

    async def _parts(self, piece: str) -> AsyncIterator[VoicePart]:
        if not any(character.isalnum() for character in piece):
            return
        try:
            async for part in self._synthesizer.synthesize(piece.strip(), self._speed):
                yield part
        except ModelError as error:
            raise APIError(str(error), retryable=False) from error


def first_audible(samples: Samples) -> int | None:
    """Return where the sound begins, in samples; None if all is silent."""
    audible = np.flatnonzero(np.abs(samples.astype(np.int32)) > AUDIBLE)
    return int(audible[0]) if len(audible) else None
