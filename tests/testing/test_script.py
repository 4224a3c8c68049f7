from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest

from duologue.errors import DuologueError
from duologue.protocol.client_messages import (
    ConversationInitiation,
    Pong,
    UserActivity,
    UserAudioChunk,
    UserMessage,
)
from duologue.protocol.codec import Frame, encode_server_event
from duologue.protocol.server_events import PingEvent
from duologue.testing.script import (
    Begin,
    Close,
    Expect,
    Listen,
    Say,
    ScriptFailed,
    Step,
    Vanish,
    Wait,
    play,
)
from duologue.testing.scripted_call import DEFAULT_METADATA, ScriptedCall
from duologue.testing.virtual_clock import VirtualClock
from tests.testing.recorded_client import RecordedClient

HELLO = UserMessage(text="Hello")
SOUND = UserAudioChunk(audio=b"\x01\x00")


def played(steps: Sequence[Step], client: RecordedClient) -> VirtualClock:
    """Let an agent take steps with a client, without any time passing, and tell how long."""
    clock = VirtualClock()
    clock.run(play(steps, ScriptedCall(client, {}, ())))
    return clock


def test_the_beginning_answers_the_initiation_with_metadata() -> None:
    client = RecordedClient(ConversationInitiation())
    played([Begin()], client)
    assert client.taken == [encode_server_event(DEFAULT_METADATA)]


def test_events_are_written_and_frames_are_sent_as_they_are() -> None:
    client = RecordedClient()
    played([Say(PingEvent(event_id=1)), Say("{"), Say(b"\xff")], client)
    assert client.taken == [encode_server_event(PingEvent(event_id=1)), "{", b"\xff"]


@pytest.mark.parametrize(
    "expectation",
    [
        Expect(HELLO),
        Expect(UserMessage),
        Expect(UserMessage, where=lambda message: message.text.startswith("H")),
    ],
)
def test_an_expected_message_lets_the_script_go_on(expectation: Expect) -> None:
    client = RecordedClient(SOUND, HELLO)
    played([expectation, Close(1008, "enough")], client)
    assert (client.close_code, client.close_reason) == (1008, "enough")


def test_sound_may_be_expected_too() -> None:
    loud = Expect(UserAudioChunk, where=lambda chunk: chunk.audio != b"\x00\x00")
    played([loud, Expect(HELLO)], RecordedClient(UserAudioChunk(audio=b"\x00\x00"), SOUND, HELLO))


def no_greeting(message: UserMessage) -> bool:
    return message.text == "Bye"


@pytest.mark.parametrize(
    ("expectation", "expected"),
    [
        (Expect(Pong(event_id=1)), "Pong(event_id=1)"),
        (Expect(Pong), "Pong"),
        (Expect(UserMessage, where=no_greeting), "UserMessage for which <function no_greeting at "),
    ],
)
def test_another_message_fails_the_script_and_is_named(expectation: Expect, expected: str) -> None:
    with pytest.raises(ScriptFailed) as raised:
        played([Say("a"), expectation, Say("b")], RecordedClient(HELLO))
    said = str(raised.value)
    assert said.startswith("step 2 of 3, Expect(")
    assert f"expected {expected}" in said
    assert f"but {HELLO!r} came" in said
    assert isinstance(raised.value, DuologueError)


def test_garbage_is_no_expected_message() -> None:
    class Babbler(RecordedClient):
        async def receive(self) -> Frame | None:
            return "{"

    with pytest.raises(ScriptFailed, match="but MalformedEvent"):
        played([Expect(HELLO)], Babbler())


def test_a_message_that_does_not_come_in_time_fails_the_script() -> None:
    with pytest.raises(ScriptFailed, match="it did not come within 30 s"):
        played([Expect(HELLO, within=30)], RecordedClient(SOUND))


def test_a_client_that_goes_too_early_fails_the_script() -> None:
    with pytest.raises(ScriptFailed, match="the client closed the connection"):
        played([Expect(HELLO)], RecordedClient(goes=True))


async def test_an_agent_that_is_stopped_while_it_expects_something_fails_the_script() -> None:
    playing = asyncio.ensure_future(play([Expect(HELLO)], ScriptedCall(RecordedClient(), {}, ())))
    await asyncio.sleep(0)
    playing.cancel()
    with pytest.raises(ScriptFailed, match="the agent was stopped before it came"):
        await playing


def test_what_comes_while_the_agent_waits_is_for_the_steps_after() -> None:
    clock = played(
        [Wait(60), Expect(HELLO), Expect(UserActivity)], RecordedClient(HELLO, UserActivity())
    )
    assert clock.now() == 60


def test_nobody_is_waited_for_who_has_gone() -> None:
    assert played([Wait(60), Say("x"), Listen()], RecordedClient(HELLO, goes=True)).now() == 0


def test_an_agent_may_vanish() -> None:
    client = RecordedClient()
    played([Vanish()], client)
    assert client.vanished


def test_a_function_may_mix_steps_with_its_own_doings() -> None:
    client = RecordedClient(HELLO, UserMessage(text="Bye"))
    heard: list[str | None] = []

    async def script(call: ScriptedCall) -> None:
        heard.append((await call.receive(UserMessage)).text)
        await play([Expect(UserMessage(text="Bye"))], call)

    VirtualClock().run(play(script, ScriptedCall(client, {}, ())))
    assert heard == ["Hello"]
