from __future__ import annotations

import array

import numpy as np
import pytest

from duologue.audio.samples import (
    bytes_from_samples,
    milliseconds,
    samples_from_bytes,
    samples_from_floats,
)


def test_bytes_are_little_endian() -> None:
    data = bytes_from_samples(np.array([1, -2, 0x1234], dtype=np.int16))
    assert data.format == "B"
    assert data.tobytes() == b"\x01\x00\xfe\xff\x34\x12"


@pytest.mark.parametrize(
    "data",
    [
        memoryview(b"\x01\x00\xfe\xff"),
        memoryview(array.array("h", [1, -2])),
        bytearray(b"\x01\x00\xfe\xff"),
    ],
)
def test_bytes_and_views_of_either_item_size_are_read(data: memoryview | bytearray) -> None:
    assert samples_from_bytes(data).tolist() == [1, -2]


def test_nothing_goes_both_ways() -> None:
    assert samples_from_bytes(memoryview(b"")).tolist() == []
    assert bytes_from_samples(np.zeros(0, dtype=np.int16)).tobytes() == b""


def test_every_other_sample_of_an_array_goes_out_in_order() -> None:
    every_other = np.arange(6, dtype=np.int16)[::2]
    assert samples_from_bytes(bytes_from_samples(every_other)).tolist() == [0, 2, 4]


def test_half_a_sample_is_refused() -> None:
    with pytest.raises(ValueError, match="an even number of bytes, not 3"):
        samples_from_bytes(memoryview(b"abc"))


def test_floats_are_rounded_and_clipped() -> None:
    values = np.array([0.6, -0.6, 40_000.0, -40_000.0])
    assert samples_from_floats(values).tolist() == [1, -1, 32767, -32768]


def test_milliseconds_of_frames() -> None:
    assert milliseconds(441, 44_100) == 10.0
