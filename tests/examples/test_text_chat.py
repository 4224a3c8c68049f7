"""`examples/text_chat.py`."""

from __future__ import annotations

from duologue.protocol.client_messages import UserMessage
from duologue.protocol.server_events import AgentResponseEvent
from duologue.testing import ScriptedAgent, ScriptedCall, ScriptedSpeech
from tests.agent.harness import define, serving
from tests.examples.runner import output_of, running


async def test_every_line_is_answered_after_the_greeting() -> None:
    speech = ScriptedSpeech(replies=["Paris.", "Rome."])
    async with serving(speech, define(first_message="Hello!")) as origin:
        output = await output_of(
            "text_chat.py", "test", "--origin", origin, typed="France?\n\nItaly?\n"
        )
    said = [line for line in output.splitlines() if line.startswith("agent: ")]
    assert [line.strip() for line in said] == ["agent: Hello!", "agent: Paris.", "agent: Rome."]


async def test_it_ends_with_the_agent_while_the_keyboard_is_waited_for() -> None:
    async def hang_up(call: ScriptedCall) -> None:
        await call.begin()
        await call.send(AgentResponseEvent(agent_response="Hello?", event_id=1))
        await call.receive(UserMessage)

    async with (
        ScriptedAgent(hang_up) as agent,
        running("text_chat.py", DUOLOGUE_ORIGIN=agent.origin) as example,
    ):
        await example.type("Hello!\n")
        assert await example.ends() == 0, example.output
        assert "Traceback" not in example.output


async def test_ctrl_c_ends_it_while_the_keyboard_is_waited_for() -> None:
    async with (
        serving(ScriptedSpeech(), define(first_message="Hello!")) as origin,
        running("text_chat.py", "test", "--origin", origin) as example,
    ):
        await example.says("agent: Hello!")
        example.interrupt()
        assert await example.ends() == 0, example.output
        assert "Traceback" not in example.output
