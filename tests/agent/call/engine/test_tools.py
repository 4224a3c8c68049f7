"""Tools that the client runs, called by a scripted language model over a real socket."""

from __future__ import annotations

import asyncio
from typing import Any

from duologue import ClientTools, Conversation
from tests.agent.harness import Client, conversing, define, serving
from tests.agent.tool_calling import ARGUMENTS, LIGHT, ToolCallingSpeech


def agent_with_light(**tool: Any) -> Any:
    return define(text_only=True, tools=[LIGHT | tool])


async def ask(client: Client) -> dict[str, Any]:
    """Begin a conversation in which the model calls the tool; return the call."""
    await client.initiate()
    await client.send(type="user_message", text="Light!")
    return await client.expect("client_tool_call")


async def test_a_tool_is_called_and_its_result_reaches_the_model() -> None:
    async with conversing(ToolCallingSpeech(), agent_with_light()) as client:
        call = await ask(client)
        assert (call["tool_name"], call["parameters"]) == ("light", ARGUMENTS)
        result = {"type": "client_tool_result", "tool_call_id": call["tool_call_id"]}
        await client.send(**result, result="on", is_error=False)
        answer = await client.expect("agent_response")
        assert answer["agent_response"] == "It says: on"
        response = client.of("agent_tool_response")[0]
        assert (response["is_error"], response["is_called"]) == (False, True)
        assert client.of("agent_tool_request")[0]["tool_type"] == "client"


async def test_an_object_reaches_the_model_as_json_and_an_error_as_such() -> None:
    async with conversing(ToolCallingSpeech(), agent_with_light()) as client:
        call = await ask(client)
        result = {"type": "client_tool_result", "tool_call_id": call["tool_call_id"]}
        await client.send(**result, result={"why": "no bulb"}, is_error=True)
        answer = await client.expect("agent_response")
        assert '{"why": "no bulb"}' in answer["agent_response"]
        assert client.of("agent_tool_response")[0]["is_error"] is True


async def test_a_tool_without_an_answer_is_given_up() -> None:
    agent = agent_with_light(response_timeout_secs=0.05)
    async with conversing(ToolCallingSpeech(), agent) as client:
        await ask(client)
        answer = await client.expect("agent_response")
        assert "no result within 0.05 s" in answer["agent_response"]
        assert client.of("agent_tool_response")[0]["is_error"] is True


async def test_a_tool_whose_answer_nobody_expects_is_not_waited_for() -> None:
    async with conversing(ToolCallingSpeech(), agent_with_light(expects_response=False)) as client:
        await ask(client)
        answer = await client.expect("agent_response", limit_s=2)
        assert answer["agent_response"].startswith("It says:")


async def test_the_next_message_does_not_wait_for_a_tool() -> None:
    async with conversing(ToolCallingSpeech(), agent_with_light()) as client:
        call = await ask(client)
        await client.send(type="user_message", text="Never mind.")
        answer = await client.expect("agent_response", limit_s=3)
        assert answer["agent_response"] == "As you like."
        late = {"type": "client_tool_result", "tool_call_id": call["tool_call_id"]}
        await client.send(**late, result="too late", is_error=False)
        await client.send(type="user_message", text="Still there?")
        await client.expect("agent_response", count=2, limit_s=3)


async def test_a_function_of_our_own_client_is_called_by_its_signature() -> None:
    tools = ClientTools()

    @tools.tool()
    def light(room: str, levels: list[Any]) -> dict[str, Any]:
        return {room: len(levels)}

    async with serving(ToolCallingSpeech(), agent_with_light()) as origin:
        answered = asyncio.Event()
        async with Conversation.start_session(
            agent_id="test",
            origin=origin,
            text_only=True,
            client_tools=tools,
            on_message=lambda message: answered.set(),
        ) as conversation:
            conversation.send_user_message("Light!")
            await asyncio.wait_for(answered.wait(), 10)
        assert conversation.transcript[-1].text == 'It says: {"kitchen":3}'
