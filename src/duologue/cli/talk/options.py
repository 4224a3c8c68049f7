"""What one `duologue talk` is to do, and what its three ways of talking share."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, TypedDict

import typer

from duologue.cli.talk.transcript import NoTranscript, Transcript, TranscriptFile
from duologue.conversation.options.transport import ConnectionType
from duologue.dialogue.values import Disconnection, ErrorReport
from duologue.errors import SessionConnectionError

OUTPUT_RATE_HZ: Final = 24000
"""The rate of the file for what the speaker plays: above all that speech needs."""


class AgentOptions(TypedDict, total=False):
    """Which agent to talk to, and over which transport, as options of a session."""

    agent_id: str
    signed_url: str
    origin: str
    api_key: str
    connection_type: ConnectionType
    dynamic_variables: Mapping[str, Any]
    overrides: Any


class SoundOptions(TypedDict, total=False):
    """What is done with the sound, as options of a session; what is left out is as there."""

    echo_cancellation: bool
    noise_suppression: bool
    auto_gain_control: bool
    record: Path


@dataclass(frozen=True, kw_only=True)
class TalkOptions:
    """The command's options, once it is clear which agent to talk to.

    Attributes:
        agent: the agent and the way to it, as options of a session.
        microphone, speaker: the ids of devices; None for the system's default.
        sound: what is done with the sound, the same for every way of talking aloud.
        output: where to write what the speaker plays; None to write nothing.
        transcript: where to write the messages; None to write nothing.
        wait_for_greeting: whether a recording waits until the greeting has been heard.
    """

    agent: AgentOptions = field(repr=False)  # may hold a key
    microphone: str | None = None
    speaker: str | None = None
    sound: SoundOptions = field(default_factory=SoundOptions)
    output: Path | None
    transcript: Path | None
    wait_for_greeting: bool

    def open_transcript(self) -> AbstractContextManager[Transcript]:
        """Where messages are written.

        Raises:
            DuologueError: the file cannot be written.
        """
        return TranscriptFile(self.transcript) if self.transcript else NoTranscript()


def show_error(report: ErrorReport) -> None:
    """Print what went wrong in a conversation that goes on."""
    typer.echo(f"duologue: {report}", err=True)


def raise_if_lost(disconnection: Disconnection | None) -> None:
    """Raise if a conversation ended otherwise than it should.

    Raises:
        SessionConnectionError: with the reason that the server gave.
    """
    if disconnection is None or disconnection.reason != "error":
        return
    raise SessionConnectionError(
        f"the conversation was lost: {disconnection.message}",
        close_code=disconnection.close_code,
        close_reason=disconnection.close_reason,
    )
