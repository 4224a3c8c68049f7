"""What the agent's processes are told from outside: whom they serve, what they use, where they
listen."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Self
from urllib.parse import urlsplit

from duologue.errors import ServerError

LLM_BASE_URL = "DUOLOGUE_LLM_BASE_URL"
LLM_MODEL = "DUOLOGUE_LLM_MODEL"
LLM_API_KEY = "DUOLOGUE_LLM_API_KEY"
VOICE_SEED = "DUOLOGUE_VOICE_SEED"

LIVEKIT_URL = "LIVEKIT_URL"
LIVEKIT_API_KEY = "LIVEKIT_API_KEY"
LIVEKIT_API_SECRET = "LIVEKIT_API_SECRET"
_LIVEKIT_NAMES = (LIVEKIT_URL, LIVEKIT_API_KEY, LIVEKIT_API_SECRET)

MOST_CALLS = 50
"""Calls over WebRTC at a time. One process was seen to hold as many whose models cost it nothing:
its one thread of Python is the limit."""


@dataclass(frozen=True, kw_only=True)
class AgentSettings:
    """Which agents one process has, and which language model and voice they use.

    Attributes:
        definitions_path: a YAML file of an agent, or a folder of them; None serves the agent that
            is built in.
        llm_base_url: an OpenAI-compatible server, without `/chat/completions`; None takes the
            bundled language model.
        llm_model: the model's name there.
        llm_api_key: sent to that server alone; None sends none.
        voice_seed: makes the bundled voice say a text the same way every time; None leaves it to
            chance.

    Raises:
        ServerError: a language model's server without the model's name, or the reverse; an
            address that is none.
    """

    definitions_path: Path | None = None
    llm_base_url: str | None = None
    llm_model: str | None = None
    llm_api_key: str | None = field(default=None, repr=False)
    voice_seed: int | None = None

    def __post_init__(self) -> None:
        if (self.llm_base_url is None) != (self.llm_model is None):
            raise ServerError(
                "a language model of your own needs both its server and its name: "
                f"--llm-base-url and --llm-model, or {LLM_BASE_URL} and {LLM_MODEL}"
            )
        if self.llm_base_url is not None and not _is_http_address(self.llm_base_url):
            raise ServerError(
                f"{self.llm_base_url!r} is no address of a language model's server; "
                "expected something like http://127.0.0.1:11434/v1"
            )

    def with_language_model_from(self, environment: Mapping[str, str]) -> Self:
        """These settings, with the language model of three variables where none is given.

        Only `DUOLOGUE_LLM_BASE_URL`, `DUOLOGUE_LLM_MODEL` and `DUOLOGUE_LLM_API_KEY` are read:
        the keys of other programs are no business of ours.
        """
        settings = replace(self, llm_api_key=self.llm_api_key or environment.get(LLM_API_KEY))
        if settings.llm_base_url is not None:
            return settings
        return replace(
            settings,
            llm_base_url=environment.get(LLM_BASE_URL),
            llm_model=environment.get(LLM_MODEL),
        )


@dataclass(frozen=True, kw_only=True)
class ServerSettings(AgentSettings):
    """How one server runs.

    Attributes:
        host: the address to listen on; the default is reachable from this machine alone.
        port: 0 lets the system choose one.
    """

    host: str = "127.0.0.1"
    port: int = 8080


@dataclass(frozen=True)
class LiveKitSettings:
    """The LiveKit server through which WebRTC calls come.

    Attributes:
        url: where clients and this server reach it, `ws://…` or `wss://…`.
        api_key: names the secret.
        api_secret: signs tokens; whoever has it can enter every room.

    Raises:
        ServerError: the URL is no address of a WebSocket, or the key or secret is empty.
    """

    url: str
    api_key: str = field(repr=False)
    api_secret: str = field(repr=False)

    def __post_init__(self) -> None:
        if not _is_address(self.url, "ws", "wss"):
            raise ServerError(
                f"{LIVEKIT_URL} is {self.url!r}; expected something like wss://livekit.example"
            )
        if not self.api_key or not self.api_secret:
            raise ServerError(f"{LIVEKIT_API_KEY} and {LIVEKIT_API_SECRET} cannot be empty")

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> LiveKitSettings | None:
        """The server that LiveKit's own three variables name, or None if none of them is set.

        Raises:
            ServerError: some of them are set and others not, or one of them is wrong.
        """
        missing = _missing(environment)
        if len(missing) == len(_LIVEKIT_NAMES):
            return None
        if missing:
            raise ServerError(
                f"WebRTC needs {', '.join(_LIVEKIT_NAMES)}; not set: {', '.join(missing)}. "
                "Without all three of them there is only WebSocket"
            )
        return cls(*(environment[name] for name in _LIVEKIT_NAMES))

    @classmethod
    def required_from(cls, environment: Mapping[str, str]) -> LiveKitSettings:
        """The same, where there is nothing to do without a LiveKit server.

        Raises:
            ServerError: one of the variables is not set, or wrong.
        """
        if missing := _missing(environment):
            raise ServerError(
                "workers take their calls from the LiveKit server that "
                f"{', '.join(_LIVEKIT_NAMES)} name; not set: {', '.join(missing)}"
            )
        return cls(*(environment[name] for name in _LIVEKIT_NAMES))


def _missing(environment: Mapping[str, str]) -> list[str]:
    return [name for name in _LIVEKIT_NAMES if not environment.get(name)]


def _is_http_address(text: str) -> bool:
    return _is_address(text, "http", "https")


def _is_address(text: str, *schemes: str) -> bool:
    try:
        url = urlsplit(text)
        return url.scheme in schemes and bool(url.hostname)
    except ValueError:
        return False
