"""The end of speech, in speech that a synthesiser made and whose end is therefore known."""

from __future__ import annotations

import subprocess
from pathlib import Path

import numpy as np
import pytest

from duologue.audio import last_voiced_frame_end_ms, read_wav
from duologue.audio.samples import Samples, samples_from_floats, silence
from tests.audio.signals import noise

SENTENCES = [
    "What is the capital of France?",
    "Could you please tell me the time?",
    "I would like to book a table for two.",
    "Stop that.",
    "Is it raining in the north, or is it just cold and wet?",
]
QUIET_BELOW = 32768 * 10 ** (-46 / 20)
"""A sample this quiet belongs to the fading of the last sound, not to speech."""


def spoken(sentence: str, voice: str, directory: Path) -> tuple[Samples, int]:
    """A sentence, cut off behind its last sample that can be heard, and its rate."""
    path = directory / "spoken.wav"
    subprocess.run(["espeak-ng", "-v", voice, "-w", str(path), sentence], check=True, timeout=30)
    samples, sample_rate_hz = read_wav(path)
    loud = np.flatnonzero(np.abs(samples.astype(int)) > QUIET_BELOW)
    return samples[: loud[-1] + 1], sample_rate_hz


@pytest.mark.parametrize("sentence", SENTENCES)
@pytest.mark.parametrize("voice", ["en-us", "en-gb+f3"])
@pytest.mark.parametrize("noise_dbfs", [None, -60.0, -50.0])
def test_the_end_of_a_sentence_is_found(
    sentence: str, voice: str, noise_dbfs: float | None, tmp_path: Path
) -> None:
    speech, rate_hz = spoken(sentence, voice, tmp_path)
    samples = np.concatenate((silence(rate_hz // 3), speech, silence(2 * rate_hz)))
    if noise_dbfs is not None:
        background = noise(len(samples) * 1000 / rate_hz, rate_hz, dbfs=noise_dbfs)
        samples = samples_from_floats(samples.astype(float) + background)
    end_ms = (rate_hz // 3 + len(speech)) * 1000 / rate_hz
    found_ms = last_voiced_frame_end_ms(samples, rate_hz)
    assert found_ms is not None
    assert abs(found_ms - end_ms) <= 20
