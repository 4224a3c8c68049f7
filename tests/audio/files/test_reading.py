from __future__ import annotations

import io
import struct
from pathlib import Path

import numpy as np
import pytest
import soundfile
from hypothesis import given
from hypothesis import strategies as st

from duologue.audio.files.reading import MAX_FILE_BYTES, decode_wav, read_wav
from duologue.audio.samples import Samples
from duologue.errors import AudioFileError
from tests.audio.room import babble

PCM, FLOAT, EXTENSIBLE = 1, 3, 0xFFFE


def chunk(name: bytes, body: bytes) -> bytes:
    return name + struct.pack("<I", len(body)) + body + b"\0" * (len(body) % 2)


def riff(*chunks: bytes) -> bytes:
    return chunk(b"RIFF", b"WAVE" + b"".join(chunks))


def fmt(tag: int = PCM, channels: int = 1, rate_hz: int = 16_000, bits: int = 16) -> bytes:
    frame = channels * bits // 8
    return chunk(
        b"fmt ",
        struct.pack("<HHIIHH", tag, channels, rate_hz, rate_hz * frame % 2**32, frame, bits),
    )


def extensible(tag: int, bits: int) -> bytes:
    guid = struct.pack("<H", tag) + bytes.fromhex("000000001000800000aa00389b71")
    body = struct.pack("<HHIIHHHHI", EXTENSIBLE, 1, 16_000, 0, bits // 8, bits, 22, bits, 4) + guid
    return chunk(b"fmt ", body)


def stored(samples: list[int], tag: int, bits: int) -> bytes:
    """Samples of 16 bits as they stand in a file of another kind."""
    values = np.array(samples, dtype=np.int64)
    if tag == FLOAT:
        return (values / 32768).astype("<f4" if bits == 32 else "<f8").tobytes()
    if bits == 8:
        return ((values >> 8) + 128).astype(np.uint8).tobytes()
    if bits == 24:
        return (values << 16).astype("<i4").view(np.uint8).reshape(-1, 4)[:, 1:].tobytes()
    return (values << (bits - 16)).astype(f"<i{bits // 8}").tobytes()


KINDS = st.sampled_from([(PCM, 8), (PCM, 16), (PCM, 24), (PCM, 32), (FLOAT, 32), (FLOAT, 64)])
SAMPLES = st.lists(st.integers(-32768, 32767), min_size=1, max_size=50)


@given(KINDS, SAMPLES, st.integers(1, 8), st.integers(1000, 384_000))
def test_every_depth_number_of_channels_and_rate_is_read(
    kind: tuple[int, int], samples: list[int], channels: int, rate_hz: int
) -> None:
    tag, bits = kind
    body = stored([sample for sample in samples for _ in range(channels)], tag, bits)
    read, read_rate_hz = decode_wav(
        riff(fmt(tag, channels, rate_hz, bits), chunk(b"data", body)), "it"
    )
    expected = [sample >> 8 << 8 for sample in samples] if bits == 8 else samples
    assert (read.tolist(), read_rate_hz) == (expected, rate_hz)
    assert read.dtype == np.int16


@pytest.mark.parametrize(("tag", "bits"), [(PCM, 16), (PCM, 24), (FLOAT, 32)])
def test_the_extensible_format_is_read(tag: int, bits: int) -> None:
    file = riff(extensible(tag, bits), chunk(b"data", stored([1, -300, 32767], tag, bits)))
    assert decode_wav(file, "it")[0].tolist() == [1, -300, 32767]


def test_channels_are_mixed_by_their_mean() -> None:
    body = stored([1000, 3000, -1000, 0], PCM, 16)
    file = riff(fmt(channels=2), chunk(b"data", body))
    assert decode_wav(file, "it")[0].tolist() == [2000, -500]


def test_floats_beyond_full_scale_are_clipped_and_no_numbers_are_silent() -> None:
    body = np.array([2.0, -np.inf, np.nan, np.inf], dtype="<f4").tobytes()
    file = riff(fmt(FLOAT, bits=32), chunk(b"data", body))
    assert decode_wav(file, "it")[0].tolist() == [32767, -32768, 0, 32767]


def test_other_chunks_of_odd_sizes_are_passed_over() -> None:
    file = riff(chunk(b"LIST", b"odd"), fmt(), chunk(b"cue ", b"x"), chunk(b"data", b"\1\0"))
    assert decode_wav(file, "it")[0].tolist() == [1]


def test_what_follows_the_sound_is_no_sound() -> None:
    file = riff(fmt(), chunk(b"data", b"\1\0"), chunk(b"LIST", b"text"))
    assert decode_wav(file, "it")[0].tolist() == [1]


def with_sizes(riff_size: int, data_size: int, body: bytes) -> bytes:
    """A file whose header says so, whatever the truth is."""
    return (
        b"RIFF"
        + struct.pack("<I", riff_size)
        + b"WAVE"
        + fmt()
        + b"data"
        + struct.pack("<I", data_size)
        + body
    )


@pytest.mark.parametrize(
    ("riff_size", "data_size"),
    [(0, 0), (0xFFFFFFFF, 0xFFFFFFFF), (36, 0), (0x7FFFFFFF, 0x7FFFFFFF - 36), (1036, 1000)],
)
def test_a_header_that_does_not_know_the_size_is_not_believed(
    riff_size: int, data_size: int
) -> None:
    file = with_sizes(riff_size, data_size, b"\1\0\2\0")
    assert decode_wav(file, "it")[0].tolist() == [1, 2]


def test_a_frame_that_was_cut_off_is_left_out() -> None:
    assert decode_wav(with_sizes(1000, 964, b"\1\0\2"), "it")[0].tolist() == [1]


def test_a_long_file_is_read_whole() -> None:
    samples = (np.arange(600_001) % 30_000).astype("<i2")
    file = riff(fmt(), chunk(b"data", samples.tobytes()))
    assert (decode_wav(file, "it")[0] == samples).all()


ONE_SAMPLE = chunk(b"data", bytes(64))


@pytest.mark.parametrize(
    ("file", "reason"),
    [
        (b"", "it is empty"),
        (b"hello, world", "begins as no sound file"),
        (b"\xff", "begins as no sound file"),
        (b"ID3\x04 and so on", "an MP3 file, but damaged"),
        (b"\xff\xfb\x90\x00", "an MP3 or AAC file, but damaged"),
        (b"OggS and so on", "an Ogg file, but damaged"),
        (b"fLaC and so on", "a FLAC file, but damaged"),
        (b"\x1aE\xdf\xa3 and so on", "a Matroska or WebM file, but damaged or of a kind"),
        (b"RIFF\4\0\0\0AVI ", "a WAV file, but damaged"),
        (b"RIFF\4\0\0\0WAVE", "a WAV file, but damaged"),
        (riff(fmt()), "a WAV file, but damaged"),
        (riff(ONE_SAMPLE), "a WAV file, but damaged"),
        (riff(chunk(b"fmt ", b"short"), ONE_SAMPLE), "a WAV file, but damaged"),
        (riff(fmt(), chunk(b"data", b"")), "holds no sound"),
        (riff(fmt(), chunk(b"data", b""), chunk(b"LIST", b"text")), "holds no sound"),
        (riff(fmt(tag=0x55, bits=0), ONE_SAMPLE), "a WAV file, but damaged or of a kind"),
        (riff(fmt(tag=0x1234), ONE_SAMPLE), "a WAV file, but damaged or of a kind"),
        (riff(fmt(bits=0), ONE_SAMPLE), "a WAV file, but damaged or of a kind"),
        (riff(fmt(channels=0), ONE_SAMPLE), "a WAV file, but damaged"),
        (riff(fmt(channels=9), ONE_SAMPLE), "has 9 channels"),
        (riff(fmt(rate_hz=0), ONE_SAMPLE), "a WAV file, but damaged|sample rate is 0 Hz"),
        (riff(fmt(rate_hz=999), ONE_SAMPLE), "sample rate is 999 Hz"),
        (riff(fmt(rate_hz=400_000), ONE_SAMPLE), "sample rate is 400000 Hz"),
    ],
)
def test_what_cannot_be_read_is_named(file: bytes, reason: str) -> None:
    with pytest.raises(AudioFileError, match=f"^Cannot read voice.wav: .*({reason})"):
        decode_wav(file, "voice.wav")


SPEECH_LIKE = babble(1, 16_000)


def encoded(kind: str, subtype: str, samples: Samples = SPEECH_LIKE) -> bytes:
    """A second of sound in a file of some kind."""
    file = io.BytesIO()
    soundfile.write(file, samples, 16_000, format=kind, subtype=subtype)
    return file.getvalue()


@pytest.mark.parametrize(
    ("kind", "subtype"),
    [("FLAC", "PCM_16"), ("AIFF", "PCM_24"), ("AU", "PCM_16"), ("RF64", "PCM_16")],
)
def test_what_keeps_all_of_the_sound_is_read_to_the_last_bit(kind: str, subtype: str) -> None:
    samples, rate_hz = decode_wav(encoded(kind, subtype), "it")
    assert (samples.tolist(), rate_hz) == (SPEECH_LIKE.tolist(), 16_000)


@pytest.mark.parametrize(
    ("kind", "subtype", "loss_db"),
    [
        ("WAV", "ULAW", -30),
        ("WAV", "ALAW", -30),
        ("WAV", "IMA_ADPCM", -20),
        ("MP3", "MPEG_LAYER_III", -15),
        ("OGG", "VORBIS", -10),
        ("OGG", "OPUS", -10),
    ],
)
def test_what_loses_a_little_of_the_sound_is_read_as_well(
    kind: str, subtype: str, loss_db: float
) -> None:
    samples, rate_hz = decode_wav(encoded(kind, subtype), "it")
    assert rate_hz == 16_000
    assert len(samples) == pytest.approx(len(SPEECH_LIKE), abs=1600)
    assert difference_db(SPEECH_LIKE, samples) < loss_db


def difference_db(sound: Samples, other: Samples) -> float:
    """How loud the difference is beside a sound, wherever in the other one it begins."""
    size = 1 << (len(sound) + len(other)).bit_length()
    one, two = np.fft.rfft(sound.astype(float), size), np.fft.rfft(other.astype(float), size)
    likeness = np.fft.irfft(two * np.conj(one), size)
    shifted = np.roll(np.pad(other.astype(float), (0, size - len(other))), -int(likeness.argmax()))
    difference = shifted[: len(sound)] - sound
    return float(10 * np.log10(np.mean(np.square(difference)) / np.mean(sound.astype(float) ** 2)))


@pytest.mark.parametrize(
    ("kind", "subtype", "kept"),
    [("FLAC", "PCM_16", 40), ("FLAC", "PCM_16", 5000), ("MP3", "MPEG_LAYER_III", 40)],
)
def test_a_file_that_is_cut_off_too_soon_is_named(kind: str, subtype: str, kept: int) -> None:
    with pytest.raises(AudioFileError, match=f"^Cannot read voice: it is an? {kind}.*damaged"):
        decode_wav(encoded(kind, subtype)[:kept], "voice")


def test_of_half_an_mp3_file_the_beginning_is_read() -> None:
    file = encoded("MP3", "MPEG_LAYER_III")
    whole, half = decode_wav(file, "it")[0], decode_wav(file[: len(file) // 2], "it")[0]
    assert 0 < len(half) < len(whole)
    assert (half[:4000] == whole[:4000]).all()


def test_compressed_silence_without_end_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("duologue.audio.files.reading.MAX_SOUND_S", 3600 * 0.001)
    with pytest.raises(AudioFileError, match="lasts more than"):
        decode_wav(encoded("FLAC", "PCM_16", np.zeros(160_000, np.int16)), "it")


@given(st.binary(max_size=300))
def test_garbage_gives_nothing_but_an_audio_file_error(file: bytes) -> None:
    with pytest.raises(AudioFileError):
        decode_wav(file, "it")


@given(st.binary(max_size=200), st.binary(max_size=60), st.integers(0, 2**32 - 1))
def test_garbage_in_a_wav_file_gives_sound_or_an_audio_file_error(
    body: bytes, format_body: bytes, size: int
) -> None:
    head = b"RIFF" + struct.pack("<I", size) + b"WAVE"
    for file in (
        head + body,
        head + chunk(b"fmt ", format_body) + body,
        head + fmt() + body,
        head + chunk(b"fmt ", format_body) + chunk(b"data", body),
    ):
        try:
            samples, rate_hz = decode_wav(file, "it")
        except AudioFileError:
            continue
        assert len(samples)
        assert 1000 <= rate_hz <= 384_000


@given(SAMPLES, st.data())
def test_a_file_cut_off_anywhere_gives_its_beginning_or_an_audio_file_error(
    samples: list[int], data: st.DataObject
) -> None:
    file = riff(fmt(), chunk(b"data", stored(samples, PCM, 16)))
    cut = data.draw(st.integers(0, len(file)))
    try:
        read, _ = decode_wav(file[:cut], "it")
    except AudioFileError:
        assert cut < 46
    else:
        assert read.tolist() == samples[: (cut - 44) // 2]


def test_a_file_is_read_from_its_path(tmp_path: Path) -> None:
    path = tmp_path / "voice.wav"
    path.write_bytes(riff(fmt(rate_hz=8000), chunk(b"data", b"\1\0")))
    samples, rate_hz = read_wav(str(path))
    assert (samples.tolist(), rate_hz) == ([1], 8000)


def test_a_path_that_leads_to_no_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(AudioFileError, match=r"nowhere\.wav: there is no such file"):
        read_wav(tmp_path / "nowhere.wav")
    with pytest.raises(AudioFileError, match="it is a folder"):
        read_wav(tmp_path)
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(AudioFileError, match="Not a directory"):
        read_wav(tmp_path / "file" / "voice.wav")
    with pytest.raises(AudioFileError, match="null"):
        read_wav("voice\0.wav")


def test_a_file_that_is_too_large_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert MAX_FILE_BYTES == 1 << 30
    monkeypatch.setattr("duologue.audio.files.reading.MAX_FILE_BYTES", 1 << 20)
    path = tmp_path / "long.wav"
    path.write_bytes(bytes((1 << 20) + 1))
    with pytest.raises(AudioFileError, match="larger than 1 MiB"):
        read_wav(path)
