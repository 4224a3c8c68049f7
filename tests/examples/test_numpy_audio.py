"""`examples/numpy_audio.py`."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from duologue.audio import read_wav, write_wav
from duologue.testing import ScriptedSpeech
from tests.agent.harness import define, serving
from tests.agent.vowels import RATE_HZ, vowels
from tests.examples.runner import output_of


async def test_the_answer_comes_back_as_an_array_and_is_measured(tmp_path: Path) -> None:
    question, reply = tmp_path / "question.wav", tmp_path / "reply.wav"
    write_wav(question, vowels(1.5) // 10, RATE_HZ)
    speech = ScriptedSpeech(transcripts=["How are you?"], replies=["Very well, thank you."])
    async with serving(speech, define()) as origin:
        output = await output_of(
            "numpy_audio.py",
            *(str(question), "test", "--origin", origin),
            *("--greeting", "0.5", "--output", str(reply)),
        )
    assert "user: How are you?" in output
    assert "agent: Very well, thank you." in output
    loudest_db = max(float(line.split()[2]) for line in output.splitlines() if " dB " in line)
    # The scripted voice is a tone with a peak of 8,000: 15.3 dB below full scale, in the mean.
    assert -16 < loudest_db < -14.5
    heard, rate_hz = read_wav(reply)
    assert rate_hz == 24_000
    assert np.abs(heard[-rate_hz:]).max() < 400
