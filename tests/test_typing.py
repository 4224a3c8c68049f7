"""What a type checker says of programs that use the library."""

from __future__ import annotations

from pathlib import Path

from mypy import api

PROGRAM = """
import ssl
from typing import assert_type
from duologue.protocol.codec import UnknownEvent
from duologue.protocol.server_events import McpToolCallEvent, ServerEvent
from duologue import (
    AudioCounters, ClientTools, Conversation, DeviceChange, Disconnection, Message,
    Orchestrator, Overrides, TextConversation, ToolMockConfig, VoiceConversation, get_signed_url,
)

def hear(message: Message) -> None: ...
def keep(conversation: VoiceConversation) -> None: ...
def switch(change: DeviceChange) -> None: ...
async def leave(disconnection: Disconnection) -> None: ...

tools = ClientTools()

@tools.tool(timeout=5)
def get_weather(city: str, days: int = 1) -> str: return city

overrides: Overrides = {
    "agent": {
        "prompt": {"prompt": "Be brief.", "llm": "m", "temperature": 0},
        "first_message": "",
        "language": "en",
        "native_mcp_server_ids": ["m"],
    },
    "tts": {"voice_id": "v", "speed": 1, "stability": 0.5, "similarity_boost": 1},
    "asr": {"keywords": []},
    "conversation": {"client_events": ["audio", "vad_score"]},
}
mocks: ToolMockConfig = {"mocking_strategy": "selected", "mocked_tool_names": ["a"]}
orchestrator: Orchestrator = {"url": "wss://h", "post_call_audio_webhook": {"url": "https://h"}}

async def get_time() -> str: return "noon"

def approve(event: McpToolCallEvent) -> bool: return event.tool_name == "read"
async def ask(event: McpToolCallEvent) -> bool: return False
def describe(event: McpToolCallEvent) -> str: return event.tool_name

async def main() -> None:
    {body}
"""

RIGHT = """
    conversation = await Conversation.start_session(
        agent_id="a",
        on_message=hear,
        on_disconnect=leave,
        on_conversation_created=keep,
        on_mcp_tool_approval_request=approve,
        input_chunk_duration_ms=20,
    )
    assert_type(conversation, VoiceConversation)
    assert_type(get_weather("Lyon"), str)
    conversation.set_volume(0.5)
    assert_type(conversation.get_input_volume(), float)
    assert_type(conversation.get_output_byte_frequency_data(), bytes)
    assert_type(conversation.audio_counters, AudioCounters)
    async for event in conversation:
        assert_type(event, ServerEvent | UnknownEvent)
    async with Conversation.start_session(
        signed_url="wss://h/?s=1", text_only=True, client_tools={**tools, "get_time": get_time}
    ) as written:
        assert_type(written, TextConversation)
    assert_type(await conversation.wait_until_ended(), Disconnection)
    assert_type(await get_signed_url("a", api_key="k"), str)
    await Conversation.start_session(agent_id="a", api_key="k", region="eu-residency")
    await Conversation.start_session(agent_id="a", on_mcp_tool_approval_request=ask)
    conversation.send_mcp_tool_approval_result("call_1", is_approved=True)
    await Conversation.start_session(
        orchestrator=orchestrator, ssl_context=ssl.create_default_context(), text_only=True
    )
    await Conversation.start_session(
        agent_id="a",
        connection_type="websocket",
        overrides=overrides,
        tool_mock_config=mocks,
        connection_delay=0.5,
        use_wake_lock=False,
        input_device_id="usb",
        output_device_id="usb",
        on_device_change=switch,
    )
    await Conversation.start_session(
        conversation_token="t",
        livekit_url="wss://h",
        web_rtc={"ice_transport_policy": "relay", "single_peer_connection": True},
    )
"""

WRONG = {
    "an option that does not exist": 'Conversation.start_session(agent="a")',
    "a callback that takes something else": (
        'Conversation.start_session(agent_id="a", on_message=lambda number: number + 1)'
    ),
    "a value of the wrong kind": 'Conversation.start_session(agent_id="a", connect_timeout="10")',
    "a region that does not exist": 'Conversation.start_session(agent_id="a", region="eu")',
    "a key of the wrong kind": 'Conversation.start_session(agent_id="a", api_key=b"k")',
    "a device of a written conversation": (
        'Conversation.start_session(agent_id="a", text_only=True, input_chunk_duration_ms=20)'
    ),
    "a volume of a written conversation": (
        '(await Conversation.start_session(agent_id="a", text_only=True)).set_volume(1)'
    ),
    "a section that cannot be overridden": (
        'Conversation.start_session(agent_id="a", overrides={"agnet": {}})'
    ),
    "a part of a section that cannot be overridden": (
        'Conversation.start_session(agent_id="a", overrides={"agent": {"firstMessage": "Hi."}})'
    ),
    "a transport that does not exist": (
        'Conversation.start_session(agent_id="a", connection_type="http")'
    ),
    "an orchestrator without a URL": (
        'Conversation.start_session(orchestrator={"agent_config": {}})'
    ),
    "a strategy of mocking that does not exist": (
        'Conversation.start_session(agent_id="a", tool_mock_config={"mocking_strategy": "some"})'
    ),
    "a device id of a written conversation": (
        'Conversation.start_session(agent_id="a", text_only=True, input_device_id="usb")'
    ),
    "a wake lock of a written conversation": (
        'Conversation.start_session(agent_id="a", text_only=True, use_wake_lock=True)'
    ),
    "a context that is none": 'Conversation.start_session(agent_id="a", ssl_context=True)',
    "a tool that is no function": (
        'Conversation.start_session(agent_id="a", client_tools={"get_time": "noon"})'
    ),
    "an approval that is no bool": (
        'Conversation.start_session(agent_id="a", on_mcp_tool_approval_request=describe)'
    ),
    "a written conversation that is kept as a spoken one": (
        'Conversation.start_session(agent_id="a", text_only=True, on_conversation_created=keep)'
    ),
    "a start that is not awaited": (
        'Conversation.start_session(agent_id="a").send_user_message("Hello.")'
    ),
}


BLOCKING_PROGRAM = """
from typing import assert_type
from duologue import Disconnection, Message
from duologue import VoiceConversation as AsyncioVoiceConversation
from duologue.blocking import Conversation, TextConversation, VoiceConversation, get_signed_url
from duologue.protocol.codec import UnknownEvent
from duologue.protocol.server_events import ServerEvent

def hear(message: Message) -> None: ...
def keep(conversation: VoiceConversation) -> None: ...
def keep_asyncio(conversation: AsyncioVoiceConversation) -> None: ...

def main() -> None:
    {body}
"""

BLOCKING_RIGHT = """
    with Conversation.start_session(
        agent_id="a", on_message=hear, on_conversation_created=keep, input_chunk_duration_ms=20
    ) as conversation:
        assert_type(conversation, VoiceConversation)
        conversation.set_volume(0.5)
        for event in conversation:
            assert_type(event, ServerEvent | UnknownEvent)
        assert_type(conversation.wait_until_ended(), Disconnection)
        assert_type(conversation.transcript, tuple[Message, ...])
    written = Conversation.start_session(signed_url="wss://h/?s=1", text_only=True)
    assert_type(written, TextConversation)
    written.send_user_message("Hello.", rich_content_id="form")
    written.end_session()
    assert_type(get_signed_url("a", api_key="k"), str)
"""

BLOCKING_WRONG = {
    "an option that does not exist, blocking": 'Conversation.start_session(agent="a")',
    "a device of a written conversation, blocking": (
        'Conversation.start_session(agent_id="a", text_only=True, input_chunk_duration_ms=20)'
    ),
    "a blocking conversation that is kept as the other kind": (
        'Conversation.start_session(agent_id="a", on_conversation_created=keep_asyncio)'
    ),
    "a sender with a wrong value, blocking": (
        'Conversation.start_session(agent_id="a").send_user_message(7)'
    ),
}


def checked(
    tmp_path: Path, programs: dict[str, str], program: str = PROGRAM
) -> dict[str, list[str]]:
    """What mypy says of each program, all in one run."""
    files = {}
    for number, (name, body) in enumerate(programs.items()):
        files[name] = tmp_path / f"program_{number}.py"
        files[name].write_text(program.replace("{body}", body.strip()))
    output, errors, _ = api.run(["--strict", *map(str, files.values())])
    assert not errors
    assert output
    # Only the name: mypy repeats what it said last time, with the directory of last time.
    return {
        name: [line for line in output.splitlines() if f"{file.name}:" in line]
        for name, file in files.items()
    }


def test_a_type_checker_tells_right_from_wrong(tmp_path: Path) -> None:
    said = checked(tmp_path, {"right": RIGHT, **WRONG})
    assert said.pop("right") == []
    not_told = [name for name, lines in said.items() if "error:" not in "".join(lines)]
    assert not_told == []


def test_a_type_checker_tells_right_from_wrong_of_blocking_programs(tmp_path: Path) -> None:
    said = checked(tmp_path, {"right": BLOCKING_RIGHT, **BLOCKING_WRONG}, BLOCKING_PROGRAM)
    assert said.pop("right") == []
    not_told = [name for name, lines in said.items() if "error:" not in "".join(lines)]
    assert not_told == []
