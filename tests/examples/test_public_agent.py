"""`examples/public_agent.py`."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from duologue.audio import read_wav, write_wav
from duologue.testing import ScriptedSpeech
from tests.agent.harness import define, serving
from tests.agent.vowels import RATE_HZ, said
from tests.examples.runner import output_of, running


async def test_a_recording_is_answered_into_a_file(tmp_path: Path) -> None:
    question, reply = tmp_path / "question.wav", tmp_path / "reply.wav"
    write_wav(question, said(1.5), RATE_HZ)
    speech = ScriptedSpeech(transcripts=["Who are you?"], replies=["I am an example."])
    async with serving(speech, define()) as origin:
        output = await output_of(
            "public_agent.py",
            *("test", "--origin", origin, "--seconds", "8"),
            *("--input", str(question), "--output", str(reply)),
        )
    assert "user: Who are you?" in output
    assert "agent: I am an example." in output
    assert "Ended (user)." in output
    heard, rate_hz = read_wav(reply)
    assert rate_hz == 16_000
    assert np.abs(heard).max() > 1_000


async def test_ctrl_c_ends_it_in_good_order(tmp_path: Path) -> None:
    question, reply = tmp_path / "question.wav", tmp_path / "reply.wav"
    write_wav(question, said(0.1), RATE_HZ)
    agent = define(first_message="Hello, I am an example.")
    async with (
        serving(ScriptedSpeech(), agent) as origin,
        running(
            "public_agent.py",
            *("test", "--origin", origin, "--input", str(question), "--output", str(reply)),
        ) as example,
    ):
        await example.says("agent: Hello, I am an example.")
        example.interrupt()
        await example.says("Ended (user).")
        assert await example.ends() == 0
        assert "Traceback" not in example.output


async def test_an_agent_that_does_not_exist_is_named(tmp_path: Path) -> None:
    question = tmp_path / "question.wav"
    write_wav(question, said(0.1), RATE_HZ)
    arguments = "--input", str(question), "--output", str(tmp_path / "reply.wav")
    async with (
        serving(ScriptedSpeech(), define()) as origin,
        running("public_agent.py", "nobody", *arguments, DUOLOGUE_ORIGIN=origin) as example,
    ):
        await example.says("nobody")
        assert await example.ends() == 1
        assert "Traceback" not in example.output
