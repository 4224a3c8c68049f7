from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
from livekit.rtc import AudioFrame, AudioProcessingModule

from duologue.audio.processing import webrtc as webrtc_processing
from duologue.audio.processing.webrtc import PreparedRequest, WebRTCProcessing
from duologue.audio.samples import Samples
from tests.audio.room import babble, echo

PLAYED_RATE_HZ = 24_000
HEARD_RATE_HZ = 16_000


def sounds() -> list[tuple[Samples, Samples]]:
    """What was played and what was heard, frame by frame."""
    played = babble(2, PLAYED_RATE_HZ).reshape(-1, PLAYED_RATE_HZ // 100)
    heard = echo(babble(2, HEARD_RATE_HZ), HEARD_RATE_HZ, delay_ms=60)
    return list(zip(played, heard.reshape(-1, HEARD_RATE_HZ // 100), strict=True))


def processed_by_us() -> list[bytes]:
    processing = WebRTCProcessing(
        heard_rate_hz=HEARD_RATE_HZ,
        played_rate_hz=PLAYED_RATE_HZ,
        echo_cancellation=True,
        noise_suppression=True,
        auto_gain_control=True,
    )
    left = []
    for played, heard in sounds():
        processing.played(played)
        left.append(processing.heard(heard))
    return [samples.tobytes() for samples in left]


def processed_by_livekits_client() -> list[bytes]:
    module = AudioProcessingModule(
        echo_cancellation=True,
        noise_suppression=True,
        high_pass_filter=True,
        auto_gain_control=True,
    )
    left = []
    for played, heard in sounds():
        module.process_reverse_stream(frame_of(played, PLAYED_RATE_HZ))
        frame = frame_of(heard, HEARD_RATE_HZ)
        module.process_stream(frame)
        left.append(frame.data.tobytes())
    return left


def frame_of(samples: Samples, rate_hz: int) -> AudioFrame:
    return AudioFrame(bytearray(samples.tobytes()), rate_hz, 1, len(samples))


def test_it_gives_what_livekits_own_client_gives() -> None:
    assert processed_by_us() == processed_by_livekits_client()


def test_it_does_so_with_requests_made_once(monkeypatch: pytest.MonkeyPatch) -> None:
    assert webrtc_processing.can_prepare()  # which sends requests of its own, the first time
    sent: list[PreparedRequest] = []
    send = PreparedRequest.__call__

    def noted(request: PreparedRequest) -> None:
        sent.append(request)
        send(request)

    monkeypatch.setattr(PreparedRequest, "__call__", noted)
    frames = len(processed_by_us())
    assert len(sent) == 2 * frames
    assert len(set(map(id, sent))) == 2


@pytest.fixture
def tried_anew() -> Iterator[None]:
    webrtc_processing.can_prepare.cache_clear()
    yield
    webrtc_processing.can_prepare.cache_clear()


@pytest.mark.parametrize("step", ["__init__", "__call__"])
@pytest.mark.usefixtures("tried_anew")
def test_it_gives_the_same_with_a_livekit_that_is_made_differently_within(
    step: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unknown(request: PreparedRequest, *arguments: object) -> None:
        raise AttributeError("LiveKit has another way for it now")

    monkeypatch.setattr(PreparedRequest, step, unknown)
    assert processed_by_us() == processed_by_livekits_client()


@pytest.mark.usefixtures("tried_anew")
def test_this_livekit_is_as_it_is_thought_to_be() -> None:
    assert webrtc_processing.can_prepare()


def test_what_was_given_and_what_came_out_stay_as_they_are() -> None:
    processing = WebRTCProcessing(
        heard_rate_hz=HEARD_RATE_HZ,
        played_rate_hz=HEARD_RATE_HZ,
        echo_cancellation=False,
        noise_suppression=True,
        auto_gain_control=False,
    )
    heard = babble(1, HEARD_RATE_HZ).reshape(-1, 160)
    before = heard.copy()
    left = [processing.heard(frame) for frame in heard]
    at_once = [frame.copy() for frame in left]
    for frame in heard[::-1]:
        processing.heard(frame)
    assert np.array_equal(heard, before)
    assert np.array_equal(left, at_once)


def test_an_error_of_livekits_library_is_raised() -> None:
    module = AudioProcessingModule(noise_suppression=True)
    frame = AudioFrame(bytearray(80), 4000, 1, 40)  # WebRTC begins at 8,000 Hz
    request = PreparedRequest(module, "process_stream", frame)
    for _ in range(2):
        with pytest.raises(RuntimeError, match="audio processing failed: an RtcError"):
            request()
