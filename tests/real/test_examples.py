"""An example as a user runs it, with an agent on the real models."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from duologue.audio import read_wav, write_wav
from tests.examples.runner import output_of
from tests.real.agent_process import AgentServer
from tests.real.speech import Listener, SpokenSentences
from tests.real.understanding import assert_answered, ends_like

QUESTION = "What is the capital of France?"
RATE_HZ = 16_000
GREETING_S = 4
SESSION_S = 16


async def test_a_public_agent_answers_a_recording_aloud(
    tmp_path: Path, agent_server: AgentServer, spoken: SpokenSentences, transcribe: Listener
) -> None:
    question, reply = tmp_path / "question.wav", tmp_path / "reply.wav"
    pause = np.zeros(GREETING_S * RATE_HZ, dtype=np.int16)
    write_wav(question, np.concatenate((pause, spoken(QUESTION, RATE_HZ))), RATE_HZ)
    output = await output_of(
        "public_agent.py",
        *("guide", "--origin", agent_server.url, "--seconds", str(SESSION_S)),
        *("--input", str(question), "--output", str(reply)),
    )
    greeting, heard, answer = (
        line.partition(": ")[2]
        for line in output.splitlines()
        if line.startswith(("user: ", "agent: "))
    )
    assert greeting == "Hello! What would you like to know?"
    assert_answered(QUESTION, heard, answer, "paris")
    assert ends_like(answer, transcribe(*read_wav(reply)))
