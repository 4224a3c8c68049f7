"""`examples/blocking_use.py`."""

from __future__ import annotations

from duologue.testing import ScriptedSpeech
from tests.agent.harness import define, serving
from tests.examples.runner import output_of, running


async def test_questions_are_answered_one_after_another() -> None:
    speech = ScriptedSpeech(replies=["Honey.", "Bears do."])
    async with serving(speech, define(first_message="Hello!")) as origin:
        output = await output_of(
            "blocking_use.py",
            *("test", "--origin", origin),
            *("--question", "What do bees make?", "--question", "Who eats it?"),
        )
    assert [line.strip() for line in output.splitlines()] == [
        "agent: Hello!",
        "user: What do bees make?",
        "agent: Honey.",
        "user: Who eats it?",
        "agent: Bears do.",
    ]


async def test_ctrl_c_ends_it_in_good_order() -> None:
    async with (
        serving(ScriptedSpeech(), define(first_message="Hello!")) as origin,
        running("blocking_use.py", "test", "--origin", origin) as example,
    ):
        await example.says("agent: ")
        example.interrupt()
        assert await example.ends() == 0, example.output
        assert "Traceback" not in example.output


async def test_an_agent_that_does_not_exist_is_named() -> None:
    async with (
        serving(ScriptedSpeech(), define()) as origin,
        running("blocking_use.py", "nobody", DUOLOGUE_ORIGIN=origin) as example,
    ):
        await example.says("nobody")
        assert await example.ends() == 1
        assert "Traceback" not in example.output
