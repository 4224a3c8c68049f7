from __future__ import annotations

import ctypes
from typing import Any

import pytest
from livekit.rtc import AudioFrame, AudioProcessingModule

from duologue.audio.livekit_request import LiveKitRequest


@pytest.fixture
def request_to_process() -> LiveKitRequest:
    """To take the noise out of 10 ms at 16 kHz, always the same ones."""
    module = AudioProcessingModule(noise_suppression=True)
    frame = AudioFrame(bytearray(320), 16_000, 1, 160)

    def fill(request: Any) -> None:
        fields = request.apm_process_stream
        fields.apm_handle = module._ffi_handle.handle
        fields.data_ptr = ctypes.addressof(ctypes.c_char.from_buffer(frame._data))
        fields.size = 320
        fields.sample_rate = 16_000
        fields.num_channels = 1

    return LiveKitRequest(fill, module, frame)


def test_it_can_be_sent_again_and_again(request_to_process: LiveKitRequest) -> None:
    answers = {request_to_process.send() for _ in range(10)}
    (answer,) = answers
    assert request_to_process.read(answer).WhichOneof("message") == "apm_process_stream"


def test_one_that_livekits_library_does_not_take_is_an_error(
    request_to_process: LiveKitRequest,
) -> None:
    serialized = request_to_process._request
    ctypes.memset(serialized, 0xFF, ctypes.sizeof(serialized))
    with pytest.raises(RuntimeError, match="has not taken a frame"):
        request_to_process.send()
