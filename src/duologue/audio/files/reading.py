"""WAV files read: whatever can be made mono of 16 bits is; of the rest it says what it is.

Read: PCM of 8, 16, 24 and 32 bits, floats of 32 and 64 bits, plain or WAVE_FORMAT_EXTENSIBLE, 1 to
8 channels (mixed to one by their mean), 1,000 to 384,000 Hz (the rate stays as it is). Sizes in the
header are not trusted: programs that write to a pipe leave 0 or 0xFFFFFFFF there, and a file that
was cut off is read as far as it goes.
"""

from __future__ import annotations

import os
import struct
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from duologue.audio.samples import FULL_SCALE, Samples, samples_from_floats
from duologue.errors import AudioFileError

MAX_FILE_BYTES = 1 << 30
"""Larger files are refused, for they are held in memory: 1 GiB is 93 minutes of CD sound."""
MIN_RATE_HZ = 1000
MAX_RATE_HZ = 384_000
MAX_CHANNELS = 8

_PCM = 0x0001
_FLOAT = 0x0003
_EXTENSIBLE = 0xFFFE
_READ_AS = {
    (_PCM, 8): "u1",
    (_PCM, 16): "<i2",
    (_PCM, 24): "u1",
    (_PCM, 32): "<i4",
    (_FLOAT, 32): "<f4",
    (_FLOAT, 64): "<f8",
}

_FORMAT_NAMES = {
    _PCM: "PCM",
    0x0002: "Microsoft ADPCM",
    _FLOAT: "float",
    0x0006: "A-law",
    0x0007: "μ-law",
    0x0011: "IMA ADPCM",
    0x0016: "G.723 ADPCM",
    0x0031: "GSM 6.10",
    0x0040: "G.721 ADPCM",
    0x0050: "MPEG audio",
    0x0055: "MP3",
    0x00FF: "AAC",
    0x0161: "Windows Media Audio",
    0x1610: "AAC",
    0xF1AC: "FLAC",
}
_OTHER_CONTAINERS = {
    b"RIFX": "a big-endian RIFX file",
    b"RF64": "an RF64 file",
    b"OggS": "an Ogg file",
    b"fLaC": "a FLAC file",
    b"FORM": "an AIFF file",
    b".snd": "an AU file",
    b"ID3\x03": "an MP3 file",
    b"ID3\x04": "an MP3 file",
    b"\x1aE\xdf\xa3": "a Matroska or WebM file",
}
_HOW_TO_CONVERT = "Convert it to PCM first, for example: ffmpeg -i INPUT -c:a pcm_s16le OUTPUT.wav"

_UNKNOWN_SIZE = 0xFFFFFFFF
_FRAMES_AT_A_TIME = 1 << 18


@dataclass(frozen=True)
class _Format:
    """What a `fmt ` chunk says."""

    tag: int
    channels: int
    sample_rate_hz: int
    bits: int

    @property
    def frame_bytes(self) -> int:
        return self.channels * self.bits // 8


def read_wav(path: str | os.PathLike[str]) -> tuple[Samples, int]:
    """Read a WAV file: its samples, mono of 16 bits, and its sample rate in Hz.

    Raises:
        AudioFileError: there is no such file, it cannot be read, is not a WAV file, is of a kind
            that cannot be converted, or holds no sound; the sentence says which and what to do.
    """
    return decode_wav(_read_bytes(Path(path)), str(path))


def decode_wav(data: bytes, name: str) -> tuple[Samples, int]:
    """Read the content of a WAV file that is called `name` in errors; else as `read_wav`."""
    try:
        fmt, body = _find_sound(data)
        _check(fmt)
    except _Unreadable as error:
        raise AudioFileError(f"Cannot read {name} as a WAV file: {error}") from None
    whole_frames = len(body) // fmt.frame_bytes
    if not whole_frames:
        raise AudioFileError(
            f"Cannot read {name} as a WAV file: it holds no sound. Give a file that was recorded."
        )
    return _to_mono(body[: whole_frames * fmt.frame_bytes], fmt), fmt.sample_rate_hz


class _Unreadable(Exception):
    """Why a file cannot be read: the end of the sentence that the user gets."""


def _read_bytes(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            data = file.read(MAX_FILE_BYTES + 1)
    except FileNotFoundError:
        raise AudioFileError(
            f"Cannot read {path}: there is no such file. Check the path."
        ) from None
    except IsADirectoryError:
        raise AudioFileError(
            f"Cannot read {path}: it is a folder. Give the path of a WAV file."
        ) from None
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise AudioFileError(
            f"Cannot read {path}: {reason}. Give the path of a WAV file that may be read."
        ) from error
    if len(data) > MAX_FILE_BYTES:
        raise AudioFileError(
            f"Cannot read {path}: it is larger than {MAX_FILE_BYTES >> 20} MiB. Cut it into parts."
        )
    return data


def _find_sound(data: bytes) -> tuple[_Format, memoryview]:
    """Walk through the chunks to the format and the bytes of the sound."""
    if data[:4] != b"RIFF" or data[8:12] != b"WAVE":
        raise _Unreadable(_what_else_it_is(data))
    riff_end = 8 + _size_at(data, 4)
    fmt = None
    position = 12
    while position + 8 <= len(data):
        chunk_id = data[position : position + 4]
        size = _size_at(data, position + 4)
        start = position + 8
        if chunk_id == b"data":
            if fmt is None:
                raise _Unreadable(f"its format does not come before its sound. {_HOW_TO_CONVERT}")
            is_streamed = size == _UNKNOWN_SIZE or (size == 0 and riff_end <= start)
            return fmt, memoryview(data)[start : None if is_streamed else start + size]
        if chunk_id == b"fmt ":
            fmt = _parse_format(data[start : start + size])
        # Chunks begin at even positions.
        position = start + size + size % 2
    raise _Unreadable("it ends before any sound. Perhaps it was cut off: make or fetch it again.")


def _what_else_it_is(data: bytes) -> str:
    if not data:
        return "it is empty. Give a file that was recorded."
    kind = _OTHER_CONTAINERS.get(data[:4])
    if kind is None and data[0] == 0xFF and data[1:2] and data[1] & 0xE0 == 0xE0:
        kind = "an MP3 or AAC file"
    if kind is None:
        return f"it does not begin as one (RIFF … WAVE). {_HOW_TO_CONVERT}"
    return f"it is {kind}. {_HOW_TO_CONVERT}"


def _size_at(data: bytes, position: int) -> int:
    return int.from_bytes(data[position : position + 4], "little")


def _parse_format(chunk: bytes) -> _Format:
    if len(chunk) < 16:
        raise _Unreadable(f"its format is cut off. {_HOW_TO_CONVERT}")
    tag, channels, sample_rate_hz, _, _, bits = struct.unpack_from("<HHIIHH", chunk)
    if tag == _EXTENSIBLE and len(chunk) >= 26:
        # The first two bytes of the sub-format's GUID are the tag of old.
        (tag,) = struct.unpack_from("<H", chunk, 24)
    return _Format(tag, channels, sample_rate_hz, bits)


def _check(fmt: _Format) -> None:
    if fmt.tag not in (_PCM, _FLOAT):
        kind = _FORMAT_NAMES.get(fmt.tag, f"in a format numbered 0x{fmt.tag:04X}")
        raise _Unreadable(
            f"its sound is {kind}, and only PCM and float can be read. {_HOW_TO_CONVERT}"
        )
    if (fmt.tag, fmt.bits) not in _READ_AS:
        raise _Unreadable(
            f"its sound is {_FORMAT_NAMES[fmt.tag]} of {fmt.bits} bits, and only PCM of 8, 16, 24 "
            f"and 32 bits and float of 32 and 64 bits can be read. {_HOW_TO_CONVERT}"
        )
    if not 1 <= fmt.channels <= MAX_CHANNELS:
        raise _Unreadable(
            f"it has {fmt.channels} channels, and only 1 to {MAX_CHANNELS} can be read. "
            "Mix it down first, for example: ffmpeg -i INPUT -ac 1 OUTPUT.wav"
        )
    if not MIN_RATE_HZ <= fmt.sample_rate_hz <= MAX_RATE_HZ:
        raise _Unreadable(
            f"its sample rate is {fmt.sample_rate_hz} Hz, and only {MIN_RATE_HZ} to {MAX_RATE_HZ} "
            "Hz can be read. Resample it first, for example: ffmpeg -i INPUT -ar 16000 OUTPUT.wav"
        )


def _to_mono(body: memoryview, fmt: _Format) -> Samples:
    """Convert a part at a time, so that the floats of a large file never stand in memory at once"""
    part_bytes = _FRAMES_AT_A_TIME * fmt.frame_bytes
    return np.concatenate(
        [
            _part_to_mono(body[start : start + part_bytes], fmt)
            for start in range(0, len(body), part_bytes)
        ]
    )


def _part_to_mono(part: memoryview, fmt: _Format) -> Samples:
    scaled = _scale_to_16_bits(np.frombuffer(part, dtype=_READ_AS[fmt.tag, fmt.bits]), fmt)
    return samples_from_floats(scaled.reshape(-1, fmt.channels).mean(axis=1))


def _scale_to_16_bits(stored: npt.NDArray[np.generic], fmt: _Format) -> npt.NDArray[np.float64]:
    if fmt.tag == _FLOAT:
        # What is beyond 60 dB over full scale is no sound, and could overflow in the mean.
        finite = np.nan_to_num(stored.astype(np.float64))
        return np.clip(finite, -1000.0, 1000.0) * FULL_SCALE
    if fmt.bits == 8:
        # Of all PCM only 8 bits are unsigned.
        return (stored.astype(np.float64) - 128) * 256
    if fmt.bits == 24:
        # numpy knows no 24 bits: put each sample into the upper three bytes of 32.
        widened = np.zeros((len(stored) // 3, 4), dtype=np.uint8)
        widened[:, 1:] = stored.reshape(-1, 3)
        return widened.view("<i4")[:, 0] / 65536
    if fmt.bits == 32:
        return stored.astype(np.float64) / 65536
    return stored.astype(np.float64)
