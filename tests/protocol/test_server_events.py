"""Every event of the contract has its names, its fields and its way to the wire and back."""

from __future__ import annotations

import inspect
import json
from collections.abc import Callable
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from duologue.protocol import server_events
from duologue.protocol.codec import decode_server_event, encode_server_event, message_of
from duologue.protocol.server_events import (
    AgentReasoningResponsePartEvent,
    AgentResponseEvent,
    Alignment,
    AsrInitiationMetadataEvent,
    Attachment,
    AudioEvent,
    ClientToolCallEvent,
    ConversationMetadataEvent,
    ErrorEvent,
    GuardrailTriggeredEvent,
    InterruptionEvent,
    McpToolCallEvent,
    PingEvent,
    ServerEvent,
    event_types,
)

TOOL_USE = "tool_name tool_call_id tool_type event_id"

# type: (inner key, required fields, optional fields), as the contract has them.
CONTRACT = {
    "audio": ("audio_event", "audio_base_64 event_id", "alignment"),
    "user_transcript": ("user_transcription_event", "user_transcript event_id", ""),
    "tentative_user_transcript": (
        "tentative_user_transcription_event",
        "user_transcript event_id",
        "",
    ),
    "agent_response": ("agent_response_event", "agent_response event_id", "attachments"),
    "agent_response_correction": (
        "agent_response_correction_event",
        "original_agent_response corrected_agent_response event_id",
        "",
    ),
    "agent_chat_response_part": ("text_response_part", "text type event_id", ""),
    "agent_reasoning_response_part": ("reasoning_response_part", "text type event_id", ""),
    "interruption": ("interruption_event", "event_id", ""),
    "conversation_initiation_metadata": (
        "conversation_initiation_metadata_event",
        "conversation_id agent_output_audio_format user_input_audio_format",
        "",
    ),
    "client_tool_call": (
        "client_tool_call",
        "tool_name tool_call_id parameters event_id",
        "",
    ),
    "agent_tool_request": ("agent_tool_request", TOOL_USE, ""),
    "agent_tool_response": ("agent_tool_response", f"{TOOL_USE} is_error is_called", ""),
    "agent_tool_response_full_payload": (
        "agent_tool_response_full_payload",
        f"{TOOL_USE} is_error is_called full_tool_result",
        "is_blocked truncated",
    ),
    "mcp_tool_call": (
        "mcp_tool_call",
        "service_id tool_call_id tool_name parameters timestamp state",
        "tool_description approval_timeout_secs result error_message",
    ),
    "mcp_connection_status": ("mcp_connection_status", "integrations", ""),
    "vad_score": ("vad_score_event", "vad_score", ""),
    "ping": ("ping_event", "event_id", "ping_ms"),
    "context_usage": (
        "context_usage_event",
        "event_id model context_tokens context_limit_tokens",
        "",
    ),
    "rich_content": ("rich_content", "rich_content_id component props event_id", ""),
    "guardrail_triggered": (None, "", ""),
    "agent_typing": ("agent_typing_event", "is_typing", "duration_ms"),
    "external_agent_connected": (None, "", ""),
    "external_agent_disconnected": (None, "", ""),
    "internal_turn_probability": ("turn_probability_internal_event", "turn_probability", ""),
    "internal_tentative_agent_response": (
        "tentative_agent_response_internal_event",
        "tentative_agent_response",
        "",
    ),
    "error": ("error_event", "code", "message error_type reason debug_message details"),
    "queue_status": ("queue_status_event", "status", ""),
}

# Their inner objects have no fixed fields: the whole object is in one field of the event.
OPEN_TYPES = {
    "asr_initiation_metadata",
    "agent_response_complete",
    "agent_response_metadata",
    "client_error",
    "dtmf_request",
}

# What an event cannot do without: everything else that the contract requires may be missing.
ESSENTIAL = {
    "audio": "audio_base_64",
    "user_transcript": "user_transcript",
    "tentative_user_transcript": "user_transcript",
    "agent_response": "agent_response",
    "agent_response_correction": "corrected_agent_response",
    "agent_chat_response_part": "text",
    "agent_reasoning_response_part": "text",
    "interruption": "",
    "conversation_initiation_metadata": "conversation_id",
    "client_tool_call": "tool_name tool_call_id",
    "agent_tool_request": "tool_name",
    "agent_tool_response": "tool_name",
    "agent_tool_response_full_payload": "tool_name",
    "mcp_tool_call": "tool_call_id tool_name state",
    "mcp_connection_status": "integrations",
    "vad_score": "vad_score",
    "ping": "event_id",
    "context_usage": "context_tokens",
    "rich_content": "component",
    "guardrail_triggered": "",
    "agent_typing": "is_typing",
    "external_agent_connected": "",
    "external_agent_disconnected": "",
    "internal_turn_probability": "turn_probability",
    "internal_tentative_agent_response": "tentative_agent_response",
    "error": "",
    "queue_status": "status",
}

by_type = pytest.mark.parametrize("event_type", event_types(), ids=lambda it: it.TYPE)


def wire(event: ServerEvent) -> Any:
    return json.loads(encode_server_event(event))


def test_the_types_are_those_of_the_contract_and_no_others() -> None:
    names = [event_type.TYPE for event_type in event_types()]
    assert sorted(names) == sorted([*CONTRACT, *OPEN_TYPES])
    assert len(names) == 27 + len({"queue_status"}) + 4


@by_type
def test_a_type_has_the_inner_key_and_the_fields_of_the_contract(
    event_type: type[ServerEvent],
) -> None:
    if event_type.TYPE in OPEN_TYPES:
        assert f"{event_type.TYPE}_event" == event_type.INNER
        return
    inner, required, optional = CONTRACT[event_type.TYPE]
    fields = {
        field.encode_name: field
        for field in msgspec.structs.fields(event_type)
        if (event_type, field.name) != (ErrorEvent, "other")
    }
    assert inner == event_type.INNER
    assert {*fields} == {*required.split(), *optional.split()}
    essential = {name for name, field in fields.items() if field.required}
    assert essential == set(ESSENTIAL[event_type.TYPE].split()) <= set(required.split())


@by_type
@settings(max_examples=40, deadline=None)
@given(data=st.data())
def test_any_event_comes_back_from_the_wire_as_it_was(
    event_type: type[ServerEvent],
    instances: Callable[[Any], st.SearchStrategy[Any]],
    data: st.DataObject,
) -> None:
    event = data.draw(instances(event_type))
    frame = encode_server_event(event)
    assert message_of(decode_server_event(frame)) == event
    assert message_of(decode_server_event(frame.encode())) == event


@by_type
@settings(max_examples=10, deadline=None)
@given(data=st.data())
def test_on_the_wire_an_event_is_its_type_and_its_inner_object(
    event_type: type[ServerEvent],
    instances: Callable[[Any], st.SearchStrategy[Any]],
    data: st.DataObject,
) -> None:
    message = wire(data.draw(instances(event_type)))
    assert message.pop("type") == event_type.TYPE
    assert list(message) == ([event_type.INNER] if event_type.INNER else [])


@pytest.mark.parametrize(
    "struct",
    [
        member
        for _, member in inspect.getmembers(server_events, inspect.isclass)
        if issubclass(member, msgspec.Struct)
    ],
    ids=lambda it: it.__name__,
)
def test_every_type_is_frozen_and_says_what_it_is_for(struct: type[msgspec.Struct]) -> None:
    assert struct.__struct_config__.frozen
    assert vars(struct)["__doc__"]


def test_sound_is_base64_on_the_wire_and_bytes_here() -> None:
    alignment = Alignment(chars=["a"], char_start_times_ms=[0], char_durations_ms=[90])
    assert wire(AudioEvent(audio=b"\x00\x01\xff", event_id=3, alignment=alignment)) == {
        "type": "audio",
        "audio_event": {
            "audio_base_64": "AAH/",
            "event_id": 3,
            "alignment": {
                "chars": ["a"],
                "char_start_times_ms": [0],
                "char_durations_ms": [90],
            },
        },
    }


def test_what_is_not_known_is_left_out() -> None:
    attachment = Attachment(url="https://example.org/a", name="a")
    assert wire(AgentResponseEvent(agent_response="", event_id=0, attachments=[attachment])) == {
        "type": "agent_response",
        "agent_response_event": {
            "agent_response": "",
            "event_id": 0,
            "attachments": [{"url": "https://example.org/a", "name": "a"}],
        },
    }
    assert wire(ConversationMetadataEvent(conversation_id="c")) == {
        "type": "conversation_initiation_metadata",
        "conversation_initiation_metadata_event": {"conversation_id": "c"},
    }
    assert wire(ErrorEvent(code=1011)) == {"type": "error", "error_event": {"code": 1011}}


def test_a_ping_always_has_its_ping_ms() -> None:
    assert wire(PingEvent(event_id=1)) == {
        "type": "ping",
        "ping_event": {"event_id": 1, "ping_ms": None},
    }


def test_an_event_without_fields_is_its_type_alone() -> None:
    assert wire(GuardrailTriggeredEvent()) == {"type": "guardrail_triggered"}


def test_facts_about_the_recogniser_are_the_inner_object_itself() -> None:
    assert wire(AsrInitiationMetadataEvent(metadata={"any": ["thing"]})) == {
        "type": "asr_initiation_metadata",
        "asr_initiation_metadata_event": {"any": ["thing"]},
    }


def test_a_part_of_reasoning_has_an_event_id_of_text() -> None:
    event = AgentReasoningResponsePartEvent(text="hm", type="delta", event_id="7")
    assert wire(event)["reasoning_response_part"]["event_id"] == "7"


def test_an_approval_that_names_no_limit_has_that_of_the_contract() -> None:
    event = McpToolCallEvent(
        service_id="s",
        tool_call_id="c",
        tool_name="t",
        parameters={},
        timestamp="2025-01-01T00:00:00Z",
        state="awaiting_approval",
    )
    read = decode_server_event(encode_server_event(event))
    assert isinstance(read, McpToolCallEvent)
    assert read.approval_timeout_secs == 300


@pytest.mark.parametrize(
    "inner", [{}, {"interruption_event": None}, {"interruption_event": {}}], ids=str
)
def test_an_interruption_may_come_without_its_fields(inner: dict[str, Any]) -> None:
    frame = json.dumps({"type": "interruption", **inner})
    assert message_of(decode_server_event(frame)) == InterruptionEvent()


@pytest.mark.parametrize("parameters", [{}, {"parameters": None}], ids=str)
def test_a_tool_may_be_called_without_parameters(parameters: dict[str, Any]) -> None:
    fields = {"tool_name": "t", "tool_call_id": "c", "event_id": 1, **parameters}
    frame = json.dumps({"type": "client_tool_call", "client_tool_call": fields})
    assert decode_server_event(frame) == ClientToolCallEvent(
        tool_name="t", tool_call_id="c", event_id=1
    )


def test_a_tool_that_is_called_with_an_empty_object_gets_it() -> None:
    event = ClientToolCallEvent(tool_name="t", tool_call_id="c", parameters={}, event_id=1)
    assert wire(event)["client_tool_call"]["parameters"] == {}
    assert decode_server_event(encode_server_event(event)) == event


def test_an_error_may_come_without_its_fields() -> None:
    assert decode_server_event('{"type": "error"}') == ErrorEvent()


def test_an_alignment_of_unequal_lengths_does_not_cost_the_sound() -> None:
    alignment = Alignment(chars=["a", "b"], char_start_times_ms=[0], char_durations_ms=[])
    event = AudioEvent(audio=b"\x00\x00", event_id=1, alignment=alignment)
    assert decode_server_event(encode_server_event(event)) == event
