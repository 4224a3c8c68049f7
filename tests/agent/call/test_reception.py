"""How calls begin, with a carrier that only remembers."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator

import pytest

from duologue.agent.call import ends
from duologue.agent.call.ends import CallRefused
from duologue.agent.call.reception import Reception
from duologue.agent.limits import CallLimits
from duologue.protocol.codec import Frame
from duologue.protocol.server_events import ConversationMetadataEvent, ErrorEvent, ServerEvent
from duologue.testing.scripted_speech import ScriptedSpeech
from tests.agent.harness import define

INITIATION = json.dumps({"type": "conversation_initiation_client_data"})


class FakeCarrier:
    def __init__(self) -> None:
        self.sent: list[ServerEvent] = []
        self.closes: list[tuple[int, str]] = []

    async def send(self, event: ServerEvent) -> None:
        self.sent.append(event)

    async def close(self, code: int, reason: str) -> None:
        self.closes.append((code, reason))


async def frames_of(*frames: Frame, silent: bool = False) -> AsyncIterator[Frame]:
    for frame in frames:
        yield frame
    if silent:
        await asyncio.Event().wait()


@pytest.mark.parametrize("first", [INITIATION, '{"type": "user_activity"}'])
async def test_a_call_begins_with_any_message_and_has_the_id_it_is_given(first: str) -> None:
    carrier = FakeCarrier()
    reception = Reception(ScriptedSpeech(), CallLimits())
    limited = define(text_only=True, conversation={"max_duration_seconds": 1})
    await reception.hold(
        carrier, frames_of(first, silent=True), limited, conversation_id="conv_given"
    )
    metadata = carrier.sent[0]
    assert isinstance(metadata, ConversationMetadataEvent)
    assert metadata.conversation_id == "conv_given"
    assert carrier.closes[0][0] == ends.NORMAL


@pytest.mark.parametrize(
    ("frames", "silent", "sentence"),
    [
        ([], True, "Nothing was received"),
        ([], False, "The client has gone"),
        (["no json"], False, "Invalid message"),
    ],
    ids=["silence", "gone", "garbage"],
)
async def test_a_call_that_does_not_begin_says_why(
    frames: list[Frame], silent: bool, sentence: str
) -> None:
    reception = Reception(ScriptedSpeech(), CallLimits(initiation_s=0.05))
    with pytest.raises(CallRefused, match=sentence):
        await reception.hold(FakeCarrier(), frames_of(*frames, silent=silent), define())


async def test_a_refused_client_is_told_before_the_close() -> None:
    carrier = FakeCarrier()
    end = ends.invalid_message("no JSON")
    await Reception(ScriptedSpeech(), CallLimits()).refuse(carrier, end)
    assert isinstance(carrier.sent[0], ErrorEvent)
    assert carrier.closes == [(end.code, end.close_reason)]
