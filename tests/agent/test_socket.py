"""Calls as a client sees them, over a real socket: how they begin, are refused, and end."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import time

import aiohttp
import pytest

from duologue.agent.access.signatures import ConversationSigner
from duologue.agent.limits import CallLimits
from duologue.testing.scripted_speech import ScriptedSpeech
from tests.agent.harness import (
    calling,
    conversing,
    define,
    disappear,
    pause_reading,
    serving,
    until,
)

SECRET = b"a secret of this test: 32 bytes or more"


async def test_metadata_comes_first_and_names_id_and_formats() -> None:
    agent = define(
        tts={"agent_output_audio_format": "ulaw_8000"},
        asr={"user_input_audio_format": "pcm_48000"},
    )
    async with conversing(ScriptedSpeech(), agent) as client:
        await client.initiate()
        metadata = await client.expect("conversation_initiation_metadata")
        assert client.events[0]["type"] == "conversation_initiation_metadata"
        assert metadata["conversation_id"].removeprefix("conv_").isalnum()
        assert metadata["agent_output_audio_format"] == "ulaw_8000"
        assert metadata["user_input_audio_format"] == "pcm_48000"


async def test_the_subprotocol_is_chosen_when_offered_and_a_bearer_never_echoed() -> None:
    async with serving(ScriptedSpeech(), define()) as origin:
        async with calling(origin, protocols=["bearer.secret", "convai"]) as client:
            assert client.socket.protocol == "convai"
        async with calling(origin, protocols=[]) as client:
            assert client.socket.protocol is None
            await client.initiate()
            await client.expect("conversation_initiation_metadata")


async def test_an_unknown_agent_is_refused_with_a_sentence_that_names_it() -> None:
    async with (
        serving(ScriptedSpeech(), define()) as origin,
        calling(origin, "agent_nobody") as client,
    ):
        code, reason = await client.expect_close()
    assert code == 1008
    assert reason is not None
    assert "agent_nobody" in reason


async def test_a_private_agent_is_refused_without_a_signature() -> None:
    async with conversing(ScriptedSpeech(), define(private=True)) as client:
        code, reason = await client.expect_close()
    assert code == 1008
    assert "needs a signed URL" in str(reason)


async def test_a_private_agent_talks_to_those_who_have_its_signature() -> None:
    signer = ConversationSigner()
    async with (
        serving(ScriptedSpeech(), define(private=True), signer=signer) as origin,
        calling(origin, signature=signer.sign("test")) as client,
    ):
        await client.initiate()
        await client.expect("conversation_initiation_metadata")


@pytest.mark.parametrize(
    ("signature", "sentence"),
    [
        (ConversationSigner(SECRET).sign("other"), "another agent than 'test'"),
        (ConversationSigner(SECRET, now_s=lambda: time.time() - 901).sign("test"), "has expired"),
        (
            ConversationSigner(b"somebody else's secret of 32 byte").sign("test"),
            "not of this server",
        ),
        ("garbage", "not of this server"),
        ("", "needs a signed URL"),
    ],
    ids=["another agent", "expired", "forged", "garbage", "empty"],
)
async def test_a_private_agent_says_what_is_wrong_with_a_signature(
    signature: str, sentence: str
) -> None:
    async with (
        serving(
            ScriptedSpeech(), define(private=True), signer=ConversationSigner(SECRET)
        ) as origin,
        calling(origin, signature=signature) as client,
    ):
        code, reason = await client.expect_close()
    assert code == 1008
    assert sentence in str(reason)


async def test_a_client_that_says_nothing_is_sent_away() -> None:
    limits = CallLimits(initiation_s=0.1)
    async with conversing(ScriptedSpeech(), define(), limits=limits) as client:
        code, _ = await client.expect_close()
        assert client.of("error")[0]["error_type"] == "transport_receive_timeout"
    assert code == 1002


async def test_a_client_that_falls_silent_is_sent_away() -> None:
    limits = CallLimits(receive_s=0.2, first_ping_s=60)
    async with conversing(ScriptedSpeech(), define(), limits=limits) as client:
        await client.initiate()
        code, _ = await client.expect_close()
        assert client.of("error")[0]["error_type"] == "transport_receive_timeout"
    assert code == 1002


async def test_a_first_message_without_initiation_changes_nothing_and_counts() -> None:
    async with conversing(ScriptedSpeech(replies=["Four."]), define(text_only=True)) as client:
        await client.send(type="user_message", text="Two and two?")
        response = await client.expect("agent_response")
    assert response["agent_response"] == "Four."


@pytest.mark.parametrize("frame", ["not json", "[]", '{"type": 3}', '{"no": "type"}', "null"])
async def test_garbage_ends_the_call_and_no_other(frame: str) -> None:
    async with (
        serving(ScriptedSpeech(), define(text_only=True)) as origin,
        calling(origin) as other,
    ):
        await other.initiate()
        await other.expect("conversation_initiation_metadata")
        async with calling(origin) as client:
            await client.initiate()
            await client.expect("conversation_initiation_metadata")
            await client.socket.send_str(frame)
            code, _ = await client.expect_close()
            assert client.of("error")[0]["error_type"] == "invalid_message"
        assert code == 1008
        await other.send(type="user_message", text="Are you there?")
        await other.expect("agent_response")


async def test_a_frame_of_more_than_a_megabyte_ends_the_call() -> None:
    async with conversing(ScriptedSpeech(), define()) as client:
        await client.initiate()
        await client.expect("conversation_initiation_metadata")
        await client.socket.send_str(json.dumps({"user_audio_chunk": "A" * 1_100_000}))
        code, _ = await client.expect_close()
        assert client.of("error")[0]["error_type"] == "invalid_message"
    assert code == 1008


async def test_a_frame_of_ten_megabytes_is_not_even_read() -> None:
    async with conversing(ScriptedSpeech(), define()) as client:
        await client.initiate()
        await client.expect("conversation_initiation_metadata")
        with contextlib.suppress(ConnectionError):  # it may be cut off before all was sent
            await client.socket.send_str(json.dumps({"user_audio_chunk": "A" * 10_000_000}))
        code, _ = await client.expect_close()
    assert code == 1009


async def test_a_message_of_a_future_type_is_ignored() -> None:
    async with (
        serving(ScriptedSpeech(), define(text_only=True)) as origin,
        calling(origin) as client,
    ):
        await client.initiate()
        await client.send(type="from_the_future", whatever=1)
        await client.send(type="user_message", text="Hello?")
        await client.expect("agent_response")


async def test_a_client_that_disappears_leaves_nothing_behind() -> None:
    agent = define(first_message="A long greeting that is still being said. " * 3)
    async with serving(ScriptedSpeech(), agent) as origin:
        before = asyncio.all_tasks()
        async with calling(origin) as client:
            await client.initiate()
            await client.expect("audio")
            disappear(client)
        await until(lambda: not asyncio.all_tasks() - before)


async def test_a_client_that_does_not_read_ends_its_own_call_only(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO, "duologue.agent.call")
    # More than the buffers of a loopback connection hold.
    speech = ScriptedSpeech(replies=[f"{'long' * 1000} " * 4_000])
    limits = CallLimits(send_s=0.2)
    async with (
        serving(speech, define(text_only=True), limits=limits) as origin,
        calling(origin) as other,
        calling(origin, reads=False) as client,
    ):
        await client.initiate()
        await client.send(type="user_message", text="Go on.")
        pause_reading(client)
        await other.initiate()
        await until(lambda: "does not read" in caplog.text)
        await other.expect("conversation_initiation_metadata")
        assert other.close_code is None
        disappear(client)


async def test_the_longest_duration_ends_the_call_as_the_contract_says() -> None:
    agent = define(conversation={"max_duration_seconds": 1})
    async with conversing(ScriptedSpeech(), agent) as client:
        await client.initiate()
        code, _ = await client.expect_close()
        assert client.of("error")[0]["error_type"] == "max_duration_exceeded"
    assert code == 1000


async def test_a_wrong_override_is_refused() -> None:
    async with conversing(ScriptedSpeech(), define()) as client:
        await client.initiate(conversation_config_override={"tts": {"speed": "fast"}})
        code, _ = await client.expect_close()
        error = client.of("error")[0]
    assert code == 1008
    assert error["error_type"] == "override_error"
    assert "speed" in error["message"]


async def test_a_missing_dynamic_variable_is_refused_by_name() -> None:
    agent = define(first_message="Hello {{user_name}}")
    async with conversing(ScriptedSpeech(), agent) as client:
        await client.initiate()
        code, reason = await client.expect_close()
        assert client.of("error")[0]["error_type"] == "missing_dynamic_variable"
    assert code == 1008
    assert "user_name" in str(reason)


async def test_a_server_that_stops_ends_its_calls_and_says_so() -> None:
    agent = define(first_message="A long greeting that is still being said. " * 3)
    async with contextlib.AsyncExitStack() as later:
        async with serving(ScriptedSpeech(), agent) as origin:
            client = await later.enter_async_context(calling(origin))
            await client.initiate()
            await client.expect("audio")
        end = await client.expect_close()
    assert end == (1002, "The agent's server is being stopped")


async def test_other_calls_go_on_while_one_is_answered() -> None:
    speech = ScriptedSpeech(replies=["Yes."])
    async with (
        serving(speech, define(text_only=True)) as origin,
        calling(origin) as one,
        calling(origin) as other,
    ):
        for client in (one, other):
            await client.initiate()
            await client.send(type="user_message", text="Are you there?")
        await one.expect("agent_response")
        await other.expect("agent_response")
        ids = {
            client.of("conversation_initiation_metadata")[0]["conversation_id"]
            for client in (one, other)
        }
        assert len(ids) == 2


async def test_health_is_told_over_http() -> None:
    async with (
        serving(ScriptedSpeech(), define()) as origin,
        aiohttp.ClientSession() as session,
        session.get(f"{origin}/health") as answer,
    ):
        assert answer.status == 200
