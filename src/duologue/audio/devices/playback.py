"""miniaudio's playback device, with a buffer on PulseAudio and PipeWire of the size that we want.

There miniaudio asks the sound server for a buffer of one period, however many periods it is told:
with 10 ms a speaker runs dry as soon as its program is 10 ms late. A longer period would help; but
miniaudio gathers whole periods in front of that buffer, and what is interrupted is heard for so
much longer. The C library can do without gathering, but its Python bindings do not pass this on.
"""

from __future__ import annotations

from typing import Any, Final

import cffi
import miniaudio

AHEAD_MS: Final = 20
"""So much PulseAudio has in hand of what it plays next, and asks for a quarter of it at a time.

Of a virtual speaker on two processors, four runs of 12 s each, two of them beside two busy
programs: with miniaudio's 10 ms it was silent 23 times, for up to 30 ms; with 20 ms twice, with
25 ms once. From an interruption to silence it takes as long as with 10 ms, for these were gathered.
"""

_HEAD = cffi.FFI()
_HEAD.cdef("""
typedef struct {
    int deviceType;
    uint32_t sampleRate;
    uint32_t periodSizeInFrames;
    uint32_t periodSizeInMilliseconds;
    uint32_t periods;
    int performanceProfile;
    uint8_t noPreSilencedOutputBuffer;
    uint8_t noClip;
    uint8_t noDisableDenormals;
    uint8_t noFixedSizedCallback;
    void *dataCallback;
} head;
""")
"""How `ma_device_config` begins, from miniaudio.h 0.11: the bindings leave the flags out."""


class PlaybackDevice(miniaudio.PlaybackDevice):
    """A device that is asked for a few ms at a time, 20 ms ahead, where there is a sound server.

    Elsewhere, it has the period and the number of periods that it was given.
    """

    def _make_context(self, *arguments: Any) -> Any:
        # The one moment between the configuration's being made and its being used.
        context = super()._make_context(*arguments)
        if context.backend == miniaudio.lib.ma_backend_pulseaudio and is_known():
            do_not_gather(self._devconfig)
            self._devconfig.periodSizeInMilliseconds = AHEAD_MS
        return context


def is_known() -> bool:
    """Whether this version of miniaudio begins its configuration of devices as we think it does."""
    return all(
        miniaudio.ffi.offsetof("ma_device_config", field) == _HEAD.offsetof("head", field)
        for field in ("periods", "dataCallback")
    )


def do_not_gather(configuration: Any) -> None:
    """Let miniaudio ask for what the device has room for, and no more.

    Args:
        configuration: miniaudio's `ma_device_config`, if it `is_known`.
    """
    address = int(miniaudio.ffi.cast("uintptr_t", miniaudio.ffi.addressof(configuration)))
    _HEAD.cast("head *", address).noFixedSizedCallback = 1
