from __future__ import annotations

import io
import itertools
from typing import Any

import numpy as np
import pytest
import soundfile
from hypothesis import given
from hypothesis import strategies as st

from duologue.audio.bridges.encodings import ENCODINGS, Decoder, checked_encoding, encoded
from duologue.audio.samples import Samples

ALL_SAMPLES = np.arange(-0x8000, 0x8000, dtype=np.int32).astype(np.int16)
ALL_CODES = bytes(range(256))


def by_libsndfile(codes: bytes, subtype: str) -> Samples:
    sound, _ = soundfile.read(
        io.BytesIO(codes),
        dtype="int16",
        format="RAW",
        subtype=subtype,
        channels=1,
        samplerate=8000,
    )
    return np.asarray(sound, dtype=np.int16)


def to_libsndfile(samples: Samples, subtype: str) -> bytes:
    file = io.BytesIO()
    soundfile.write(file, samples, 8000, format="RAW", subtype=subtype)
    return file.getvalue()


@pytest.mark.parametrize(("encoding", "subtype"), [("alaw", "ALAW"), ("ulaw", "ULAW")])
def test_every_code_is_read_as_libsndfile_reads_it(encoding: Any, subtype: str) -> None:
    assert Decoder(encoding).push(ALL_CODES).tolist() == by_libsndfile(ALL_CODES, subtype).tolist()


@pytest.mark.parametrize("encoding", ["alaw", "ulaw"])
def test_every_sample_becomes_the_nearest_code(encoding: Any) -> None:
    codes = np.frombuffer(encoded(ALL_SAMPLES, encoding), np.uint8)
    known = np.unique(Decoder(encoding).push(ALL_CODES).astype(np.int32))
    decoded = Decoder(encoding).push(codes.tobytes()).astype(np.int32)
    off = np.abs(decoded - ALL_SAMPLES)
    at = np.clip(np.searchsorted(known, ALL_SAMPLES), 1, len(known) - 1)
    nearest = np.minimum(np.abs(known[at] - ALL_SAMPLES), np.abs(known[at - 1] - ALL_SAMPLES))
    # Where segments of different widths meet, the edges of G.711 are not in the middle.
    assert (off - nearest).max() <= 256
    assert np.mean(off == nearest) > 0.95


def test_alaw_is_written_as_libsndfile_writes_it() -> None:
    ours = np.frombuffer(encoded(ALL_SAMPLES, "alaw"), np.uint8)
    theirs = np.frombuffer(to_libsndfile(ALL_SAMPLES, "ALAW"), np.uint8)
    # libsndfile rounds towards zero, and the standard away from it: only edges differ.
    assert np.mean(ours == theirs) > 0.96


def test_a_code_stays_what_it_is() -> None:
    for encoding in ("alaw", "ulaw"):
        samples = Decoder(encoding).push(ALL_CODES)
        again = encoded(samples, encoding)
        assert Decoder(encoding).push(again).tolist() == samples.tolist()


@given(st.binary(max_size=200), st.lists(st.integers(0, 200), max_size=8))
def test_pieces_of_any_size_make_the_same_samples(data: bytes, cuts: list[int]) -> None:
    places = [0, *sorted(cuts), len(data)]
    decoder = Decoder("pcm")
    pieces = [decoder.push(data[start:end]) for start, end in itertools.pairwise(places)]
    whole = data[: len(data) - len(data) % 2]
    joined = np.concatenate([np.zeros(0, np.int16), *pieces])
    assert joined.tolist() == np.frombuffer(whole, "<i2").tolist()


@pytest.mark.parametrize("kind", [bytes, bytearray, memoryview])
def test_all_kinds_of_bytes_are_taken(kind: Any) -> None:
    assert Decoder("pcm").push(kind(b"\x01\x00\x02\x00")).tolist() == [1, 2]


def test_arrays_of_samples_and_of_bytes_are_taken() -> None:
    assert Decoder("ulaw").push(np.array([1, 2], np.int16)).tolist() == [1, 2]
    assert Decoder("pcm").push(np.array([1, 0, 2, 0], np.uint8)).tolist() == [1, 2]
    assert Decoder("pcm").push(np.array([1, 2], ">i2")).tolist() == [1, 2]


@pytest.mark.parametrize(
    ("sound", "error", "match"),
    [
        (np.zeros(3, np.float32), TypeError, r"not of float32; floats .*astype\(numpy.int16\)"),
        (np.zeros(3, np.int32), TypeError, "must be of int16 samples"),
        (np.zeros((3, 2), np.int16), ValueError, "one dimension"),
        ("text", TypeError, "not str"),
        ([1, 2], TypeError, "not list"),
        (None, TypeError, "not NoneType"),
    ],
)
def test_what_is_no_sound_is_refused(sound: Any, error: type[Exception], match: str) -> None:
    with pytest.raises(error, match=match):
        Decoder("pcm").push(sound)


@pytest.mark.parametrize("name", ENCODINGS)
def test_encodings_have_names(name: str) -> None:
    assert checked_encoding(name) == name


@pytest.mark.parametrize("name", ["opus", "", None, "PCM"])
def test_other_names_are_refused(name: object) -> None:
    with pytest.raises(ValueError, match="encoding must be one of 'pcm', 'ulaw', 'alaw', not"):
        checked_encoding(name)
