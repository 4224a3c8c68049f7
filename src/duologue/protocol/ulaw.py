"""μ-law, the eight-bit encoding of telephone networks (ITU-T G.711).

A μ-law byte holds a sign, a three-bit exponent and a four-bit mantissa, all inverted. Magnitudes
are of 14 bits there, so an int16 sample loses its two lowest bits before anything else.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

_BIAS = 0x84  # added before the exponent is found, so that every segment starts at a power of two
_CLIP = 0x7FFF - _BIAS  # the largest magnitude that can still take the bias


def encode_ulaw(samples: npt.NDArray[np.int16]) -> npt.NDArray[np.uint8]:
    """One μ-law byte for each int16 sample."""
    codes: npt.NDArray[np.uint8] = _ENCODED[samples.view(np.uint16)]
    return codes


def decode_ulaw(codes: npt.NDArray[np.uint8]) -> npt.NDArray[np.int16]:
    """One int16 sample for each μ-law byte."""
    samples: npt.NDArray[np.int16] = _DECODED[codes]
    return samples


def _encode_all() -> npt.NDArray[np.uint8]:
    samples = np.arange(0x10000, dtype=np.uint16).view(np.int16).astype(np.int32)
    magnitude = np.minimum(np.abs(samples), _CLIP) + _BIAS
    exponent = np.frexp(magnitude)[1] - 8
    mantissa = (magnitude >> (exponent + 3)) & 0x0F
    sign = np.where(samples < 0, 0x80, 0)
    inverted: npt.NDArray[np.int32] = ~(sign | (exponent << 4) | mantissa) & 0xFF
    return inverted.astype(np.uint8)


def _decode_all() -> npt.NDArray[np.int16]:
    codes = ~np.arange(0x100, dtype=np.int32) & 0xFF
    exponent = (codes >> 4) & 0x07
    magnitude = ((((codes & 0x0F) << 3) + _BIAS) << exponent) - _BIAS
    return np.where(codes & 0x80, -magnitude, magnitude).astype(np.int16)


# 65,536 bytes and 512 bytes: a look-up costs less than the arithmetic on every chunk.
_ENCODED = _encode_all()
_DECODED = _decode_all()
