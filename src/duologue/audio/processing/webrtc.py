"""WebRTC's audio processing, as it comes with LiveKit's client library, frame by frame.

LiveKit's Python client makes a request anew for each frame, and reads an answer that is always the
same. Beside the sound's other work that is some 20 of the 90 µs that both frames of 10 ms take, as
measured in a loop, and more in a call, where the processor has done other things since. So here
frames have a place of their own in memory, and the requests to work on it are made once.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any, Final, Literal, get_args

import numpy as np
from livekit.rtc import AudioFrame, AudioProcessingModule

from duologue.audio.livekit_exit import let_callbacks_return_at_exit
from duologue.audio.livekit_request import LiveKitRequest
from duologue.audio.processing.echo_reference import FRAMES_PER_SECOND
from duologue.audio.samples import Samples

TRIAL_RATE_HZ: Final = 16_000

let_callbacks_return_at_exit()


class WebRTCProcessing:
    """Works on what was heard, knowing what was played. For one thread.

    Each frame of what was heard follows the one of what was played at the same time.
    """

    def __init__(
        self,
        *,
        heard_rate_hz: int,
        played_rate_hz: int,
        echo_cancellation: bool,
        noise_suppression: bool,
        auto_gain_control: bool,
    ) -> None:
        """
        Args:
            heard_rate_hz: the rate of the frames that `heard` takes, 8,000 to 384,000 Hz.
            played_rate_hz: the rate of the frames that `played` takes, in the same limits.
            echo_cancellation: take out what was played.
            noise_suppression: take out what is steady, such as a fan.
            auto_gain_control: bring quiet speakers up and loud ones down.
        """
        module = AudioProcessingModule(
            echo_cancellation=echo_cancellation,
            noise_suppression=noise_suppression,
            high_pass_filter=echo_cancellation or noise_suppression,
            auto_gain_control=auto_gain_control,
        )
        self._heard = _Place(heard_rate_hz)
        self._played = _Place(played_rate_hz)
        self._work_on_heard = _work(module, "process_stream", self._heard)
        self._work_on_played = _work(module, "process_reverse_stream", self._played)

    def played(self, samples: Samples) -> None:
        """Take a frame of what was played: 10 ms.

        Raises:
            RuntimeError: it cannot be worked on.
        """
        self._played.samples[:] = samples
        self._work_on_played()

    def heard(self, samples: Samples) -> Samples:
        """Take a frame of what was heard, 10 ms, and give what is left of it.

        Raises:
            RuntimeError: it cannot be worked on.
        """
        self._heard.samples[:] = samples
        self._work_on_heard()
        return self._heard.samples.copy()


class _Place:
    """Where each frame is worked on in its turn.

    Attributes:
        frame: LiveKit's view of it.
        samples: our own.
    """

    def __init__(self, sample_rate_hz: int) -> None:
        size = sample_rate_hz // FRAMES_PER_SECOND
        self.frame = AudioFrame(bytearray(2 * size), sample_rate_hz, 1, size)
        self.samples: Samples = np.frombuffer(self.frame.data, dtype=np.int16)


_Method = Literal["process_stream", "process_reverse_stream"]


def _work(module: AudioProcessingModule, method: _Method, place: _Place) -> Callable[[], None]:
    """What works on a frame as it is at that time."""
    if can_prepare():
        return PreparedRequest(module, method, place.frame)
    process = getattr(module, method)

    def work() -> None:
        rate_hz, size = place.frame.sample_rate, len(place.samples)
        frame = AudioFrame(bytearray(place.samples.tobytes()), rate_hz, 1, size)
        process(frame)
        # The frame's own data: what it was made of need not be what was worked on.
        place.samples[:] = np.frombuffer(frame.data, dtype=np.int16)

    return work


@cache
def can_prepare() -> bool:
    """Whether LiveKit's client is made within as `PreparedRequest` thinks it is, by a trial."""
    module = AudioProcessingModule()
    try:
        for method in get_args(_Method):
            PreparedRequest(module, method, _Place(TRIAL_RATE_HZ).frame)()
    except Exception:  # whatever another version does instead
        return False
    return True


class PreparedRequest:
    """A request to work on the same memory each time; see `LiveKitRequest`."""

    def __init__(self, module: AudioProcessingModule, method: _Method, frame: AudioFrame) -> None:
        self._kind = f"apm_{method}"

        def fill(request: Any) -> None:
            fields = getattr(request, self._kind)
            fields.apm_handle = module._ffi_handle.handle
            fields.data_ptr = np.frombuffer(frame.data, dtype=np.uint8).ctypes.data
            fields.size = frame.data.nbytes
            fields.sample_rate = frame.sample_rate
            fields.num_channels = frame.num_channels

        self._request = LiveKitRequest(fill, module, frame)
        self._usual_answer = b""

    def __call__(self) -> None:
        """
        Raises:
            RuntimeError: LiveKit's library answers with an error, or not at all.
        """
        answer = self._request.send()
        if answer != self._usual_answer:
            self._check(answer)
            self._usual_answer = answer

    def _check(self, answer: bytes) -> None:
        if error := getattr(self._request.read(answer), self._kind).error:
            raise RuntimeError(f"WebRTC's audio processing failed: {error}")
