"""From a caller's options to what the start of a session needs, checked as a whole."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from duologue.conversation.options.accepted import TextOptions, VoiceOptions
from duologue.conversation.options.initiation import initiation
from duologue.conversation.options.orchestrator import enclave_setup
from duologue.conversation.options.reading import (
    Options,
    contradiction,
    did_you_mean,
    flag,
    mapping,
    seconds,
)
from duologue.conversation.options.route import Route, route
from duologue.conversation.options.sound import SoundPlan, sound_plan
from duologue.dialogue.tools.registry import ClientTool, checked_tools
from duologue.protocol.client_messages import ClientMessage

DEFAULT_CONNECT_TIMEOUT_S: Final = 10.0

_EMPTY_IS_LEFT_OUT: Final = frozenset({"user_id", "environment", "livekit_url"})
"""Of these, ElevenLabs' JavaScript client takes an empty text for none."""


@dataclass(frozen=True, kw_only=True)
class SessionPlan:
    """A caller's options, checked and put in the form in which the start needs them.

    Attributes:
        opening: the messages with which the conversation begins, the initiation last.
    """

    route: Route
    opening: tuple[ClientMessage, ...]
    text_only: bool
    connection_delay_s: float
    connect_timeout_s: float
    callbacks: Mapping[str, Callable[..., object]]
    client_tools: Mapping[str, ClientTool]
    sound: SoundPlan

    @property
    def origin(self) -> str | None:
        """The server, for other requests about the conversation; see `Route.origin`."""
        return self.route.origin


def plan_session(options: Options, *, text_only: bool) -> SessionPlan:
    """Check a caller's options.

    Raises:
        TypeError: an option that does not exist, or a value of the wrong kind.
        ValueError: options that are missing, contradict one another, or are out of range.
    """
    text_only = flag({} if text_only is None else {"text_only": text_only}, "text_only", False)
    _check_names(options, text_only=text_only)
    options = {name: value for name, value in options.items() if not _is_left_out(name, value)}
    return SessionPlan(
        route=route(options, text_only=text_only),
        opening=_opening(options, text_only=text_only),
        text_only=text_only,
        connection_delay_s=seconds(options, "connection_delay", 0.0, may_be_zero=True),
        connect_timeout_s=seconds(options, "connect_timeout", DEFAULT_CONNECT_TIMEOUT_S),
        callbacks=_callbacks(options),
        client_tools=checked_tools(mapping(options, "client_tools")),
        sound=sound_plan(options),
    )


def _check_names(options: Options, *, text_only: bool) -> None:
    known = (TextOptions if text_only else VoiceOptions).__annotations__
    for name in options:
        if name in known:
            continue
        if name in VoiceOptions.__annotations__:
            raise contradiction(
                name,
                "text_only=True",
                "a conversation in writing has no sound; leave one of them out",
            )
        raise TypeError(f"start_session() has no option {name!r}{did_you_mean(name, known)}")


def _is_left_out(name: str, value: Any) -> bool:
    return value is None or (name in _EMPTY_IS_LEFT_OUT and value == "")


def _opening(options: Options, *, text_only: bool) -> tuple[ClientMessage, ...]:
    setup = enclave_setup(options)
    first = initiation(options, text_only=text_only)
    return (first,) if setup is None else (setup, first)


def _callbacks(options: Options) -> dict[str, Callable[..., object]]:
    callbacks = {name: value for name, value in options.items() if name.startswith("on_")}
    for name, callback in callbacks.items():
        if not callable(callback):
            raise TypeError(f"{name} must be a function, not {type(callback).__name__}")
    return callbacks
