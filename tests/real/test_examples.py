"""An example as a user runs it, with an agent on the real models."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from duologue.audio import read_wav, write_wav
from tests.examples.runner import output_of
from tests.real.agent_process import AgentServer
from tests.real.speech import Listener, SpokenSentences

RATE_HZ = 16_000
GREETING_S = 4
SESSION_S = 16


async def test_a_public_agent_answers_a_recording_aloud(
    tmp_path: Path, agent_server: AgentServer, spoken: SpokenSentences, transcribe: Listener
) -> None:
    question, reply = tmp_path / "question.wav", tmp_path / "reply.wav"
    greeting = np.zeros(GREETING_S * RATE_HZ, dtype=np.int16)
    asked = spoken("What is the capital of France?", RATE_HZ)
    write_wav(question, np.concatenate((greeting, asked)), RATE_HZ)
    output = await output_of(
        "public_agent.py",
        *("guide", "--origin", agent_server.url, "--seconds", str(SESSION_S)),
        *("--input", str(question), "--output", str(reply)),
    )
    said = [line.lower() for line in output.splitlines() if line.startswith(("user", "agent"))]
    assert said[0] == "agent: hello! what would you like to know?"
    assert any(line.startswith("user: ") and "france" in line for line in said)
    assert any(line.startswith("agent: ") and "paris" in line for line in said)
    assert "paris" in transcribe(*read_wav(reply))
