"""ALSA, Linux' own sound interface: whether it has devices, and how it is kept quiet."""

from __future__ import annotations

import ctypes
from functools import cache
from pathlib import Path

DEVICES_FILE = Path("/proc/asound/pcm")
"""Where the kernel lists the devices of its sound cards, one a line."""


def _ignore_error(file: bytes, line: int, function: bytes, error: int, text: bytes) -> None:
    """ALSA also returns its errors as codes, which miniaudio raises."""


_ERROR_HANDLER = ctypes.CFUNCTYPE(
    None, ctypes.c_char_p, ctypes.c_int, ctypes.c_char_p, ctypes.c_int, ctypes.c_char_p
)(_ignore_error)
"""ALSA calls it as long as the process lives, so it has to live as long."""


def has_devices() -> bool:
    """Whether the kernel knows a sound card."""
    try:
        return bool(DEVICES_FILE.read_text().strip())
    except OSError:
        return False


@cache
def silence_errors() -> None:
    """Keep ALSA from writing to the terminal about each device that it tries in vain."""
    try:
        library = ctypes.CDLL("libasound.so.2")
    except OSError:
        # Without its library ALSA cannot write anything either.
        return
    library.snd_lib_error_set_handler(_ERROR_HANDLER)
