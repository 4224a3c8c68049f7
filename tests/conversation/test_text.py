from __future__ import annotations

from duologue.conversation import Conversation, TextConversation
from duologue.conversation.sound.counters import AudioCounters
from duologue.protocol.client_messages import (
    ClientToolResult,
    ContextualUpdate,
    Feedback,
    FileInput,
    McpToolApprovalResult,
    MultimodalMessage,
    TextInput,
    UserActivity,
    UserMessage,
)
from duologue.protocol.server_events import (
    AgentChatResponsePartEvent,
    AgentResponseEvent,
    AudioEvent,
)
from duologue.testing.scripted_agent import ScriptedAgent, ScriptedCall
from tests.conversation.fakes import Log, eventually


async def test_a_written_conversation_streams_its_answers() -> None:
    async def script(call: ScriptedCall) -> None:
        await call.begin()
        message = await call.receive(UserMessage)
        assert message.text == "Hello?"
        await call.send(AudioEvent(audio=b"\x00\x00", event_id=1))
        await call.send(AgentChatResponsePartEvent(text="", type="start", event_id=1))
        await call.send(AgentChatResponsePartEvent(text="Hello", type="delta", event_id=1))
        await call.send(AgentChatResponsePartEvent(text="", type="stop", event_id=1))
        await call.send(AgentResponseEvent(agent_response="Hello", event_id=1))
        await call.receive_until_gone()

    log = Log()
    async with (
        ScriptedAgent(script) as agent,
        Conversation.start_session(
            agent_id="a",
            origin=agent.origin,
            text_only=True,
            **log.options(
                "on_agent_chat_response_part", "on_turn_metrics", "on_message", "on_audio"
            ),
        ) as conversation,
    ):
        assert conversation.type == "text"
        conversation.send_user_message("Hello?")
        await eventually(lambda: "on_message" in log.names)
    assert log.names == [
        "on_agent_chat_response_part",
        "on_agent_chat_response_part",
        "on_turn_metrics",
        "on_agent_chat_response_part",
        "on_message",
    ]


async def test_whatever_a_caller_sends_arrives() -> None:
    async def script(call: ScriptedCall) -> None:
        await call.begin()
        await call.send(AgentResponseEvent(agent_response="Hello.", event_id=7))
        await call.receive_until_gone()

    async with ScriptedAgent(script) as agent:
        async with Conversation.start_session(
            agent_id="a", origin=agent.origin, text_only=True
        ) as conversation:
            conversation.send_user_message("Hello?", rich_content_id="")
            conversation.send_contextual_update("It rains.", context_id="weather")
            conversation.send_contextual_update("It is late.", context_id="")
            conversation.send_user_activity()
            conversation.send_multimodal_message("Look!", ["file_1", "file_2"])
            conversation.send_mcp_tool_approval_result("call_1", True)
            conversation.send_client_tool_result("call_2", {"degrees": 21})
            await eventually(lambda: conversation.can_send_feedback)
            conversation.send_feedback(True)
        await eventually(lambda: agent.calls[0].close_code == 1000)
        _, *received = agent.calls[0].received
    assert received == [
        UserMessage(text="Hello?", rich_content_id=""),
        ContextualUpdate(text="It rains.", context_id="weather"),
        ContextualUpdate(text="It is late."),
        UserActivity(),
        MultimodalMessage(
            text=TextInput(text="Look!"),
            file=FileInput(file_id="file_1"),
            files=[FileInput(file_id="file_1"), FileInput(file_id="file_2")],
        ),
        McpToolApprovalResult(tool_call_id="call_1", is_approved=True),
        ClientToolResult(tool_call_id="call_2", result='{"degrees":21}', is_error=False),
        Feedback(event_id=7, score="like"),
    ]


def test_a_written_conversation_has_no_methods_of_sound() -> None:
    devices = ("change_input_device", "change_output_device")
    for name in ("set_volume", "set_mic_muted", "input_level", "output_level", *devices):
        assert not hasattr(TextConversation, name)


async def test_a_written_conversation_measures_nothing() -> None:
    async def script(call: ScriptedCall) -> None:
        await call.begin()
        await call.receive_until_gone()

    async with (
        ScriptedAgent(script) as agent,
        Conversation.start_session(
            agent_id="a", origin=agent.origin, text_only=True
        ) as conversation,
    ):
        assert conversation.get_input_volume() == conversation.get_output_volume() == 0.0
        assert conversation.get_input_byte_frequency_data() == b""
        assert conversation.get_output_byte_frequency_data() == b""
        assert conversation.heard_text == ""
        assert conversation.audio_counters == AudioCounters()
