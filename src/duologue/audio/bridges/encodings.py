"""How the sound of a bridge's other side is written, and samples to bytes and back."""

from __future__ import annotations

import functools
from typing import Any, Final, Literal, TypeAlias

import numpy as np
import numpy.typing as npt

from duologue.audio.samples import NOTHING, Samples, bytes_from_samples, samples_from_bytes
from duologue.protocol.ulaw import decode_ulaw, encode_ulaw

Encoding: TypeAlias = Literal["pcm", "ulaw", "alaw"]
"""Int16 little-endian samples, or one byte for each, as in the two kinds of telephone networks."""

ENCODINGS: Final[tuple[Encoding, ...]] = ("pcm", "ulaw", "alaw")

Sound: TypeAlias = "bytes | bytearray | memoryview | npt.NDArray[np.int16] | npt.NDArray[np.uint8]"
"""Sound as it may be handed in: encoded bytes, or int16 samples in an array."""


def checked_encoding(name: object) -> Encoding:
    """The encoding of that name.

    Raises:
        ValueError: there is none.
    """
    for encoding in ENCODINGS:
        if name == encoding:
            return encoding
    raise ValueError(f"encoding must be one of {', '.join(map(repr, ENCODINGS))}, not {name!r}")


def encoded(samples: Samples, encoding: Encoding) -> bytes:
    """Samples as bytes."""
    if encoding == "ulaw":
        return encode_ulaw(samples).tobytes()
    if encoding == "alaw":
        codes: npt.NDArray[np.uint8] = _alaw_codes()[samples.view(np.uint16)]
        return codes.tobytes()
    return bytes(bytes_from_samples(samples))


class Decoder:
    """Makes samples of sound that comes in pieces of any size. Not thread-safe."""

    def __init__(self, encoding: Encoding) -> None:
        self._encoding = encoding
        self._half = b""

    def push(self, sound: Sound) -> Samples:
        """The samples of what came; half a sample waits for its other half.

        Raises:
            TypeError: it is neither bytes nor an array of int16.
            ValueError: the array has more than one dimension.
        """
        if isinstance(sound, np.ndarray):
            _check_array(sound)
            if sound.dtype.kind == "i":
                return sound.astype(np.int16, copy=False)
            data = sound.tobytes()
        elif isinstance(sound, bytes | bytearray | memoryview):
            data = bytes(sound)
        else:
            raise TypeError(
                f"sound must be bytes, or an array of int16 samples, not {type(sound).__name__}"
            )
        if self._encoding == "ulaw":
            return decode_ulaw(np.frombuffer(data, np.uint8))
        if self._encoding == "alaw":
            samples: Samples = _alaw_samples()[np.frombuffer(data, np.uint8)]
            return samples
        return self._whole_samples(data)

    def _whole_samples(self, data: bytes) -> Samples:
        if self._half:
            data = self._half + data
        self._half = data[len(data) - len(data) % 2 :]
        whole = data[: len(data) - len(self._half)]
        return samples_from_bytes(whole) if whole else NOTHING


def _check_array(array: npt.NDArray[Any]) -> None:
    if (array.dtype.kind, array.dtype.itemsize) not in (("i", 2), ("u", 1)):
        advice = (
            "; floats from -1 to 1 become int16 by (array * 32767).astype(numpy.int16)"
            if array.dtype.kind == "f"
            else ""
        )
        raise TypeError(
            f"an array of sound must be of int16 samples, or of uint8 as bytes, not of "
            f"{array.dtype}{advice}"
        )
    if array.ndim != 1:
        raise ValueError(
            f"an array of sound must have one dimension, not the shape {array.shape}; of several "
            "channels take one, or their mean"
        )


# ITU-T G.711: a sign, a three-bit exponent and a four-bit mantissa, every other bit inverted.
_INVERTED: Final = 0x55


@functools.cache
def _alaw_samples() -> Samples:
    """The sample of each code, in the middle of its interval."""
    codes = np.arange(0x100, dtype=np.int32) ^ _INVERTED
    exponent, mantissa = (codes >> 4) & 0x07, codes & 0x0F
    linear = (mantissa << 4) + 8
    curved = (linear + 0x100) << np.maximum(exponent - 1, 0)
    magnitude = np.where(exponent == 0, linear, curved)
    return np.where(codes & 0x80, magnitude, -magnitude).astype(np.int16)


@functools.cache
def _alaw_codes() -> npt.NDArray[np.uint8]:
    """The code of each sample, by its bits taken as a positive number."""
    samples = np.arange(0x10000, dtype=np.uint16).view(np.int16).astype(np.int32)
    # Of negative ones the interval is open at its other end.
    magnitude = np.where(samples >= 0, samples, -samples - 1)
    exponent = np.maximum(np.frexp(np.maximum(magnitude, 1))[1] - 8, 0)
    mantissa = (magnitude >> (np.maximum(exponent, 1) + 3)) & 0x0F
    sign = np.where(samples >= 0, 0x80, 0)
    codes: npt.NDArray[np.uint8] = ((sign | (exponent << 4) | mantissa) ^ _INVERTED).astype(
        np.uint8
    )
    return codes
