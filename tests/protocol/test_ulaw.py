"""μ-law against a slow reading of the standard's own table of segments."""

from __future__ import annotations

import bisect

import numpy as np
import numpy.typing as npt
import pytest

from duologue.protocol.ulaw import decode_ulaw, encode_ulaw

# ITU-T G.711, table 2a (positive half of μ-law): from the origin outwards, the number of intervals
# and the width of each, in units of the 14-bit scale. The very first interval is half as wide.
SEGMENTS = [(1, 1), (15, 2), (16, 4), (16, 8), (16, 16), (16, 32), (16, 64), (16, 128), (16, 256)]
INT16_UNITS = 4  # one unit of the 14-bit scale in steps of an int16
CLIP = 8159 * INT16_UNITS

ALL_SAMPLES = np.arange(-0x8000, 0x8000, dtype=np.int32).astype(np.int16)
ALL_CODES = np.arange(0x100, dtype=np.int32).astype(np.uint8)


def decision_values() -> list[int]:
    """The edges of the 128 intervals, from 0 to the clipping level, in steps of an int16."""
    edges = [0]
    for intervals, width in SEGMENTS:
        for _ in range(intervals):
            edges.append(edges[-1] + width * INT16_UNITS)
    return edges


EDGES = decision_values()


def interval_of(magnitude: int) -> int:
    return min(bisect.bisect_right(EDGES, magnitude), 128) - 1


def reference_encode(sample: int) -> int:
    code = 0xFF - interval_of(abs(sample))
    return code if sample >= 0 else code - 0x80


def reference_decode(code: int) -> int:
    interval = 0x7F - (code & 0x7F)
    # An interval is heard as its middle, except the first, which is heard as silence.
    middle = 0 if interval == 0 else (EDGES[interval] + EDGES[interval + 1]) // 2
    return middle if code & 0x80 else -middle


def decoded(samples: npt.NDArray[np.int16]) -> npt.NDArray[np.int32]:
    return decode_ulaw(encode_ulaw(samples)).astype(np.int32)


def test_the_reference_ends_at_the_standards_clipping_level() -> None:
    assert len(EDGES) == 129
    assert EDGES[-1] == CLIP


@pytest.mark.parametrize(
    ("code", "sample"),
    [
        (0x00, -32124),
        (0x80, 32124),
        (0xFF, 0),
        (0x7F, 0),
        (0xFE, 8),
        (0x7E, -8),
        (0xF0, 120),
        (0xEF, 132),
        (0x8F, 16764),
        (0x0F, -16764),
        (0x01, -31100),
    ],
)
def test_known_codes_are_known_samples(code: int, sample: int) -> None:
    assert decode_ulaw(np.array([code], np.uint8)).tolist() == [sample]


@pytest.mark.parametrize(
    ("sample", "code"),
    [
        (0, 0xFF),
        (3, 0xFF),
        (4, 0xFE),
        (-1, 0x7F),
        (-4, 0x7E),
        (32767, 0x80),
        (32635, 0x80),
        (-32768, 0x00),
        (-32635, 0x00),
        (1000, 0xCE),
    ],
)
def test_known_samples_are_known_codes(sample: int, code: int) -> None:
    assert encode_ulaw(np.array([sample], np.int16)).tolist() == [code]


def test_all_samples_are_encoded_as_the_standards_table_says() -> None:
    expected = [reference_encode(sample) for sample in ALL_SAMPLES.tolist()]
    assert encode_ulaw(ALL_SAMPLES).tolist() == expected


def test_all_codes_are_decoded_as_the_standards_table_says() -> None:
    assert decode_ulaw(ALL_CODES).tolist() == [reference_decode(code) for code in range(0x100)]


def test_a_louder_sample_is_never_heard_softer() -> None:
    assert (np.diff(decoded(ALL_SAMPLES)) >= 0).all()


def test_a_decoded_sample_is_its_own_code_again() -> None:
    once = decode_ulaw(ALL_CODES)
    assert np.array_equal(decoded(once), once)


def test_an_error_is_at_most_half_an_interval() -> None:
    magnitudes = np.abs(ALL_SAMPLES.astype(np.int32))
    intervals = [interval_of(magnitude) for magnitude in magnitudes.tolist()]
    widths = np.diff(EDGES)[intervals]
    # The first interval is the positive half of one around zero; beyond the last, sound is clipped.
    bounds = np.where(magnitudes < EDGES[1], widths, widths // 2)
    errors = np.abs(decoded(ALL_SAMPLES) - np.clip(ALL_SAMPLES, -CLIP, CLIP))
    assert (errors <= bounds).all()


def test_positive_and_negative_samples_mirror_each_other() -> None:
    positive = np.arange(1, 0x8000, dtype=np.int32).astype(np.int16)
    assert np.array_equal(decoded(-positive), -decoded(positive))


def test_nothing_is_nothing() -> None:
    assert encode_ulaw(np.array([], np.int16)).tolist() == []
    assert decode_ulaw(np.array([], np.uint8)).tolist() == []
