"""The scripted agent of `duologue.testing`, called in rooms of a real LiveKit server."""

from __future__ import annotations

import asyncio
from typing import Any

import numpy as np
import pytest
from livekit import api

from duologue import Conversation, Disconnection, Mode
from duologue.agent.settings import LiveKitSettings
from duologue.audio.samples import Samples, samples_from_bytes
from duologue.protocol.client_messages import UserAudioChunk, UserMessage
from duologue.protocol.server_events import AgentResponseEvent, AudioEvent
from duologue.testing import (
    Begin,
    Expect,
    Listen,
    MemoryMicrophone,
    MemorySpeaker,
    Say,
    ScriptedAgent,
    ScriptFailed,
    Vanish,
)
from tests.real.livekit_rooms import until_deleted
from tests.real.waiting import eventually

RATE_HZ = 16_000
LIMIT_S = 20.0
LOUD = 3000
SILENT_AFTER_S = 0.3
REST_S = 4.0
"""By then the agent has said the rest of what was interrupted."""


def tone(duration_s: float) -> Samples:
    times_s = np.arange(int(duration_s * RATE_HZ)) / RATE_HZ
    return (12_000 * np.sin(2 * np.pi * 440 * times_s)).astype(np.int16)


def is_loud(chunk: UserAudioChunk) -> bool:
    return bool(np.abs(samples_from_bytes(memoryview(chunk.audio)).astype(int)).max() > LOUD)


def devices() -> dict[str, Any]:
    return {"microphone": MemoryMicrophone(RATE_HZ), "speaker": MemorySpeaker(RATE_HZ)}


async def test_who_speaks_is_called_in_a_room_without_asking_for_it(
    livekit: LiveKitSettings,
) -> None:
    answer = AgentResponseEvent(agent_response="I hear you.", event_id=1)
    script = [Begin(), Expect(UserAudioChunk, where=is_loud), Say(answer), Listen()]
    options = devices()
    options["microphone"].feed(tone(20))
    async with (
        ScriptedAgent(script, livekit=livekit) as agent,
        Conversation.start_session(agent_id="a", origin=agent.origin, **options) as conversation,
    ):
        await eventually(lambda: conversation.transcript, "the answer")
        assert conversation.transcript[0].text == "I hear you."
        [call] = agent.calls
        assert call.query["agent_id"] == "a"
    rooms_name = conversation.id
    assert rooms_name.startswith("conv_")
    await until_deleted(livekit, rooms_name)


async def test_each_client_has_a_room_of_its_own(livekit: LiveKitSettings) -> None:
    script = [Begin(), Expect(UserMessage), Listen()]
    async with ScriptedAgent(script, livekit=livekit) as agent:
        options: Any = {"agent_id": "a", "origin": agent.origin, "connection_type": "webrtc"}
        async with (
            Conversation.start_session(text_only=True, **options) as one,
            Conversation.start_session(text_only=True, **options) as other,
        ):
            one.send_user_message("One.")
            other.send_user_message("Other.")
            await eventually(lambda: len(written(agent)) == 2, "both messages")
        assert one.id != other.id
        assert sorted(written(agent)) == [["One."], ["Other."]]
    async with api.LiveKitAPI(livekit.url, livekit.api_key, livekit.api_secret) as server:
        names = [room.name for room in (await server.room.list_rooms(api.ListRoomsRequest())).rooms]
    assert not {one.id, other.id} & set(names)


async def test_what_a_client_does_not_do_fails_the_script(livekit: LiveKitSettings) -> None:
    with pytest.raises(ScriptFailed, match="the client closed the connection"):
        async with (
            ScriptedAgent([Begin(), Expect(UserMessage)], livekit=livekit) as agent,
            Conversation.start_session(agent_id="a", origin=agent.origin, **devices()),
        ):
            pass


async def test_an_agent_that_vanishes_has_left_the_room(livekit: LiveKitSettings) -> None:
    async with (
        ScriptedAgent([Begin(), Expect(UserMessage), Vanish()], livekit=livekit) as agent,
        Conversation.start_session(
            agent_id="a", origin=agent.origin, connection_type="webrtc", text_only=True
        ) as conversation,
    ):
        conversation.send_user_message("Goodbye.")
        end = await asyncio.wait_for(conversation.wait_until_ended(), LIMIT_S)
    assert end == Disconnection.by_departure("the agent left (CLIENT_INITIATED)")


def spoken(event_id: int, duration_s: float) -> AudioEvent:
    return AudioEvent(audio=tone(duration_s).tobytes(), event_id=event_id)


def is_audible(samples: Samples) -> bool:
    return bool(np.abs(samples.astype(int)).max(initial=0) > LOUD)


async def test_asking_and_waiting_gives_the_answer_once_it_was_heard(
    livekit: LiveKitSettings,
) -> None:
    answer = AgentResponseEvent(agent_response="Well.", event_id=1)
    script = [Begin(), Expect(UserMessage), Say(answer), Say(spoken(1, 1.0)), Listen()]
    options = devices()
    async with (
        ScriptedAgent(script, livekit=livekit) as agent,
        Conversation.start_session(agent_id="a", origin=agent.origin, **options) as conversation,
    ):
        conversation.send_user_message("And?")
        answered = await conversation.answered(limit_s=LIMIT_S)
        assert [message.text for message in answered] == ["Well."]
        assert conversation.mode is Mode.LISTENING
        loud = np.abs(options["speaker"].heard().astype(int)) > LOUD
        assert np.count_nonzero(loud) / RATE_HZ > 0.5  # of a tone, most is loud


async def test_what_the_caller_interrupts_is_silent_at_once_and_the_next_answer_is_heard(
    livekit: LiveKitSettings,
) -> None:
    script = [
        *(Begin(), Say(spoken(1, 3.0))),
        *(Expect(UserMessage, within=LIMIT_S), Say(spoken(2, 1.0)), Listen()),
    ]
    options = devices()
    speaker = options["speaker"]
    async with (
        ScriptedAgent(script, livekit=livekit) as agent,
        Conversation.start_session(agent_id="a", origin=agent.origin, **options) as conversation,
    ):
        await eventually(lambda: is_audible(speaker.heard()), "the agent is heard")
        await conversation.interrupt()
        assert conversation.mode is Mode.LISTENING
        await asyncio.sleep(SILENT_AFTER_S)
        silent_from = len(speaker.heard())
        await asyncio.sleep(REST_S)
        assert not is_audible(speaker.heard()[silent_from:])
        conversation.send_user_message("And?")
        await eventually(lambda: is_audible(speaker.heard()[silent_from:]), "the next answer")


def written(agent: ScriptedAgent) -> list[list[str | None]]:
    """What each client has written, once it has."""
    messages = [
        [one.text for one in call.received if isinstance(one, UserMessage)] for call in agent.calls
    ]
    return [texts for texts in messages if texts]
