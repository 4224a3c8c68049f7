"""Conversations over WebRTC, through a real LiveKit server on this machine."""

from __future__ import annotations

import asyncio
import logging
import os
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from livekit import api
from livekit.rtc._ffi_client import FfiClient
from livekit.rtc._proto.room_pb2 import SimulateScenarioKind

from duologue import Conversation, SessionConnectionError, VoiceConversation
from duologue.audio.samples import Samples, samples_from_bytes
from duologue.connection.webrtc.agent_track import TAIL_MS
from duologue.connection.webrtc.connection import MAY_RETURN
from duologue.dialogue.values import ConnectionNotice, Disconnection, Mode
from duologue.protocol.client_messages import (
    ClientToolResult,
    ConversationInitiation,
    Feedback,
    UserMessage,
)
from duologue.protocol.server_events import (
    AgentResponseEvent,
    Alignment,
    AudioEvent,
    ClientToolCallEvent,
    ConversationMetadataEvent,
    InterruptionEvent,
)
from duologue.testing import Begin, Expect, Listen, MemoryMicrophone, MemorySpeaker, Say, Script
from tests.conversation.fakes import Log
from tests.real.livekit_server import LiveKit, kill, running_livekit
from tests.real.room_agent import RATE_HZ, RoomAgent
from tests.real.waiting import eventually

METADATA = ConversationMetadataEvent(
    conversation_id="conv_of_the_metadata",
    agent_output_audio_format="pcm_16000",
    user_input_audio_format="ulaw_8000",
)
LISTENS: Script = (Begin(METADATA), Listen())
CALL = ClientToolCallEvent(
    tool_name="add", tool_call_id="c1", parameters={"a": 1, "b": 2}, event_id=3
)


@pytest.fixture(scope="module")
def livekit(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveKit]:
    with running_livekit(tmp_path_factory.mktemp("livekit")) as server:
        yield server


def tone(duration_ms: int, frequency_hz: int, amplitude: int = 12_000) -> Samples:
    times = np.arange(duration_ms * RATE_HZ // 1000) / RATE_HZ
    return (amplitude * np.sin(2 * np.pi * frequency_hz * times)).astype(np.int16)


def tone_in(samples: Samples) -> float:
    """The frequency that is loudest, and so only that of a tone, in Hz; 0 in silence."""
    if not len(samples) or np.abs(samples.astype(np.int32)).max() < 1000:
        return 0.0
    spectrum = np.abs(np.fft.rfft(samples * np.hanning(len(samples))))
    return float(np.argmax(spectrum) * RATE_HZ / len(samples))


class Call:
    """A spoken conversation over WebRTC with both of its ends."""

    def __init__(
        self,
        conversation: VoiceConversation,
        agent: RoomAgent,
        microphone: MemoryMicrophone,
        speaker: MemorySpeaker,
        log: Log,
    ) -> None:
        self.conversation = conversation
        self.agent = agent
        self.microphone = microphone
        self.speaker = speaker
        self.log = log

    @property
    def heard_by_agent(self) -> Samples:
        return samples_from_bytes(memoryview(b"".join(self.agent.heard)))


@asynccontextmanager
async def calling(
    livekit: LiveKit, script: Script = LISTENS, **options: Any
) -> AsyncIterator[Call]:
    log = Log()
    microphone, speaker = MemoryMicrophone(RATE_HZ), MemorySpeaker(RATE_HZ)
    async with (
        RoomAgent(script, livekit) as agent,
        Conversation.start_session(
            microphone=microphone, speaker=speaker, **agent.options, **{**log.options(), **options}
        ) as conversation,
    ):
        yield Call(conversation, agent, microphone, speaker, log)


async def test_a_start_tells_the_rooms_id_and_everything_else_as_over_websocket(
    livekit: LiveKit,
) -> None:
    async with calling(livekit) as call:
        await eventually(lambda: call.log.of("on_conversation_metadata"), "metadata told")
        assert call.conversation.id == call.agent.conversation_id
    names = [name for name in call.log.names if name not in ("on_outgoing_event", "on_debug")]
    assert names[:6] == [
        "on_status_change",
        "on_can_send_feedback_change",
        "on_status_change",
        "on_connect",
        "on_incoming_event",
        "on_conversation_metadata",
    ]
    assert isinstance(call.log.of("on_outgoing_event")[0], ConversationInitiation)
    # What the server has said is told as it was said, though WebRTC goes by its own.
    assert call.log.of("on_conversation_metadata") == [METADATA]
    assert call.log.of("on_disconnect") == [Disconnection.by_user()]


async def test_the_users_voice_is_heard_by_the_agent_and_muting_silences_it(
    livekit: LiveKit,
) -> None:
    async with calling(livekit) as call:
        call.microphone.feed(tone(20_000, 440))
        await eventually(lambda: tone_in(call.heard_by_agent[-RATE_HZ // 2 :]), "tone heard")
        await asyncio.sleep(0.6)
        assert tone_in(call.heard_by_agent[-RATE_HZ // 2 :]) == pytest.approx(440, abs=3)
        call.conversation.set_mic_muted(True)
        await eventually(lambda: not tone_in(call.heard_by_agent[-RATE_HZ // 5 :]), "silence heard")
        before = len(call.agent.heard)
        await eventually(lambda: len(call.agent.heard) > before + 20, "silence goes on")
        call.conversation.set_mic_muted(False)
        await eventually(lambda: tone_in(call.heard_by_agent[-RATE_HZ // 2 :]), "tone heard again")
        assert call.conversation.audio_counters.chunks_dropped == 0


async def test_the_agents_voice_is_heard_and_told_and_its_silence_is_not(
    livekit: LiveKit,
) -> None:
    async with calling(livekit) as call:
        assert call.conversation.mode is Mode.LISTENING
        await call.agent.say(tone(3000, 660))
        await eventually(lambda: call.conversation.mode is Mode.SPEAKING, "the agent speaks")
        await eventually(lambda: tone_in(call.speaker.heard()[-RATE_HZ // 2 :]), "it is heard")
        await eventually(lambda: call.conversation.get_output_volume() > 0, "it is metered")
        await asyncio.sleep(0.6)
        assert tone_in(call.speaker.heard()[-RATE_HZ // 2 :]) == pytest.approx(660, abs=3)
        # The callbacks come after what they tell of.
        modes = [Mode.SPEAKING, Mode.LISTENING]
        await eventually(lambda: call.log.of("on_mode_change") == modes, "the agent is silent")
        assert call.conversation.mode is Mode.LISTENING
        pieces = call.log.of("on_audio")
        assert {(str(piece.format), piece.event_id) for piece in pieces} == {("pcm_48000", None)}
        # The tone, and the tail of silence after it; none of the silence around them.
        assert 2900 < sum(piece.duration_ms for piece in pieces) < 3000 + TAIL_MS + 200
        # Sound without an id is no response that could be rated.
        assert call.log.of("on_can_send_feedback_change") == [False]


async def test_an_interruption_is_silent_at_once_and_what_the_agent_says_next_is_heard(
    livekit: LiveKit,
) -> None:
    async with calling(livekit) as call:
        await call.agent.say(tone(5000, 660))
        await eventually(lambda: call.conversation.mode is Mode.SPEAKING, "the agent speaks")
        await call.agent.fall_silent()
        await call.agent.calls[0].send(InterruptionEvent(event_id=7))
        await eventually(lambda: call.log.of("on_interruption"), "the interruption is told")
        before = len(call.log.of("on_audio"))
        assert call.conversation.mode is Mode.LISTENING
        # The track goes on, whatever ids the messages have.
        await call.agent.say(tone(1000, 880))
        await eventually(lambda: len(call.log.of("on_audio")) > before + 10, "it speaks again")
        await eventually(lambda: tone_in(call.speaker.heard()[-RATE_HZ // 5 :]), "it is heard")
        told = b"".join(piece.pcm for piece in call.log.of("on_audio")[before:])
        assert tone_in(samples_from_bytes(memoryview(told))) == pytest.approx(880, abs=6)
        # Neither what was on its way nor the silence after it has brought the mode back.
        assert call.log.of("on_mode_change") == [Mode.SPEAKING, Mode.LISTENING, Mode.SPEAKING]
        assert call.conversation.audio_counters.late_audio_events == 0


async def test_captions_come_as_messages_and_their_sound_is_not_played_twice(
    livekit: LiveKit,
) -> None:
    alignment = Alignment(chars=["a"], char_start_times_ms=[0], char_durations_ms=[10])
    event = AudioEvent(audio=b"\1\2" * 800, event_id=1, alignment=alignment)
    async with calling(livekit, [Begin(METADATA), Say(event), Listen()]) as call:
        await eventually(lambda: call.log.of("on_audio_alignment"), "captions told")
        assert call.log.of("on_audio_alignment") == [alignment]
        assert call.log.of("on_audio") == []


async def test_tools_messages_and_ratings_go_as_over_websocket(livekit: LiveKit) -> None:
    script = [
        Begin(METADATA),
        Expect(UserMessage(text="Add them.")),
        Say(CALL),
        Expect(ClientToolResult(tool_call_id="c1", result="3", is_error=False)),
        Say(AgentResponseEvent(agent_response="Three.", event_id=4)),
        Expect(Feedback(event_id=4, score="like")),
        Listen(),
    ]
    tools = {"add": lambda a, b: a + b}
    async with calling(livekit, script, client_tools=tools) as call:
        call.conversation.send_user_message("Add them.")
        await eventually(lambda: call.conversation.can_send_feedback, "an answer")
        call.conversation.send_feedback(True)
        await eventually(
            lambda: Feedback in map(type, call.agent.calls[0].received), "the rating arrived"
        )
    assert [message.text for message in call.log.of("on_message")] == ["Three."]


async def test_what_is_written_last_still_arrives(livekit: LiveKit) -> None:
    script = [Begin(), Expect(UserMessage(text="Goodbye.")), Listen()]
    async with calling(livekit, script) as call:
        call.conversation.send_user_message("Goodbye.")
    assert call.log.of("on_disconnect")[0].reason == "user"


async def test_an_agent_that_leaves_has_ended_the_conversation(livekit: LiveKit) -> None:
    async with calling(livekit, [Begin(), Expect(UserMessage)]) as call:
        call.conversation.send_user_message("Goodbye.")
        end = await asyncio.wait_for(call.conversation.wait_until_ended(), 20)
    assert end == Disconnection.by_departure("the agent left (CLIENT_INITIATED)")


async def test_a_room_that_is_deleted_was_ended_by_the_agent(livekit: LiveKit) -> None:
    async with calling(livekit) as call:
        await call.agent.delete_room()
        end = await asyncio.wait_for(call.conversation.wait_until_ended(), 20)
    assert end == Disconnection.by_departure("the server ended the room (ROOM_DELETED)")


async def test_a_connection_made_anew_is_told_and_the_conversation_goes_on(
    livekit: LiveKit,
) -> None:
    script = [Begin(), Expect(UserMessage(text="Still there?"), within=30), Listen()]
    async with calling(livekit, script) as call:
        await eventually(lambda: len(call.agent.heard) > 20, "the agent hears something")
        await full_reconnect(call.conversation)
        await eventually(lambda: len(notices(call.log)) == 2, "both are told")
        call.conversation.send_user_message("Still there?")
        await call.agent.say(tone(1000, 660))
        await eventually(lambda: tone_in(call.speaker.heard()[-RATE_HZ // 5 :]), "it is heard")
        call.microphone.feed(tone(5000, 440))
        await eventually(lambda: tone_in(call.heard_by_agent[-RATE_HZ // 5 :]), "it hears")
        assert [notice.kind for notice in notices(call.log)] == ["reconnecting", "reconnected"]
        assert call.conversation.is_open()


async def test_an_agent_that_connects_anew_is_waited_for(livekit: LiveKit) -> None:
    script = [Begin(), Expect(UserMessage(text="Still there?"), within=30), Listen()]
    async with calling(livekit, script) as call:
        await eventually(lambda: len(call.agent.heard) > 20, "the agent hears something")
        await call.agent.room.simulate_scenario(SimulateScenarioKind.SIMULATE_FULL_RECONNECT)
        await asyncio.sleep(MAY_RETURN["CLIENT_INITIATED"] + 0.5)
        call.conversation.send_user_message("Still there?")
        await call.agent.say(tone(1000, 660))
        await eventually(lambda: tone_in(call.speaker.heard()[-RATE_HZ // 5 :]), "it is heard")
        assert call.conversation.is_open()


@pytest.mark.waits
async def test_a_server_that_dies_is_an_error_after_it_was_waited_for(tmp_path: Path) -> None:
    with running_livekit(tmp_path) as livekit:
        async with calling(livekit) as call:
            kill(livekit)
            end = await asyncio.wait_for(call.conversation.wait_until_ended(), 80)
    assert end.reason == "error"
    assert end.context == {"type": "connection_state_changed"}
    assert notices(call.log)[0].kind == "reconnecting"
    await eventually(lambda: not our_tasks(), "no task is left")


async def test_a_wrong_token_is_told_and_shown_nowhere(
    livekit: LiveKit, caplog: pytest.LogCaptureFixture
) -> None:
    token = livekit.token("room", "user_1")[:-6] + "AAAAAA"
    with (
        caplog.at_level(logging.DEBUG),
        pytest.raises(SessionConnectionError, match="refused the token") as raised,
    ):
        await Conversation.start_session(
            text_only=True, conversation_token=token, livekit_url=livekit.url
        )
    assert token[-30:] not in caplog.text
    assert token[:30] not in caplog.text
    assert token[:30] not in str(raised.value)
    assert raised.value.__cause__ is None


async def test_no_agent_in_the_room_says_what_to_try(livekit: LiveKit) -> None:
    with pytest.raises(SessionConnectionError, match=r"no agent .*connection_type='websocket'"):
        await Conversation.start_session(
            text_only=True,
            connect_timeout=1,
            conversation_token=livekit.token("empty", "user_1"),
            livekit_url=livekit.url,
        )
    await eventually_empty(livekit, "empty")


async def test_nobody_listening_says_what_to_try(livekit: LiveKit) -> None:
    with pytest.raises(SessionConnectionError, match=r"reached .*connection_type='websocket'"):
        await Conversation.start_session(
            text_only=True,
            conversation_token=livekit.token("room", "user_1"),
            livekit_url="ws://127.0.0.1:9",
        )


async def test_a_message_too_large_for_webrtc_ends_it_and_says_so(livekit: LiveKit) -> None:
    async with calling(livekit, [Begin(), Listen()]) as call:
        call.conversation.send_user_message("x" * 70_000)
        end = await asyncio.wait_for(call.conversation.wait_until_ended(), 20)
    assert end.reason == "error"
    assert "connection_type='websocket'" in (end.message or "")


async def test_where_no_udp_goes_through_tcp_does(tmp_path: Path) -> None:
    with running_livekit(tmp_path, tcp_only=True) as livekit:
        async with calling(livekit) as call:
            await call.agent.say(tone(2000, 660))
            await eventually(lambda: tone_in(call.speaker.heard()[-RATE_HZ // 5 :]), "it is heard")
            call.microphone.feed(tone(5000, 440))
            await eventually(lambda: tone_in(call.heard_by_agent[-RATE_HZ // 5 :]), "it hears")
    log = (tmp_path / "livekit.log").read_text()
    assert '"connectionType": "tcp"' in log
    assert '"connectionType": "udp"' not in log


async def test_a_room_may_be_reached_through_a_relay_only(livekit: LiveKit) -> None:
    # This server has no relay, so nothing of the agent's comes through.
    with pytest.raises(SessionConnectionError, match="connection_type='websocket'"):
        async with calling(livekit, connect_timeout=4, web_rtc={"ice_transport_policy": "relay"}):
            pass


async def test_a_loop_that_ends_while_it_joins_leaves_no_subscription(livekit: LiveKit) -> None:
    async def give_up() -> None:
        relayed = calling(livekit, connect_timeout=1, web_rtc={"ice_transport_policy": "relay"})
        with pytest.raises(SessionConnectionError):
            async with relayed:
                pass

    await asyncio.to_thread(asyncio.run, give_up())
    assert not [loop for _, loop, _ in FfiClient.instance.queue._subscribers if loop.is_closed()]


@pytest.mark.parametrize("single", [True, False])
async def test_both_directions_may_have_one_connection_or_one_each(
    livekit: LiveKit, single: bool
) -> None:
    async with calling(livekit, web_rtc={"single_peer_connection": single}) as call:
        await call.agent.say(tone(2000, 660))
        await eventually(lambda: tone_in(call.speaker.heard()[-RATE_HZ // 5 :]), "it is heard")
        call.microphone.feed(tone(5000, 440))
        await eventually(lambda: tone_in(call.heard_by_agent[-RATE_HZ // 5 :]), "it hears")


@pytest.mark.parametrize("after_ms", [0, 5, 20, 50, 100, 200])
async def test_a_start_that_is_cancelled_leaves_nobody_in_the_room(
    livekit: LiveKit, after_ms: int
) -> None:
    room = f"cancelled_{after_ms}"
    start = asyncio.ensure_future(
        Conversation.start_session(
            microphone=MemoryMicrophone(RATE_HZ),
            speaker=MemorySpeaker(RATE_HZ),
            conversation_token=livekit.token(room, "user_1"),
            livekit_url=livekit.url,
        )
    )
    await asyncio.sleep(after_ms / 1000)
    start.cancel()
    await asyncio.wait([start], timeout=20)
    assert start.cancelled()
    await eventually_empty(livekit, room)
    await eventually(lambda: not our_tasks(), "no task is left")


async def test_twenty_conversations_leave_nothing_behind(livekit: LiveKit) -> None:
    async with calling(livekit):
        pass  # the library's own threads and descriptors stay
    await eventually(lambda: not our_tasks(), "no task is left")
    descriptors = len(os.listdir("/proc/self/fd"))
    for _ in range(20):
        async with calling(livekit) as call:
            await call.agent.say(tone(40, 660))
    await eventually(lambda: not our_tasks(), "no task is left")
    await eventually(
        lambda: len(os.listdir("/proc/self/fd")) <= descriptors + 2, "no descriptor is left"
    )
    # The server is told of the last one's leaving, and takes it out a moment later.
    await eventually_empty(livekit)


def notices(log: Log) -> list[ConnectionNotice]:
    return [told for told in log.of("on_debug") if isinstance(told, ConnectionNotice)]


def our_tasks() -> set[asyncio.Task[Any]]:
    return asyncio.all_tasks() - {asyncio.current_task()}


async def full_reconnect(conversation: VoiceConversation) -> None:
    connection: Any = conversation._connection
    await connection._room.simulate_scenario(SimulateScenarioKind.SIMULATE_FULL_RECONNECT)


async def eventually_empty(livekit: LiveKit, *names: str) -> None:
    """Wait until nobody is in these rooms any more, or in any if none is named."""
    async with livekit.managed() as managed:
        give_up_at_s = time.monotonic() + 20
        while time.monotonic() < give_up_at_s:
            rooms = (await managed.room.list_rooms(api.ListRoomsRequest(names=names))).rooms
            if all(one.num_participants == 0 for one in rooms):
                return
            await asyncio.sleep(0.1)
    raise TimeoutError(f"somebody is still in one of {names or 'the rooms'}")
