"""Requests to LiveKit's library that are made once, and sent for each frame of sound."""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from typing import Any


class LiveKitRequest:
    """A request to LiveKit's library that is always the same.

    It uses what is not public of LiveKit's client, as it is in versions 1.1 and 1.2. So whoever
    makes one tries it first, and does without where another version does otherwise.

    Args:
        fill: fills in a request of LiveKit's own kind.
        needed: what the request names by number or address only; kept as long as it is.
    """

    def __init__(self, fill: Callable[[Any], None], *needed: object) -> None:
        from livekit.rtc._ffi_client import FfiClient
        from livekit.rtc._proto import ffi_pb2

        request: Any = ffi_pb2.FfiRequest()
        fill(request)
        serialized = request.SerializeToString()
        self._answer_type: Any = ffi_pb2.FfiResponse
        library = FfiClient.instance._ffi_lib
        self._send, self._drop = library.livekit_ffi_request, library.livekit_ffi_drop_handle
        self._needed = needed
        self._request = (ctypes.c_ubyte * len(serialized)).from_buffer_copy(serialized)

    def send(self) -> bytes:
        """Give LiveKit's answer, as it came.

        Raises:
            RuntimeError: it gave none.
        """
        # Of each call's own: one thread may still send it as the next one does already.
        answer_at, answer_size = ctypes.POINTER(ctypes.c_ubyte)(), ctypes.c_size_t()
        handle = self._send(
            self._request, len(self._request), ctypes.byref(answer_at), ctypes.byref(answer_size)
        )
        if not handle:
            raise RuntimeError("LiveKit's library has not taken a frame of sound")
        answer = ctypes.string_at(answer_at, answer_size.value)
        self._drop(handle)
        return answer

    def read(self, answer: bytes) -> Any:
        """An answer, as LiveKit's own kind of it."""
        return self._answer_type.FromString(answer)
