"""ElevenLabs' own JavaScript client, as published, talks with `duologue serve`, over both of its
transports."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import pytest_asyncio

from duologue.agent.settings import LiveKitSettings
from duologue.audio.samples import Samples
from tests.real.agent_process import AgentServer
from tests.real.browser_client import (
    MICROPHONE_RATE_HZ,
    BrowserClient,
    browser_client,
    write_microphone,
)
from tests.real.speech import Listener, SpokenSentences
from tests.real.understanding import assert_answered, begins_like, is_like

QUESTION = "What color is the sky?"
GREETING_S = 4.0
"""The greeting is over by then, so that a question does not interrupt it."""
AUDIBLE = 0.05
"""Speech in the client's meters is louder than this."""

TRANSPORTS = ("websocket", "webrtc")
HEARD_RATE_HZ = {"websocket": 16_000, "webrtc": 48_000}
"""Of what the client gives to onAudio. On WebRTC it records what it plays, and leaves out every
piece that is not loud enough, so that of what it gives a word or two can be understood."""
DEBUG_MESSAGES = {
    "websocket": [],
    "webrtc": ["audio_element_ready", "conversation_initiation_client_data"],
}
"""What the client has to tell of a conversation in which nothing is wrong."""


def transport_options(
    transport: str, agent_server: AgentServer, livekit: LiveKitSettings
) -> dict[str, str]:
    """The client's options for one of its transports: for each it wants another scheme."""
    if transport == "websocket":
        return {"connectionType": transport, "origin": agent_server.websocket_origin}
    return {"connectionType": transport, "origin": agent_server.url, "livekitUrl": livekit.url}


def words_of(text: str) -> set[str]:
    """The words in a text in lower case."""
    return set(re.findall(r"[a-z]+", text))


@dataclass
class SpokenConversation:
    """A whole conversation: greeting, spoken question, written question, end."""

    transport: str
    client: BrowserClient
    outcome: dict[str, Any]
    greeting: Samples
    answer: Samples


@pytest.fixture(scope="module")
def conversations() -> dict[str, SpokenConversation]:
    """Those that were held already, by their transport."""
    return {}


@pytest_asyncio.fixture(
    loop_scope="module",
    # Each is held once, by one of the processes that test, in whatever order the tests come.
    params=[pytest.param(name, marks=pytest.mark.xdist_group(name)) for name in TRANSPORTS],
)
async def spoken_conversation(
    request: pytest.FixtureRequest,
    conversations: dict[str, SpokenConversation],
    agent_server: AgentServer,
    livekit: LiveKitSettings,
    spoken: SpokenSentences,
    tmp_path: Path,
) -> SpokenConversation:
    transport = request.param
    if transport not in conversations:
        microphone = write_microphone(
            tmp_path / "question.wav", (GREETING_S, spoken(QUESTION, MICROPHONE_RATE_HZ))
        )
        options = transport_options(transport, agent_server, livekit)
        conversations[transport] = await converse(transport, microphone, options)
    return conversations[transport]


async def converse(transport: str, microphone: Path, options: dict[str, str]) -> SpokenConversation:
    """Hold a whole conversation."""
    async with browser_client(microphone) as client:
        outcome = await client.start(agentId="guide", **options)
        await client.wait_for_volume("getOutputVolume", above=AUDIBLE)
        await client.wait_for_volume("getInputVolume", above=AUDIBLE)
        greeting = client.audio()
        await client.wait_for_message("agent", 2)
        await client.wait_until_said()
        answer = client.audio()[len(greeting) :]
        await client.call("sendContextualUpdate", "The user is looking at a map of Europe.")
        await client.call("sendUserMessage", "What is the capital of France?")
        await client.wait_for_message("agent", 3)
        await client.call("endSession")
        await client.wait_for("onDisconnect")
    return SpokenConversation(transport, client, outcome, greeting, answer)


def test_the_conversation_starts_and_has_an_id(spoken_conversation: SpokenConversation) -> None:
    assert spoken_conversation.outcome["type"] == "voice"
    conversation_id = spoken_conversation.outcome["conversationId"]
    assert conversation_id.startswith("conv_")
    assert spoken_conversation.client.values("onConnect") == [{"conversationId": conversation_id}]


def test_the_greeting_is_heard(
    spoken_conversation: SpokenConversation, transcribe: Listener
) -> None:
    greeting = "Hello! What would you like to know?"
    assert spoken_conversation.client.messages("agent")[0] == greeting
    heard = transcribe(spoken_conversation.greeting, HEARD_RATE_HZ[spoken_conversation.transport])
    if spoken_conversation.transport == "websocket":
        assert is_like(greeting, heard)
    else:
        assert words_of(heard) & words_of(greeting.lower())


def test_the_spoken_question_is_understood_and_answered(
    spoken_conversation: SpokenConversation,
) -> None:
    client = spoken_conversation.client
    assert_answered(QUESTION, client.messages("user")[0], client.messages("agent")[1], "blue")


def test_the_answer_is_heard(spoken_conversation: SpokenConversation, transcribe: Listener) -> None:
    heard = transcribe(spoken_conversation.answer, HEARD_RATE_HZ[spoken_conversation.transport])
    answer = spoken_conversation.client.messages("agent")[1]
    if spoken_conversation.transport == "websocket":
        assert is_like(answer, heard)
    else:
        assert words_of(heard) & words_of(answer.lower())


def test_a_written_message_is_answered(spoken_conversation: SpokenConversation) -> None:
    assert "Paris" in spoken_conversation.client.messages("agent")[2]


def test_the_mode_tells_who_speaks(spoken_conversation: SpokenConversation) -> None:
    modes = [value["mode"] for value in spoken_conversation.client.values("onModeChange")]
    assert modes[0] == "speaking"
    assert modes.count("listening") >= 2


def test_the_sound_comes_with_its_characters(spoken_conversation: SpokenConversation) -> None:
    alignments = spoken_conversation.client.values("onAudioAlignment")
    said = "".join(character for alignment in alignments for character in alignment["chars"])
    for message in spoken_conversation.client.messages("agent")[:2]:
        assert "".join(message.split()) in "".join(said.split())


def test_voice_activity_is_reported(spoken_conversation: SpokenConversation) -> None:
    scores = [value["vadScore"] for value in spoken_conversation.client.values("onVadScore")]
    assert 0 <= min(scores) < 0.2
    assert 0.8 < max(scores) <= 1


def test_pings_are_reported_with_what_was_measured(
    spoken_conversation: SpokenConversation,
) -> None:
    first, second = spoken_conversation.client.values("onPing")[:2]
    assert first["ping_ms"] is None
    assert 0 <= second["ping_ms"] < 1000


def test_the_user_can_hang_up(spoken_conversation: SpokenConversation) -> None:
    client = spoken_conversation.client
    assert client.values("onDisconnect") == [{"reason": "user"}]
    assert [value["status"] for value in client.values("onStatusChange")] == [
        "connecting",
        "connected",
        "disconnecting",
        "disconnected",
    ]


def test_the_client_finds_nothing_wrong(spoken_conversation: SpokenConversation) -> None:
    client = spoken_conversation.client
    assert client.page_errors == []
    assert client.values("onError") == []
    debug_messages = sorted(value["type"] for value in client.values("onDebug"))
    assert debug_messages == DEBUG_MESSAGES[spoken_conversation.transport]


@pytest.mark.parametrize("transport", TRANSPORTS)
async def test_the_agent_is_silent_when_interrupted_and_answers_what_was_said(
    transport: str,
    agent_server: AgentServer,
    livekit: LiveKitSettings,
    spoken: SpokenSentences,
    transcribe: Listener,
    tmp_path: Path,
) -> None:
    microphone = write_microphone(
        tmp_path / "barge-in.wav", (2.0, spoken(QUESTION, MICROPHONE_RATE_HZ))
    )
    async with browser_client(microphone) as client:
        await client.start(
            agentId="storyteller", **transport_options(transport, agent_server, livekit)
        )
        story = await client.wait_for_message("agent")
        await client.wait_for("onInterruption")
        before = client.audio()
        correction = await client.wait_for("onAgentResponseCorrection")
        answer = await client.wait_for_message("agent", 2)
        await client.wait_until_said()
        await client.call("endSession")
    assert is_like(QUESTION, client.messages("user")[0])
    assert correction["original_agent_response"] == story
    corrected = correction["corrected_agent_response"].rstrip(".")
    assert story.startswith(corrected)
    assert 0 < len(corrected) < len(story) / 2
    rate_hz = HEARD_RATE_HZ[transport]
    heard_before = transcribe(before, rate_hz)
    heard_after = transcribe(client.audio()[len(before) :], rate_hz)
    assert "king" not in heard_after
    if transport == "websocket":
        assert begins_like(story, heard_before)
        assert is_like(answer, heard_after)
    else:
        assert words_of(heard_before) & words_of(story.lower())
        assert words_of(heard_after) & words_of(answer.lower())


async def test_without_sound_the_conversation_is_written(agent_server: AgentServer) -> None:
    async with browser_client() as client:
        outcome = await client.start(
            agentId="guide", origin=agent_server.websocket_origin, textOnly=True
        )
        await client.wait_for_message("agent", 1)
        await client.call("sendUserMessage", QUESTION)
        first_answer = await client.wait_for_message("agent", 2)
        await client.call("sendUserMessage", "How many days are in a week?")
        second_answer = await client.wait_for_message("agent", 3)
        await client.call("endSession")
        await client.wait_for("onDisconnect")
    assert outcome["type"] == "text"
    assert "blue" in first_answer
    assert "week" in second_answer
    for event in client.values("onMessage")[1:]:
        parts = [
            part
            for part in client.values("onAgentChatResponsePart")
            if part["event_id"] == event["event_id"]
        ]
        assert [part["type"] for part in parts[:1] + parts[-1:]] == ["start", "stop"]
        assert len(parts) > 3
        assert "".join(part["text"] for part in parts).strip() == event["message"]
    assert client.values("onAudio") == []
    assert client.page_errors == []


@pytest.mark.parametrize("text_only", [False, True])
async def test_an_agent_that_does_not_exist_is_named(
    agent_server: AgentServer, text_only: bool
) -> None:
    async with browser_client() as client:
        outcome = await client.start(
            agentId="nobody",
            origin=agent_server.websocket_origin,
            connectionType="websocket",
            textOnly=text_only,
        )
    assert outcome["error"] == "SessionConnectionError"
    assert outcome["closeCode"] == 1008
    assert "nobody" in outcome["closeReason"]
    assert client.page_errors == []


async def test_a_private_agent_talks_through_a_signed_url(agent_server: AgentServer) -> None:
    async with aiohttp.ClientSession() as session:
        answer = await session.get(
            f"{agent_server.url}/v1/convai/conversation/get-signed-url",
            params={"agent_id": "confidant"},
            headers={"xi-api-key": agent_server.key},
        )
        signed_url = (await answer.json())["signed_url"]
    async with browser_client() as client:
        outcome = await client.start(signedUrl=signed_url, textOnly=True)
        greeting = await client.wait_for_message("agent")
        await client.call("endSession")
    assert outcome["type"] == "text"
    assert greeting == "Hello! What would you like to know?"


async def test_a_private_agent_is_not_to_be_had_without_one(agent_server: AgentServer) -> None:
    async with browser_client() as client:
        outcome = await client.start(
            agentId="confidant", origin=agent_server.websocket_origin, textOnly=True
        )
    assert outcome["closeCode"] == 1008
    assert "needs a signed URL" in outcome["closeReason"]
