from __future__ import annotations

import wave
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from duologue.audio.files.reading import read_wav
from duologue.audio.files.writing import WavWriter, write_wav
from duologue.audio.samples import silence
from duologue.errors import AudioFileError
from tests.audio.signals import tone


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.integers(-32768, 32767), min_size=1, max_size=50), st.integers(1000, 384_000))
def test_what_is_written_is_read_again(tmp_path: Path, samples: list[int], rate_hz: int) -> None:
    write_wav(tmp_path / "it.wav", np.array(samples, dtype=np.int16), rate_hz)
    read, read_rate_hz = read_wav(tmp_path / "it.wav")
    assert (read.tolist(), read_rate_hz) == (samples, rate_hz)


def test_others_can_read_it_too(tmp_path: Path) -> None:
    write_wav(tmp_path / "it.wav", tone(100, 22_050), 22_050)
    with wave.open(str(tmp_path / "it.wav")) as file:
        assert file.getparams()[:4] == (1, 2, 22_050, 2205)
        assert file.readframes(2205) == tone(100, 22_050).astype("<i2").tobytes()


def test_a_growing_file_is_valid_and_at_most_a_second_behind(tmp_path: Path) -> None:
    path = tmp_path / "it.wav"
    with WavWriter(path, 8000) as writer:
        for block in range(1, 151):
            writer.write(tone(20, 8000))
            if block >= 50:
                with wave.open(str(path)) as file:
                    assert 0 <= block * 160 - file.getnframes() <= 8000
    with wave.open(str(path)) as file:
        assert file.getnframes() == 150 * 160


def test_a_file_that_was_never_closed_can_be_read(tmp_path: Path) -> None:
    writer = WavWriter(tmp_path / "it.wav", 8000)
    writer.write(tone(1500, 8000))
    samples, _ = read_wav(tmp_path / "it.wav")
    writer.close()
    assert len(samples) == 12_000


def test_closing_twice_has_no_effect(tmp_path: Path) -> None:
    writer = WavWriter(tmp_path / "it.wav", 8000)
    writer.close()
    writer.close()
    assert (tmp_path / "it.wav").stat().st_size == 44


def test_a_path_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    with pytest.raises(AudioFileError, match=r"it\.wav: No such file or directory\. Choose"):
        write_wav(tmp_path / "nowhere" / "it.wav", silence(1), 8000)
    with pytest.raises(AudioFileError, match="Is a directory"):
        write_wav(tmp_path, silence(1), 8000)
    with pytest.raises(AudioFileError, match="null"):
        write_wav("it\0.wav", silence(1), 8000)


def test_a_full_disk_is_reported() -> None:
    full = Path("/dev/full")
    with pytest.raises(AudioFileError, match="No space left"):
        write_wav(full, silence(1), 8000)
