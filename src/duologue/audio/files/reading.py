"""Sound files read: WAV, FLAC, Ogg, MP3 and what else libsndfile knows, made mono of 16 bits.

1 to 8 channels are mixed to one by their mean; the rate, 1,000 to 384,000 Hz, stays as it is. Sizes
in the header of a WAV file are not trusted: programs that write to a pipe leave 0 or 0xFFFFFFFF
there, and a file that was cut off is read as far as it goes.
"""

from __future__ import annotations

import io
import os
import struct
from pathlib import Path
from typing import Final

import numpy as np
import soundfile

from duologue.audio.samples import FULL_SCALE, Samples, samples_from_floats
from duologue.errors import AudioFileError

MAX_FILE_BYTES: Final = 1 << 30
"""Larger files are refused, for they are held in memory: 1 GiB is 93 minutes of CD sound."""
MAX_SOUND_S: Final = 4 * 60 * 60
"""Compressed sound may be far larger than its file: at 48 kHz this much takes 1.4 GB."""
MIN_RATE_HZ: Final = 1000
MAX_RATE_HZ: Final = 384_000
MAX_CHANNELS: Final = 8

_KINDS: Final = {
    b"RIFF": "a WAV file",
    b"RIFX": "a big-endian WAV file",
    b"RF64": "an RF64 file",
    b"OggS": "an Ogg file",
    b"fLaC": "a FLAC file",
    b"FORM": "an AIFF file",
    b".snd": "an AU file",
    b"ID3\x02": "an MP3 file",
    b"ID3\x03": "an MP3 file",
    b"ID3\x04": "an MP3 file",
    b"\x1aE\xdf\xa3": "a Matroska or WebM file",
}
_HOW_TO_CONVERT: Final = "Convert it, for example: ffmpeg -i INPUT -c:a pcm_s16le OUTPUT.wav"
_MOST_BYTES: Final = 0xFFFFFFFF
_FRAMES_AT_A_TIME: Final = 1 << 18


def read_wav(path: str | os.PathLike[str]) -> tuple[Samples, int]:
    """Read a sound file: its samples, mono of 16 bits, and its sample rate in Hz.

    It may be a WAV file, or of another kind that libsndfile reads: FLAC, Ogg, MP3, AIFF and more.

    Raises:
        AudioFileError: there is no such file, it cannot be read, is of a kind that cannot be
            converted, is damaged, or holds no sound; the sentence says which and what to do.
    """
    return decode_wav(_read_bytes(Path(path)), str(path))


def decode_wav(data: bytes, name: str) -> tuple[Samples, int]:
    """Read the content of a sound file that is called `name` in errors; else as `read_wav`."""
    if not data:
        raise AudioFileError(f"Cannot read {name}: it is empty. Give a file that was recorded.")
    try:
        with soundfile.SoundFile(io.BytesIO(_with_true_sizes(data))) as file:
            _check(file, name)
            samples = _all_of(file, name)
    except soundfile.LibsndfileError as error:
        raise AudioFileError(f"Cannot read {name}: {_what_it_is(data, error)}") from None
    if not len(samples):
        raise AudioFileError(
            f"Cannot read {name}: it holds no sound. Give a file that was recorded."
        )
    return samples, file.samplerate


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
            f"Cannot read {path}: it is a folder. Give the path of a sound file."
        ) from None
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise AudioFileError(
            f"Cannot read {path}: {reason}. Give the path of a sound file that may be read."
        ) from error
    if len(data) > MAX_FILE_BYTES:
        raise AudioFileError(
            f"Cannot read {path}: it is larger than {MAX_FILE_BYTES >> 20} MiB. Cut it into parts."
        )
    return data


def _with_true_sizes(data: bytes) -> bytes:
    """The same file; if it is a WAV file that does not know how long its sound is, it does then."""
    if data[:4] != b"RIFF" or data[8:12] != b"WAVE":
        return data
    position = 12
    while position + 8 <= len(data):
        start = position + 8
        (size,) = struct.unpack_from("<I", data, position + 4)
        if data[position : position + 4] == b"data":
            (riff_size,) = struct.unpack_from("<I", data, 4)
            is_streamed = size == _MOST_BYTES or (size == 0 and riff_size <= start - 8)
            if not is_streamed and start + size <= len(data):
                return data
            sizes = struct.pack("<I", len(data) - 8), struct.pack("<I", len(data) - start)
            return b"".join((data[:4], sizes[0], data[8 : start - 4], sizes[1], data[start:]))
        # Chunks begin at even positions.
        position = start + size + size % 2
    return data


def _check(file: soundfile.SoundFile, name: str) -> None:
    if file.channels > MAX_CHANNELS:
        raise AudioFileError(
            f"Cannot read {name}: it has {file.channels} channels, and only 1 to {MAX_CHANNELS} "
            "can be read. Mix it down first, for example: ffmpeg -i INPUT -ac 1 OUTPUT.wav"
        )
    if not MIN_RATE_HZ <= file.samplerate <= MAX_RATE_HZ:
        raise AudioFileError(
            f"Cannot read {name}: its sample rate is {file.samplerate} Hz, and only {MIN_RATE_HZ} "
            f"to {MAX_RATE_HZ} Hz can be read. Resample it first, for example: "
            "ffmpeg -i INPUT -ar 16000 OUTPUT.wav"
        )


def _all_of(file: soundfile.SoundFile, name: str) -> Samples:
    """Convert a part at a time, so that the floats of a large file never stand in memory at once"""
    parts = [np.zeros(0, dtype=np.int16)]
    frames = 0
    while len(part := file.read(_FRAMES_AT_A_TIME, dtype="float64", always_2d=True)):
        frames += len(part)
        if frames > MAX_SOUND_S * file.samplerate:
            raise AudioFileError(
                f"Cannot read {name}: it lasts more than {MAX_SOUND_S // 3600} hours. "
                "Cut it into parts."
            )
        # What is beyond 60 dB over full scale is no sound, and could overflow in the mean.
        finite = np.clip(np.nan_to_num(part), -1000.0, 1000.0)
        parts.append(samples_from_floats(finite.mean(axis=1) * FULL_SCALE))
    return np.concatenate(parts)


def _what_it_is(data: bytes, error: soundfile.LibsndfileError) -> str:
    kind = _KINDS.get(data[:4])
    if kind is None and data[0] == 0xFF and data[1:2] and data[1] & 0xE0 == 0xE0:
        kind = "an MP3 or AAC file"
    if kind is None:
        return f"it begins as no sound file that is known. {_HOW_TO_CONVERT}"
    reason = error.error_string.strip().rstrip(".")
    return (
        f"it is {kind}, but damaged or of a kind that cannot be read ({reason}). {_HOW_TO_CONVERT}"
    )
