"""Samples as numpy arrays inside, as bytes at the borders; and how they are counted."""

from __future__ import annotations

from typing import Final, TypeAlias

import numpy as np
import numpy.typing as npt

Samples: TypeAlias = npt.NDArray[np.int16]
"""Mono samples of 16 bits: a one-dimensional array."""

FULL_SCALE = 32768
"""The magnitude of the loudest sample that 16 bits can hold."""

_WIRE_TYPE = np.dtype("<i2")
_NATIVE_WIRE_TYPE = np.dtype(np.int16) if _WIRE_TYPE.isnative else None


def samples_from_bytes(data: memoryview | bytes | bytearray) -> Samples:
    """Read little-endian int16 samples without copying where the machine allows it.

    Accepts bytes or a contiguous view of items of one byte (`"B"`) or two (`"h"`).

    Raises:
        ValueError: the number of bytes is odd.
    """
    try:
        samples = np.frombuffer(data, dtype=_WIRE_TYPE)
    except ValueError:
        size = memoryview(data).nbytes
        if size % _WIRE_TYPE.itemsize:
            raise ValueError(
                f"samples of 16 bits take an even number of bytes, not {size}"
            ) from None
        raise
    return samples if _WIRE_TYPE.isnative else samples.astype(np.int16)


def bytes_from_samples(samples: Samples) -> memoryview:
    """Give samples as a view of little-endian bytes (format `"B"`), without copying if possible."""
    if samples.dtype is _NATIVE_WIRE_TYPE and len(samples) and samples.flags.c_contiguous:
        return samples.data.cast("B")  # as below, in a third of the time
    return np.ascontiguousarray(samples, dtype=_WIRE_TYPE).view(np.uint8).data


def silence(frames: int) -> Samples:
    """`frames` samples of digital silence."""
    return np.zeros(frames, dtype=np.int16)


NOTHING: Final = silence(0)
"""No sample at all. Made once, for code that runs a hundred times a second."""


def milliseconds(frames: int, sample_rate_hz: int) -> float:
    """How long `frames` samples last."""
    return frames * 1000 / sample_rate_hz


def samples_from_floats(values: npt.NDArray[np.floating]) -> Samples:
    """Round to the nearest sample and clip what is beyond full scale."""
    rounded: Samples = np.clip(np.rint(values), -FULL_SCALE, FULL_SCALE - 1).astype(np.int16)
    return rounded
