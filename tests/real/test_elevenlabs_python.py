"""ElevenLabs' own Python SDK, as published, talks with `duologue serve`."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass
from typing import Any, TypeVar

import httpx
import pytest
import pytest_asyncio
from elevenlabs import ElevenLabs
from elevenlabs.conversational_ai.conversation import (
    AgentChatResponsePartType,
    AsyncAudioInterface,
    AsyncConversation,
    AudioEventAlignment,
    DisconnectionDetails,
)
from elevenlabs.core.api_error import ApiError
from websockets.exceptions import ConnectionClosedError

from duologue.audio.samples import Samples, bytes_from_samples, samples_from_bytes
from tests.real.agent_process import AgentServer
from tests.real.speech import Listener, SpokenSentences
from tests.real.understanding import assert_answered, begins_like, is_like
from tests.real.waiting import eventually

RATE_HZ = 16_000
"""The SDK's own, in both directions, whatever the agent announces."""
QUESTION = "What color is the sky?"
CHUNK_S = 0.05
CHUNK_BYTES = int(RATE_HZ * CHUNK_S) * 2
QUIET_S = 1.0
"""The agent sends at most half a second ahead: after twice that, its turn is over."""

T = TypeVar("T")
U = TypeVar("U")
Send = Callable[[bytes], Awaitable[None]]


class Caller(AsyncAudioInterface):
    """Somebody at the telephone: silent unless told what to say, and hearing everything."""

    def __init__(self) -> None:
        self.interruptions = 0
        self._to_say = bytearray()
        self._heard = bytearray()
        self._heard_at_s = 0.0
        self._microphone: asyncio.Task[None] | None = None

    def say(self, speech: Samples) -> None:
        self._to_say += bytes_from_samples(speech)

    @property
    def heard_s(self) -> float:
        return len(self._heard) / 2 / RATE_HZ

    @property
    def has_heard_all(self) -> bool:
        return bool(self._heard) and time.monotonic() - self._heard_at_s > QUIET_S

    def take_heard(self) -> Samples:
        heard = samples_from_bytes(bytes(self._heard))
        self._heard.clear()
        return heard

    async def start(self, input_callback: Send) -> None:
        self._microphone = asyncio.create_task(self._feed(input_callback))

    async def stop(self) -> None:
        assert self._microphone is not None
        self._microphone.cancel()

    async def output(self, audio: bytes) -> None:
        self._heard += audio
        self._heard_at_s = time.monotonic()

    async def interrupt(self) -> None:
        self.interruptions += 1

    async def _feed(self, send: Send) -> None:
        due_s = time.monotonic()
        while True:
            chunk = bytes(self._to_say[:CHUNK_BYTES])
            del self._to_say[:CHUNK_BYTES]
            await send(chunk.ljust(CHUNK_BYTES, b"\0"))
            due_s += CHUNK_S
            await asyncio.sleep(due_s - time.monotonic())


class Call:
    """One conversation through the SDK, and all that its callbacks have told."""

    def __init__(
        self, client: ElevenLabs, agent_id: str, caller: Caller | None, *, private: bool
    ) -> None:
        self.user_transcripts: list[str] = []
        self.agent_responses: list[str] = []
        self.corrections: list[tuple[str, str]] = []
        self.parts: list[tuple[str, AgentChatResponsePartType]] = []
        self.latencies_ms: list[int] = []
        self.alignments: list[AudioEventAlignment] = []
        self.disconnections: list[DisconnectionDetails] = []
        self.conversation_id: str | None = None
        # Not all of the SDK's methods have types.
        self.conversation: Any = AsyncConversation(
            client,
            agent_id,
            requires_auth=private,
            audio_interface=caller,
            callback_user_transcript=appending_to(self.user_transcripts),
            callback_agent_response=appending_to(self.agent_responses),
            callback_agent_response_correction=appending_pairs_to(self.corrections),
            callback_agent_chat_response_part=appending_pairs_to(self.parts),
            callback_latency_measurement=appending_to(self.latencies_ms),
            callback_audio_alignment=appending_to(self.alignments),
            callback_disconnect=appending_to(self.disconnections),
        )

    async def wait_for_response(self, count: int) -> str:
        """The agent's response of that number, from 1."""
        await eventually(
            lambda: len(self.agent_responses) >= count, f"response {count} of the agent"
        )
        return self.agent_responses[count - 1]

    async def wait_until_ended(self) -> DisconnectionDetails:
        """How the conversation ended."""
        await eventually(lambda: self.disconnections, "the end of the conversation")
        # A server may refuse a call before the SDK's first word; then the SDK raises that, too.
        with suppress(ConnectionClosedError):
            self.conversation_id = await self.conversation.wait_for_session_end()
        (disconnection,) = self.disconnections
        return disconnection


def appending_to(values: list[T]) -> Callable[[T], Awaitable[None]]:
    async def append(value: T) -> None:
        values.append(value)

    return append


def appending_pairs_to(pairs: list[tuple[T, U]]) -> Callable[[T, U], Awaitable[None]]:
    async def append(first: T, second: U) -> None:
        pairs.append((first, second))

    return append


@asynccontextmanager
async def calling(
    server: AgentServer, agent_id: str, caller: Caller | None = None, *, private: bool = False
) -> AsyncIterator[Call]:
    """A conversation that the user ends with the context, if nobody did before."""
    with elevenlabs_client(server, server.key if private else "none") as client:
        call = Call(client, agent_id, caller, private=private)
        await call.conversation.start_session()
        try:
            yield call
        finally:
            await call.conversation.end_session()
            await call.wait_until_ended()


@contextmanager
def elevenlabs_client(server: AgentServer, key: str) -> Iterator[ElevenLabs]:
    """The SDK's client, whose connections end with the context."""
    with httpx.Client() as http:
        yield ElevenLabs(api_key=key, base_url=server.url, httpx_client=http)


@dataclass
class SpokenConversation:
    """A whole conversation: greeting, question, answer, end."""

    call: Call
    greeting: Samples
    answer: Samples


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def spoken_conversation(
    agent_server: AgentServer, spoken: SpokenSentences
) -> SpokenConversation:
    caller = Caller()
    async with calling(agent_server, "guide", caller) as call:
        await call.wait_for_response(1)
        await eventually(lambda: caller.has_heard_all, "the end of the greeting")
        greeting = caller.take_heard()
        caller.say(spoken(QUESTION, RATE_HZ))
        await call.wait_for_response(2)
        await eventually(lambda: caller.has_heard_all, "the end of the answer")
        answer = caller.take_heard()
    return SpokenConversation(call, greeting, answer)


def test_the_greeting_is_heard(
    spoken_conversation: SpokenConversation, transcribe: Listener
) -> None:
    greeting = "Hello! What would you like to know?"
    assert spoken_conversation.call.agent_responses[0] == greeting
    assert is_like(greeting, transcribe(spoken_conversation.greeting, RATE_HZ))


def test_the_spoken_question_is_understood_and_answered(
    spoken_conversation: SpokenConversation,
) -> None:
    (transcript,) = spoken_conversation.call.user_transcripts
    _, answer = spoken_conversation.call.agent_responses
    assert_answered(QUESTION, transcript, answer, "blue")


def test_the_answer_is_heard(spoken_conversation: SpokenConversation, transcribe: Listener) -> None:
    _, answer = spoken_conversation.call.agent_responses
    assert is_like(answer, transcribe(spoken_conversation.answer, RATE_HZ))


def test_the_sound_comes_with_its_characters(spoken_conversation: SpokenConversation) -> None:
    alignments = spoken_conversation.call.alignments
    said = "".join(character for alignment in alignments for character in alignment.chars)
    for response in spoken_conversation.call.agent_responses:
        assert "".join(response.split()) in "".join(said.split())


def test_latency_is_reported(spoken_conversation: SpokenConversation) -> None:
    latencies_ms = spoken_conversation.call.latencies_ms
    assert latencies_ms
    assert all(0 < latency_ms < 1000 for latency_ms in latencies_ms)


def test_the_user_can_hang_up(spoken_conversation: SpokenConversation) -> None:
    assert [end.reason for end in spoken_conversation.call.disconnections] == ["user"]


def test_the_conversation_has_an_id(spoken_conversation: SpokenConversation) -> None:
    assert (spoken_conversation.call.conversation_id or "").startswith("conv_")


async def test_the_agent_is_silent_when_interrupted_and_answers_what_was_said(
    agent_server: AgentServer, spoken: SpokenSentences, transcribe: Listener
) -> None:
    caller = Caller()
    async with calling(agent_server, "storyteller", caller) as call:
        story = await call.wait_for_response(1)
        await eventually(lambda: caller.heard_s > 2, "two seconds of the story")
        caller.say(spoken(QUESTION, RATE_HZ))
        await eventually(lambda: caller.interruptions, "the interruption")
        before = caller.take_heard()
        answer = await call.wait_for_response(2)
        await eventually(lambda: caller.has_heard_all, "the end of the answer")
        after = caller.take_heard()
    assert is_like(QUESTION, call.user_transcripts[0])
    ((original, corrected),) = call.corrections
    assert original == story
    assert story.startswith(corrected.rstrip("."))
    assert 0 < len(corrected) < len(story) / 2
    assert begins_like(story, transcribe(before, RATE_HZ))
    heard_after = transcribe(after, RATE_HZ)
    assert is_like(answer, heard_after)
    assert "king" not in heard_after


async def test_the_agent_can_hang_up(agent_server: AgentServer) -> None:
    async with calling(agent_server, "impatient", Caller()) as call:
        disconnection = await call.wait_until_ended()
    assert disconnection.reason == "agent"
    assert disconnection.close_code == 1000
    assert disconnection.close_reason == "The user has been silent for too long"


async def test_an_agent_that_does_not_exist_is_named(agent_server: AgentServer) -> None:
    async with calling(agent_server, "nobody", Caller()) as call:
        disconnection = await call.wait_until_ended()
    assert disconnection.reason == "error"
    assert disconnection.close_code == 1008
    assert "nobody" in (disconnection.close_reason or "")


async def test_without_sound_the_conversation_is_written(agent_server: AgentServer) -> None:
    async with calling(agent_server, "guide") as call:
        await call.wait_for_response(1)
        call.parts.clear()
        await call.conversation.send_user_message("What is the capital of France?")
        answer = await call.wait_for_response(2)
        kinds = [kind for _, kind in call.parts]
    assert "Paris" in answer
    assert kinds[0] == AgentChatResponsePartType.START
    assert kinds[-1] == AgentChatResponsePartType.STOP
    assert kinds.count(AgentChatResponsePartType.DELTA) > 1
    assert "".join(text for text, _ in call.parts).strip() == answer


async def test_a_private_agent_talks_through_a_signed_url(agent_server: AgentServer) -> None:
    async with calling(agent_server, "confidant", private=True) as call:
        greeting = await call.wait_for_response(1)
    assert greeting == "Hello! What would you like to know?"


async def test_a_private_agent_is_not_to_be_had_without_one(agent_server: AgentServer) -> None:
    async with calling(agent_server, "confidant") as call:
        disconnection = await call.wait_until_ended()
    assert disconnection.close_code == 1008
    assert "needs a signed URL" in (disconnection.close_reason or "")


def test_a_wrong_key_is_told_in_the_shape_of_elevenlabs(agent_server: AgentServer) -> None:
    with (
        elevenlabs_client(agent_server, "wrong") as client,
        pytest.raises(ApiError) as refused,
    ):
        client.conversational_ai.conversations.get_signed_url(agent_id="confidant")
    assert refused.value.status_code == 401
    assert refused.value.body["detail"]["status"] == "invalid_api_key"
