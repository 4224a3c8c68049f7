"""`examples/client_tools.py` and its agent."""

from __future__ import annotations

from typing import Any

import pytest

from duologue.agent import load_definition
from duologue.protocol.client_messages import ClientToolResult, UserMessage
from duologue.protocol.server_events import AgentResponseEvent, ClientToolCallEvent
from duologue.testing import ScriptedAgent, ScriptedCall
from tests.examples.runner import EXAMPLES, output_of


@pytest.mark.parametrize(
    ("tool", "parameters", "is_error", "result"),
    [
        (
            "get_weather",
            {"city": "Lyon", "days": 2},
            False,
            '{"city":"Lyon","forecast":["sunny","sunny"]}',
        ),
        ("get_weather", {"city": "Atlantis"}, False, "there is no forecast for this city"),
        ("get_weather", {"days": 2}, True, "the parameter 'city' is missing"),
        (
            "set_reminder",
            {"text": "the washing", "minutes": 10},
            False,
            "The reminder will come in 10 minutes.",
        ),
    ],
)
async def test_the_agent_gets_the_result_of_a_tool(
    tool: str, parameters: dict[str, Any], is_error: bool, result: str
) -> None:
    async def script(call: ScriptedCall) -> None:
        await call.begin()
        await call.send(AgentResponseEvent(agent_response="Hello!", event_id=1))
        asked = await call.receive(UserMessage)
        assert asked.text == "What now?"
        await call.send(
            ClientToolCallEvent(
                tool_name=tool, tool_call_id="call_1", parameters=parameters, event_id=2
            )
        )
        answer = await call.receive(ClientToolResult)
        assert answer.is_error is is_error
        assert result in answer.result
        await call.send(AgentResponseEvent(agent_response="So it is.", event_id=3))
        await call.receive_until_gone()

    async with ScriptedAgent(script) as agent:
        output = await output_of(
            "client_tools.py", "--origin", agent.origin, "--question", "What now?"
        )
    assert f"tool: {tool} {parameters}" in output
    assert output.splitlines()[-1] == "agent: So it is."
    assert ("error: " in output) is is_error


def test_its_agent_knows_the_tools() -> None:
    agent = load_definition(EXAMPLES / "weather_agent.yaml")
    tools = agent.conversation_config.agent.prompt.tools
    assert {tool.name: tool.parameters["required"] for tool in tools} == {
        "get_weather": ["city"],
        "set_reminder": ["text", "minutes"],
    }
    assert agent.agent_id == "weather_agent"
    assert all(tool.expects_response for tool in tools)
