"""What the call does with each message of a client."""

from __future__ import annotations

import base64
import json
import logging

import pytest

from duologue.agent.call.ends import CallRefused
from duologue.agent.call.inbox import checked_message
from duologue.agent.limits import CallLimits
from duologue.protocol.client_messages import Pong
from duologue.protocol.codec import UnknownEvent
from duologue.testing.scripted_speech import ModelBehaviour, ScriptedSpeech
from tests.agent.harness import conversing, define


def test_a_frame_becomes_a_message() -> None:
    limits = CallLimits()
    assert checked_message('{"type": "pong", "event_id": 3}', limits) == Pong(event_id=3)
    assert isinstance(checked_message('{"type": "new"}', limits), UnknownEvent)


@pytest.mark.parametrize(
    "frame",
    ["{", b"\xff\xfe", '{"type": "feedback"}', '{"type": "contextual_update", "text": []}'],
)
def test_a_frame_that_is_no_message_is_refused(frame: str | bytes) -> None:
    with pytest.raises(CallRefused) as refused:
        checked_message(frame, CallLimits())
    assert refused.value.end.error_type == "invalid_message"
    assert refused.value.end.code == 1008


@pytest.mark.parametrize("event_id", ["3", 3.0])
def test_a_message_is_taken_that_is_not_quite_as_the_protocol_says(
    event_id: object, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG", "duologue.agent.call")
    frame = json.dumps({"type": "pong", "event_id": event_id})
    assert checked_message(frame, CallLimits()) == Pong(event_id=3)
    assert "a whole number was expected" in caplog.text
    assert checked_message('{"type": "pong"}', CallLimits()) == Pong(event_id=None)


def test_a_frame_may_have_a_mebibyte_and_no_more() -> None:
    limits = CallLimits(frame_bytes=40)
    frame = '{"type": "pong", "event_id": 3}'
    assert checked_message(frame.ljust(40), limits) == Pong(event_id=3)
    with pytest.raises(CallRefused, match="at most 40 bytes, and this one 41"):
        checked_message(frame.ljust(41), limits)


async def test_of_a_multimodal_message_the_text_is_answered_and_files_are_an_error() -> None:
    async with conversing(ScriptedSpeech(), define(text_only=True)) as client:
        await client.initiate()
        await client.send(
            type="multimodal_message",
            text={"type": "user_message", "text": "What is this?"},
            file={"type": "file_input", "file_id": "file_1"},
        )
        await client.expect("agent_response")
        error = client.of("error")[0]
        assert error["error_type"] == "invalid_message"
        assert client.close_code is None


async def test_sound_may_not_run_ahead_of_time() -> None:
    second = {"user_audio_chunk": base64.b64encode(bytes(32_000)).decode()}
    limits = CallLimits(sound_ahead_s=5.0)
    async with conversing(ScriptedSpeech(), define(), limits=limits) as client:
        await client.initiate()
        for _ in range(20):
            await client.send(**second)
        code, reason = await client.expect_close()
        assert client.of("error")[0]["error_type"] == "invalid_message"
    assert code == 1008
    assert "5 s ahead of time" in str(reason)


async def test_feedback_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "duologue.agent.call")
    async with conversing(ScriptedSpeech(), define(text_only=True)) as client:
        await client.initiate()
        await client.send(type="feedback", event_id=4, score="like")
        await client.send(type="user_message", text="Thanks.")
        await client.expect("agent_response")
    assert "Feedback on event 4: like" in caplog.messages


async def test_a_message_without_text_is_no_turn() -> None:
    async with conversing(ScriptedSpeech(replies=["a", "b"]), define(text_only=True)) as client:
        await client.initiate()
        await client.send(type="user_message")
        await client.send(type="user_message", text="Hello.")
        await client.expect("agent_response")
        assert client.of("agent_response")[0]["agent_response"] == "a"


async def test_a_flood_of_messages_ends_the_call() -> None:
    speech = ScriptedSpeech(thinking=ModelBehaviour(delay_s=1))
    limits = CallLimits(messages_waiting=4)
    async with conversing(speech, define(text_only=True), limits=limits) as client:
        await client.initiate()
        for number in range(200):
            if client.close_code is None:
                await client.send(type="user_message", text=str(number))
        code, _ = await client.expect_close()
        assert client.of("error")[0]["error_type"] == "invalid_message"
    assert code == 1008
