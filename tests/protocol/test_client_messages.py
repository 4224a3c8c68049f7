"""Every message of a client has its names, its fields and its way to the wire and back."""

from __future__ import annotations

import inspect
import json
from collections.abc import Callable
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from duologue.protocol import client_messages
from duologue.protocol.client_messages import (
    ClientMessage,
    ClientToolResult,
    ContextualUpdate,
    ConversationInitiation,
    EnclaveSetup,
    Feedback,
    FileInput,
    MultimodalMessage,
    SourceInfo,
    TextInput,
    UserActivity,
    UserAudioChunk,
    UserMessage,
    message_types,
)
from duologue.protocol.codec import decode_client_message, encode_client_message, message_of

# type: (required fields, optional fields), as the contract has them.
CONTRACT: dict[str | None, tuple[str, str]] = {
    None: ("user_audio_chunk", ""),
    "pong": ("event_id", ""),
    "user_message": ("", "text rich_content_id"),
    "user_activity": ("", ""),
    "feedback": ("event_id score", ""),
    "client_tool_result": ("tool_call_id result is_error", ""),
    "mcp_tool_approval_result": ("tool_call_id is_approved", ""),
    "contextual_update": ("text", "context_id"),
    "conversation_initiation_client_data": (
        "",
        "conversation_config_override custom_llm_extra_body dynamic_variables user_id "
        "source_info tool_mock_config",
    ),
    "multimodal_message": ("", "text file files"),
    "enclave_setup_config": (
        "",
        "agent_config_dict override_agent_config_list tools_config_list prompt_knowledge_base "
        "bedrock_inference_profile post_call_transcription_webhook post_call_audio_webhook",
    ),
}

# Required by the contract, yet a message without them still has its meaning.
READ_WITHOUT: dict[str | None, set[str]] = {
    "pong": {"event_id"},
    "client_tool_result": {"result", "is_error"},
}

by_type = pytest.mark.parametrize("message_type", message_types(), ids=lambda it: it.__name__)


def wire(message: ClientMessage) -> Any:
    return json.loads(encode_client_message(message))


def test_the_types_are_those_of_the_contract_and_no_others() -> None:
    names = [message_type.TYPE for message_type in message_types()]
    assert len(names) == 11
    assert set(names) == set(CONTRACT)


@by_type
def test_a_type_has_the_fields_of_the_contract(message_type: type[ClientMessage]) -> None:
    required, optional = CONTRACT[message_type.TYPE]
    fields = msgspec.structs.fields(message_type)
    essential = set(required.split()) - READ_WITHOUT.get(message_type.TYPE, set())
    assert {field.encode_name for field in fields if field.required} == essential
    assert {field.encode_name for field in fields} == {*required.split(), *optional.split()}


@by_type
@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_any_message_comes_back_from_the_wire_as_it_was(
    message_type: type[ClientMessage],
    instances: Callable[[Any], st.SearchStrategy[Any]],
    data: st.DataObject,
) -> None:
    message = data.draw(instances(message_type))
    frame = encode_client_message(message)
    assert json.loads(frame).get("type") == message_type.TYPE
    assert message_of(decode_client_message(frame)) == message
    assert message_of(decode_client_message(frame.encode())) == message


@pytest.mark.parametrize(
    "struct",
    [
        member
        for _, member in inspect.getmembers(client_messages, inspect.isclass)
        if issubclass(member, msgspec.Struct)
    ],
    ids=lambda it: it.__name__,
)
def test_every_type_is_frozen_and_says_what_it_is_for(struct: type[msgspec.Struct]) -> None:
    assert struct.__struct_config__.frozen
    assert vars(struct)["__doc__"]


def test_sound_has_no_type() -> None:
    assert wire(UserAudioChunk(audio=b"\x00\x01\xff")) == {"user_audio_chunk": "AAH/"}


@pytest.mark.parametrize("score", ["like", "dislike", None])
def test_a_rating_is_written_even_when_it_is_taken_back(
    score: client_messages.Score | None,
) -> None:
    assert wire(Feedback(event_id=3, score=score)) == {
        "type": "feedback",
        "event_id": 3,
        "score": score,
    }


def test_a_field_that_is_none_is_left_out() -> None:
    assert wire(ContextualUpdate(text="rain")) == {"type": "contextual_update", "text": "rain"}
    assert wire(UserMessage()) == {"type": "user_message"}
    assert wire(UserActivity()) == {"type": "user_activity"}
    assert wire(MultimodalMessage()) == {"type": "multimodal_message"}


def test_an_empty_text_is_written() -> None:
    assert wire(UserMessage(text="", rich_content_id="")) == {
        "type": "user_message",
        "text": "",
        "rich_content_id": "",
    }


def test_an_initiation_has_only_what_was_asked_for() -> None:
    source = SourceInfo(source="python", version="1")
    assert wire(ConversationInitiation(source_info=source, dynamic_variables={"n": 1})) == {
        "type": "conversation_initiation_client_data",
        "dynamic_variables": {"n": 1},
        "source_info": {"source": "python", "version": "1"},
    }


def test_the_parts_of_a_multimodal_message_have_types_of_their_own() -> None:
    files = [FileInput(file_id="a"), FileInput(file_id="b")]
    message = MultimodalMessage(text=TextInput(text="look"), file=files[0], files=files)
    assert wire(message) == {
        "type": "multimodal_message",
        "text": {"type": "user_message", "text": "look"},
        "file": {"type": "file_input", "file_id": "a"},
        "files": [
            {"type": "file_input", "file_id": "a"},
            {"type": "file_input", "file_id": "b"},
        ],
    }


def test_an_enclave_setup_writes_four_nulls_and_only_the_extras_that_are_set() -> None:
    setup = {
        "type": "enclave_setup_config",
        "agent_config_dict": None,
        "override_agent_config_list": None,
        "tools_config_list": None,
        "prompt_knowledge_base": None,
    }
    assert wire(EnclaveSetup()) == setup
    webhook = {"url": "https://example.org/"}
    assert wire(EnclaveSetup(post_call_audio_webhook=webhook)) == {
        **setup,
        "post_call_audio_webhook": webhook,
    }


def test_a_tool_result_may_be_any_json_because_the_python_sdk_sends_it_so() -> None:
    frame = (
        '{"type": "client_tool_result", "tool_call_id": "c", "result": {"n": [1]},'
        ' "is_error": false}'
    )
    expected = ClientToolResult(tool_call_id="c", result={"n": [1]}, is_error=False)
    assert decode_client_message(frame) == expected
