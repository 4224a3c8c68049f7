"""The agent in the rooms of a real LiveKit server, with a user made of `livekit.rtc`."""

from __future__ import annotations

import asyncio

import numpy as np
import pytest

from duologue.agent.call.ids import new_conversation_id
from duologue.agent.rooms.opening import DEPARTURE_S, Rooms
from duologue.agent.settings import LiveKitSettings
from duologue.audio import Resampler
from duologue.audio.samples import Samples, silence
from duologue.testing.scripted_speech import ScriptedSpeech
from tests.agent.harness import define, serving
from tests.agent.vowels import RATE_HZ as VOWELS_RATE_HZ
from tests.agent.vowels import vowels
from tests.real.livekit_rooms import room_names, until_deleted, until_opened
from tests.real.room_user import RATE_HZ, RoomUser, ask_token, in_a_room
from tests.real.waiting import eventually, until_ended

FRAMES_A_SECOND = 50
STORY = "This is a story that goes on and on, and then it goes on. " * 8


def question() -> Samples:
    """Something that is taken for speech, and a second of silence."""
    sound = Resampler(VOWELS_RATE_HZ, RATE_HZ).push(vowels(1.5))
    return np.concatenate((sound, silence(RATE_HZ)))


async def test_the_metadata_names_the_conversation_of_the_room(livekit: LiveKitSettings) -> None:
    async with (
        serving(ScriptedSpeech(), define(), livekit=livekit) as origin,
        in_a_room(origin) as user,
    ):
        await user.initiate()
        metadata = await user.expect("conversation_initiation_metadata")
    assert user.events[0]["type"] == "conversation_initiation_metadata"
    assert metadata == {
        "conversation_id": user.conversation_id,
        "agent_output_audio_format": "pcm_48000",
        "user_input_audio_format": "pcm_48000",
    }
    assert user.conversation_id.startswith("conv_")


async def test_the_greeting_is_heard_from_its_start_and_told_with_its_characters(
    livekit: LiveKitSettings,
) -> None:
    greeting = "Good morning to you all."
    agent = define(first_message=greeting)
    async with (
        serving(ScriptedSpeech(), agent, livekit=livekit) as origin,
        in_a_room(origin) as user,
    ):
        await user.publish_microphone()
        await user.initiate()
        assert (await user.expect("agent_response"))["agent_response"] == greeting
        said_s = 0.06 * len(greeting)
        enough = 0.8 * said_s * FRAMES_A_SECOND
        await eventually(lambda: sum(user.loud_frames()) > enough, "the greeting's sound")
        await eventually(lambda: "".join(told_characters(user)) == greeting, "its characters")
        sounds = user.of("audio")
    assert {sound["audio_base_64"] for sound in sounds} == {""}


def told_characters(user: RoomUser) -> list[str]:
    return [char for sound in user.of("audio") for char in sound["alignment"]["chars"]]


async def test_a_spoken_question_is_understood_and_its_answer_heard(
    livekit: LiveKitSettings,
) -> None:
    speech = ScriptedSpeech(transcripts=["What is it?"], replies=["It is a room."])
    async with serving(speech, define(), livekit=livekit) as origin, in_a_room(origin) as user:
        await user.publish_microphone()
        await user.initiate()
        await user.expect("conversation_initiation_metadata")
        await user.speak(question())
        transcript = await user.expect("user_transcript")
        response = await user.expect("agent_response")
        await eventually(lambda: sum(user.loud_frames()) > 20, "the answer's sound")
        scores = [score["vad_score"] for score in user.of("vad_score")]
    assert transcript["user_transcript"] == "What is it?"
    assert response["agent_response"] == "It is a room."
    assert max(scores) > 0.8


async def test_a_written_question_is_answered_without_a_microphone(
    livekit: LiveKitSettings,
) -> None:
    async with (
        serving(ScriptedSpeech(replies=["Four."]), define(), livekit=livekit) as origin,
        in_a_room(origin) as user,
    ):
        await user.initiate()
        await user.send(type="user_message", text="Two and two?")
        assert (await user.expect("agent_response"))["agent_response"] == "Four."


async def test_text_only_goes_through_a_room_too(livekit: LiveKitSettings) -> None:
    agent = define(text_only=True)
    async with (
        serving(ScriptedSpeech(replies=["Four."]), agent, livekit=livekit) as origin,
        in_a_room(origin) as user,
    ):
        await user.initiate()
        await user.send(type="user_message", text="Two and two?")
        assert (await user.expect("agent_response"))["agent_response"] == "Four."
        assert user.of("audio") == []


async def test_an_interrupted_agent_falls_silent_at_once(livekit: LiveKitSettings) -> None:
    agent = define(first_message=STORY)
    async with (
        serving(ScriptedSpeech(), agent, livekit=livekit) as origin,
        in_a_room(origin) as user,
    ):
        await user.publish_microphone()
        await user.initiate()
        await eventually(lambda: sum(user.loud_frames()) > FRAMES_A_SECOND, "the story's sound")
        speaking = asyncio.create_task(user.speak(question()))
        await user.expect("interruption")
        heard = len(user.heard)
        correction = await user.expect("agent_response_correction")
        await speaking
        # Half a second was ahead of real time: without the clearing, all of it would be heard.
        after = user.loud_frames()[heard : heard + FRAMES_A_SECOND // 2]
    assert len(after) == FRAMES_A_SECOND // 2
    assert sum(after) < FRAMES_A_SECOND // 4
    assert STORY.startswith(correction["corrected_agent_response"])
    assert 0 < len(correction["corrected_agent_response"]) < len(STORY) / 2


async def test_when_the_user_leaves_the_room_goes_and_nothing_stays(
    livekit: LiveKitSettings,
) -> None:
    async with serving(ScriptedSpeech(), define(first_message=STORY), livekit=livekit) as origin:
        before = asyncio.all_tasks()
        async with in_a_room(origin) as user:
            await user.publish_microphone()
            await user.initiate()
            await user.expect("agent_response")
            name = user.conversation_id
        await until_deleted(livekit, name)
        await until_ended(before)


async def test_a_user_who_writes_and_leaves_at_once_is_noticed(livekit: LiveKitSettings) -> None:
    async with serving(ScriptedSpeech(), define(text_only=True), livekit=livekit) as origin:
        before = asyncio.all_tasks()
        async with in_a_room(origin) as user:
            await user.initiate()
            await user.expect("conversation_initiation_metadata")
            name = user.conversation_id
        # LiveKit tells nothing of such a user, and would close the room after 10 s.
        async with asyncio.timeout(DEPARTURE_S - 1):
            await until_deleted(livekit, name)
        await until_ended(before)


async def test_the_room_of_a_token_that_nobody_waits_for_goes(livekit: LiveKitSettings) -> None:
    async with serving(ScriptedSpeech(), define(), livekit=livekit) as origin:
        before = await room_names(livekit)
        asking = asyncio.create_task(ask_token(origin))
        name = await until_opened(livekit, before)
        asking.cancel()
        await until_deleted(livekit, name)


async def test_when_the_agent_hangs_up_it_leaves_before_the_room_goes(
    livekit: LiveKitSettings,
) -> None:
    agent = define(turn={"silence_end_call_timeout": 1})
    async with (
        serving(ScriptedSpeech(), agent, livekit=livekit) as origin,
        in_a_room(origin) as user,
    ):
        name = user.conversation_id
        await user.initiate()
        await eventually(lambda: user.left or user.disconnections, "the end")
        assert user.left == ["agent"]
        await until_deleted(livekit, name)


async def test_what_is_no_message_ends_the_call_with_an_error(livekit: LiveKitSettings) -> None:
    async with (
        serving(ScriptedSpeech(), define(), livekit=livekit) as origin,
        in_a_room(origin) as user,
    ):
        await user.initiate()
        await user.expect("conversation_initiation_metadata")
        await user.send(nothing="of the protocol")
        assert (await user.expect("error"))["error_type"] == "invalid_message"
        await eventually(lambda: user.left, "the agent's leaving")


async def test_a_server_that_stops_ends_its_calls(livekit: LiveKitSettings) -> None:
    async with serving(ScriptedSpeech(), define(), livekit=livekit) as origin:
        in_the_room = in_a_room(origin)
        user = await in_the_room.__aenter__()
        await user.publish_microphone()
        await user.initiate()
        await user.expect("conversation_initiation_metadata")
        name = user.conversation_id
    await eventually(lambda: user.left or user.disconnections, "the end of the call")
    await until_deleted(livekit, name)
    await in_the_room.__aexit__(None, None, None)


async def test_a_token_opens_its_own_room_alone(livekit: LiveKitSettings) -> None:
    async with (
        serving(ScriptedSpeech(), define(), livekit=livekit) as origin,
        in_a_room(origin) as first,
        in_a_room(origin) as second,
    ):
        assert first.conversation_id != second.conversation_id
        await first.initiate()
        await first.expect("conversation_initiation_metadata")
        assert second.events == []


async def test_a_caller_waits_for_a_worker_that_comes_a_little_late(
    livekit: LiveKitSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    names: list[str] = []

    def new_name() -> str:
        names.append(new_conversation_id())
        return names[-1]

    monkeypatch.setattr("duologue.agent.rooms.opening.new_conversation_id", new_name)
    async with Rooms(livekit) as rooms:
        opening = asyncio.create_task(rooms.open("late"))
        await eventually(lambda: len(names) == 2, "another room")
        async with serving(ScriptedSpeech(), define("late"), livekit=livekit):
            assert await opening in names[1:]
            await until_deleted(livekit, names[0])
            await rooms.delete(names[-1])


async def test_a_room_without_an_agent_is_refused(
    livekit: LiveKitSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("duologue.agent.rooms.opening.AGENT_LIMIT_S", 0.3)
    async with Rooms(livekit) as rooms:
        with pytest.raises(Exception, match="no agent came into the room"):
            await rooms.open("an agent that no server has")
