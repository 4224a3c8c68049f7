"""A scenario: what happens in a conversation, and what is to follow from it, all of it data.

Nothing here knows how a scenario is performed: by the rules alone, or by a client over a socket, in
memory or in a room. Only what differs in a room is told apart: there the agent's sound comes on a
track, so it has no event ids, and `on_audio` is told of frames whose number nobody can foresee.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, TypeAlias

from duologue.dialogue.values import AgentAudio, Disconnection
from duologue.protocol.client_messages import ClientMessage
from duologue.protocol.codec import Frame
from duologue.protocol.formats import AUDIO_FORMATS
from duologue.protocol.server_events import AudioEvent, ServerEvent

PCM = AUDIO_FORMATS["pcm_16000"]
PIECE_FRAMES = 1600
"""Every piece of the agent's sound has 100 ms."""

Reported: TypeAlias = tuple[Any, ...]
"""The name of a callback, and what it is called with."""


@dataclass(frozen=True)
class PlayedOut:
    """All that was queued has been played: pieces of these levels were heard.

    Attributes:
        levels: of each piece, in order.
        in_a_room: what is heard in a room, if that differs.
    """

    levels: tuple[int, ...]
    in_a_room: tuple[int, ...] | None = None


@dataclass(frozen=True)
class Writes:
    """The user writes something."""

    text: str


@dataclass(frozen=True)
class Rates:
    """The user rates a response; `refused` if that cannot be done now."""

    like: bool | None
    event_id: int | None = None
    refused: bool = False


@dataclass(frozen=True)
class Answers:
    """The program answers by itself a call of a tool that it has not offered."""

    tool_call_id: str
    result: object


@dataclass(frozen=True)
class Closes:
    """The server closes the connection with the code of a regular end; in a room it leaves."""


@dataclass(frozen=True)
class Moment:
    """Something happens: an event or frame of the server's, or something on this side.

    Attributes:
        happening: what it is.
        reports: what the caller is told, in order.
        sends: what the server is sent, in order.
        room_reports: what the caller is told in a room, if that differs in more than `on_audio`.
    """

    happening: ServerEvent | Frame | PlayedOut | Writes | Rates | Answers | Closes
    reports: tuple[Reported, ...] = ()
    sends: tuple[ClientMessage, ...] = ()
    room_reports: tuple[Reported, ...] | None = None

    @property
    def in_a_room(self) -> Moment:
        """The same, as it is in a room."""
        happening, reports = self.happening, self.room_reports
        if isinstance(happening, PlayedOut) and happening.in_a_room is not None:
            happening = PlayedOut(happening.in_a_room)
        if reports is None:
            reports = tuple(report for report in self.reports if report[0] != "on_audio")
        return replace(self, happening=happening, reports=reports)


@dataclass(frozen=True, kw_only=True)
class Scenario:
    """One conversation, from its metadata on.

    Attributes:
        moments: what happens, in order.
        end: how it ends after the last moment; None if it goes on.
        end_in_a_room: how it ends in a room, if that differs.
        text_only: whether it is a written one.
        tools: the client's tools.
        answers_unknown_tools: whether calls of other tools are reported.
    """

    moments: tuple[Moment, ...]
    end: Disconnection | None = None
    end_in_a_room: Disconnection | None = None
    text_only: bool = False
    tools: Mapping[str, Callable[..., object]] = field(default_factory=dict)
    answers_unknown_tools: bool = False

    @property
    def in_a_room(self) -> Scenario:
        """The same, as it is in a room."""
        moments = tuple(moment.in_a_room for moment in self.moments)
        return replace(self, moments=moments, end=self.end_in_a_room or self.end)

    @property
    def expected(self) -> Outcome:
        """What comes of it."""
        return Outcome(
            reports=[report for moment in self.moments for report in moment.reports],
            sends=[message for moment in self.moments for message in moment.sends],
            heard=[
                moment.happening.levels
                for moment in self.moments
                if isinstance(moment.happening, PlayedOut)
            ],
            end=self.end,
        )


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What has come of a scenario.

    Attributes:
        reports: what the caller was told by the rules, in order.
        sends: what the server was sent, in order, sound and initiation apart.
        heard: the levels of the pieces that were heard, at each `PlayedOut`.
        end: how the conversation ended; None if it goes on.
    """

    reports: list[Reported]
    sends: list[ClientMessage]
    heard: list[tuple[int, ...]]
    end: Disconnection | None


def level_of(event_id: int) -> int:
    """How loud the sound of an event is, so that it can be known again."""
    return 1000 * event_id


def sound(event_id: int) -> AudioEvent:
    """A piece of the agent's sound."""
    return AudioEvent(audio=_pcm(event_id), event_id=event_id)


def agent_audio(event_id: int) -> AgentAudio:
    """What `on_audio` is told of that piece."""
    return AgentAudio(pcm=_pcm(event_id), format=PCM, event_id=event_id)


def _pcm(event_id: int) -> bytes:
    return array("h", [level_of(event_id)] * PIECE_FRAMES).tobytes()
