"""The seven formats, and samples to bytes and back in each of them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from duologue.errors import UnsupportedAudioFormat
from duologue.protocol.formats import AUDIO_FORMATS, DEFAULT_INPUT_FORMAT, AudioFormat

CONTRACT = {
    "pcm_8000": ("pcm", 8000, 2),
    "pcm_16000": ("pcm", 16000, 2),
    "pcm_22050": ("pcm", 22050, 2),
    "pcm_24000": ("pcm", 24000, 2),
    "pcm_44100": ("pcm", 44100, 2),
    "pcm_48000": ("pcm", 48000, 2),
    "ulaw_8000": ("ulaw", 8000, 1),
}

PCM = AudioFormat("pcm", 16000)
ULAW = AudioFormat("ulaw", 8000)
int16_lists = st.lists(st.integers(-0x8000, 0x7FFF))


def test_the_formats_are_those_of_the_contract_and_no_others() -> None:
    found = {
        name: (it.encoding, it.sample_rate_hz, it.bytes_per_sample)
        for name, it in AUDIO_FORMATS.items()
    }
    assert found == CONTRACT


@pytest.mark.parametrize("name", CONTRACT)
def test_a_name_is_read_and_written(name: str) -> None:
    assert str(AudioFormat.parse(name)) == name


def test_a_user_is_heard_in_pcm_16000_if_nothing_else_is_agreed() -> None:
    assert str(DEFAULT_INPUT_FORMAT) == "pcm_16000"


@given(name=st.text(st.characters(exclude_categories=())).filter(lambda it: it not in CONTRACT))
@settings(deadline=None)
def test_any_other_name_is_refused_with_the_names_that_exist(name: str) -> None:
    with pytest.raises(UnsupportedAudioFormat) as refusal:
        AudioFormat.parse(name)
    assert str(refusal.value).endswith(f"expected one of {', '.join(CONTRACT)}")
    if len(name) < 10 and name.isprintable():
        assert repr(name) in str(refusal.value)


@pytest.mark.parametrize("name", ["PCM_16000", "pcm_16000 ", "pcm", "pcm_11025", "mp3_44100"])
def test_a_name_that_is_nearly_right_is_refused_with_what_came(name: str) -> None:
    with pytest.raises(UnsupportedAudioFormat, match=f"^'{name}' is not"):
        AudioFormat.parse(name)


@pytest.mark.parametrize("name", [None, 16000, [], {}, b"pcm_16000"])
def test_what_is_not_text_is_refused_as_well(name: Any) -> None:
    with pytest.raises(UnsupportedAudioFormat, match="is not an audio format"):
        AudioFormat.parse(name)


def test_the_refusal_of_a_name_of_megabytes_is_short() -> None:
    with pytest.raises(UnsupportedAudioFormat) as refusal:
        AudioFormat.parse("x" * 1_000_000)
    assert len(str(refusal.value)) < 300


def test_pcm_is_little_endian() -> None:
    samples = np.array([1, -2, 0x1234, -0x8000], np.int16)
    assert PCM.encode(samples) == b"\x01\x00\xfe\xff\x34\x12\x00\x80"


@given(values=int16_lists)
@settings(deadline=None)
def test_pcm_comes_back_exactly(values: list[int]) -> None:
    decoded = PCM.decode(PCM.encode(np.array(values, np.int16)))
    assert decoded.dtype == np.int16
    assert decoded.tolist() == values


@given(data=st.binary())
@settings(deadline=None)
def test_half_a_sample_at_the_end_is_dropped(data: bytes) -> None:
    whole = data[: len(data) // 2 * 2]
    assert PCM.decode(data).tolist() == PCM.decode(whole).tolist()
    assert PCM.encode(PCM.decode(data)) == whole


@given(data=st.binary())
@settings(deadline=None)
def test_ulaw_has_one_sample_for_each_byte(data: bytes) -> None:
    decoded = ULAW.decode(data)
    assert decoded.dtype == np.int16
    assert len(decoded) == len(data)
    # Zero has two codes, of which the positive one is written.
    assert ULAW.encode(decoded) == data.replace(b"\x7f", b"\xff")


@pytest.mark.parametrize("audio_format", AUDIO_FORMATS.values(), ids=str)
def test_a_strided_array_is_encoded_as_its_samples(audio_format: AudioFormat) -> None:
    samples = np.arange(-3000, 3000, dtype=np.int16)[::3]
    assert audio_format.encode(samples) == audio_format.encode(samples.copy())
