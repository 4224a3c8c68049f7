"""The options of a session: what a caller may ask for, checked before anything is opened."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, TypedDict

from duologue.audio.endpoints import Sink, Source
from duologue.connection.credentials import api_key_for
from duologue.connection.endpoints import (
    SOURCE,
    Region,
    chosen_origin,
    conversation_url,
    signed_conversation_url,
    version,
)
from duologue.connection.signed_urls import SignedUrlRequest
from duologue.conversation.callbacks import Callbacks
from duologue.dialogue.tools import ClientTool, checked_tools
from duologue.protocol.client_messages import ConversationInitiation, SourceInfo
from duologue.protocol.codec import encode_client_message
from duologue.protocol.server_events import McpToolCallEvent

if TYPE_CHECKING:
    from duologue.conversation.text import TextConversation
    from duologue.conversation.voice import VoiceConversation

DEFAULT_CONNECT_TIMEOUT_S: Final = 10.0
DEFAULT_INPUT_CHUNK_DURATION_MS: Final = 20


class PromptOverride(TypedDict, total=False):
    """`prompt` replaces the agent's instructions, `llm` names another language model."""

    prompt: str
    llm: str


class AgentOverride(TypedDict, total=False):
    """What the agent is told, says first, and in which language."""

    prompt: PromptOverride
    first_message: str
    language: str
    native_mcp_server_ids: list[str]


class TtsOverride(TypedDict, total=False):
    """How the agent sounds: speed 0.7 to 5, stability and similarity 0 to 1."""

    voice_id: str
    speed: float
    stability: float
    similarity_boost: float


class AsrOverride(TypedDict, total=False):
    """Words that the recogniser is to expect."""

    keywords: list[str]


class ConversationOverride(TypedDict, total=False):
    """Which events the server sends, and whether the conversation is in writing."""

    text_only: bool
    client_events: list[str]


class Overrides(TypedDict, total=False):
    """What this one conversation does differently from the agent's definition."""

    agent: AgentOverride
    tts: TtsOverride
    asr: AsrOverride
    conversation: ConversationOverride


class CommonOptions(Callbacks, total=False):
    """The options of every session, callbacks included.

    Exactly one of `agent_id` and `signed_url` (a private agent, from a back end) is needed. An
    option that is None counts as left out.

    - `api_key`: the server's key, for programs that run where a key may be: with it the signed URL
      of a private `agent_id` is fetched first. Without it `DUOLOGUE_API_KEY` is taken for the
      server in `DUOLOGUE_ORIGIN`, `ELEVENLABS_API_KEY` for ElevenLabs' own; if the server knows
      no such key or agent, the agent is then taken for a public one. No key goes over plain ws or
      http, except to this machine.
    - `origin`: the address of the server, as ws, wss, http or https; without it that in
      `DUOLOGUE_ORIGIN`, or else ElevenLabs' own. A signed URL has its server in itself.
    - `region`: ElevenLabs' server there: us, global, eu-residency, in-residency or sg-residency.
      Neither an origin nor a signed URL goes with it.
    - `environment`: the server's environment of that name.
    - `authorization`: a token for the server, sent as the subprotocol `bearer.<authorization>`.
    - `dynamic_variables`: values for the placeholders in the agent's definition.
    - `custom_llm_extra_body`: any JSON, handed on to the agent's own language model.
    - `client_tools`: functions that the agent may call, by name, or a `ClientTools`. Plain ones run
      in threads of their own, async ones in the event loop, each for at most 30 s unless its
      registry says otherwise, and none past the session's end. Parameters come as the function's
      signature asks for them; see `duologue.dialogue.tool_signature`.
    - `on_mcp_tool_approval_request`: decides whether the agent may call a tool of an MCP server:
      True approves, False denies, and whatever else it returns or raises denies, too. Unlike the
      callbacks it keeps nothing waiting: a plain function runs in a thread of its own, an async one
      in the event loop, where it is cancelled once its decision is no longer wanted, at the latest
      after the call's `approval_timeout_secs` or as the session ends. Without it, answer with
      `send_mcp_tool_approval_result`.
    - `connect_timeout`: how many seconds the server may take to accept and to answer the
      initiation; 10 by default. A device may take 10 s of its own to open.
    """

    agent_id: str
    signed_url: str
    api_key: str
    origin: str
    region: Region
    environment: str
    authorization: str
    overrides: Overrides
    dynamic_variables: Mapping[str, str | int | float | bool]
    custom_llm_extra_body: Any
    user_id: str
    client_tools: Mapping[str, Callable[..., object] | ClientTool]
    on_mcp_tool_approval_request: Callable[[McpToolCallEvent], bool | Awaitable[bool]]
    connect_timeout: float


class TextOptions(CommonOptions, total=False):
    """The options of a conversation in writing.

    - `on_conversation_created`: gets the conversation, before any other callback that it causes.
    """

    on_conversation_created: Callable[[TextConversation], object]


class VoiceOptions(CommonOptions, total=False):
    """The options of a spoken conversation.

    - `microphone`, `speaker`: any source and sink of samples (see `duologue.audio.endpoints`); by
      default the system's devices.
    - `input_chunk_duration_ms`: how much sound goes into one message, 5 to 1000; 20 by default.
    - `on_conversation_created`: gets the conversation, before any other callback that it causes.
    """

    on_conversation_created: Callable[[VoiceConversation], object]
    microphone: Source
    speaker: Sink
    input_chunk_duration_ms: int


@dataclass(frozen=True, kw_only=True)
class SessionPlan:
    """A caller's options, checked and put in the form in which the start needs them.

    With a `signed_url_request`, the conversation is at the URL that this gives; `url` is then that
    of the agent as a public one.
    """

    url: str = field(repr=False)  # may hold a signature
    signed_url_request: SignedUrlRequest | None
    authorization: str | None = field(repr=False)
    initiation: ConversationInitiation
    text_only: bool
    connect_timeout_s: float
    callbacks: Mapping[str, Callable[..., object]]
    client_tools: Mapping[str, ClientTool]
    microphone: Source | None
    speaker: Sink | None
    input_chunk_duration_ms: int


def plan_session(options: Mapping[str, Any], *, text_only: bool) -> SessionPlan:
    """Check a caller's options.

    Raises:
        TypeError: an option that does not exist, or a value of the wrong kind.
        ValueError: options that are missing, contradict one another, or are out of range.
    """
    _check_names(options, text_only=text_only)
    options = {name: value for name, value in options.items() if value is not None}
    _check_overrides(options, text_only=text_only)
    return SessionPlan(
        url=_url(options),
        signed_url_request=_signed_url_request(options),
        authorization=_authorization(options),
        initiation=_initiation(options, text_only=text_only),
        text_only=text_only,
        connect_timeout_s=_positive(options, "connect_timeout", DEFAULT_CONNECT_TIMEOUT_S),
        callbacks=_callbacks(options),
        client_tools=checked_tools(_mapping(options, "client_tools")),
        microphone=_endpoint(options, "microphone"),
        speaker=_endpoint(options, "speaker"),
        input_chunk_duration_ms=_chunk_duration_ms(options),
    )


def _check_names(options: Mapping[str, Any], *, text_only: bool) -> None:
    known = (TextOptions if text_only else VoiceOptions).__annotations__
    for name in options:
        if name in known:
            continue
        if name in VoiceOptions.__annotations__:
            raise ValueError(
                f"{name} and text_only=True contradict each other: "
                "a conversation in writing has no sound; leave one of them out"
            )
        raise TypeError(f"start_session() has no option {name!r}")


def _check_overrides(options: Mapping[str, Any], *, text_only: bool) -> None:
    overrides = _mapping(options, "overrides")
    for section, value in overrides.items():
        if section not in Overrides.__annotations__:
            raise ValueError(
                f"overrides has no section {section!r}; "
                f"expected some of {', '.join(Overrides.__annotations__)}"
            )
        if not isinstance(value, Mapping):
            raise TypeError(f"overrides[{section!r}] must be a mapping, not {type(value).__name__}")
    override = overrides.get("conversation", {}).get("text_only")
    if override is not None and bool(override) != text_only:
        raise ValueError(
            f"text_only={text_only} and overrides['conversation']['text_only']={override!r} "
            "contradict each other; set `text_only` alone"
        )


def _url(options: Mapping[str, Any]) -> str:
    agent_id, signed_url = options.get("agent_id"), options.get("signed_url")
    if agent_id is not None and signed_url is not None:
        raise ValueError(
            "agent_id and signed_url contradict each other: a signed URL names its agent already; "
            "pass agent_id for a public agent, signed_url for a private one"
        )
    if signed_url is not None and "region" in options:
        raise ValueError(
            "region and signed_url contradict each other: a signed URL has its server in itself; "
            "leave the region out here, and get the URL from that region"
        )
    if signed_url is not None:
        return signed_conversation_url(_text(options, "signed_url"), **_environment(options))
    if agent_id is None:
        raise ValueError("either agent_id (a public agent) or signed_url (a private one) is needed")
    return conversation_url(_origin(options), _text(options, "agent_id"), **_environment(options))


def _origin(options: Mapping[str, Any]) -> str:
    return chosen_origin(
        _text(options, "origin") if "origin" in options else None,
        _text(options, "region") if "region" in options else None,
    )


def _signed_url_request(options: Mapping[str, Any]) -> SignedUrlRequest | None:
    given = _text(options, "api_key") if "api_key" in options else None
    if "signed_url" in options:
        if given is not None:
            raise ValueError(
                "api_key and signed_url contradict each other: a signed URL needs no key; "
                "pass agent_id with the key, or signed_url alone"
            )
        return None
    origin = _origin(options)
    key = api_key_for(origin, given)
    if key is None:
        return None
    return SignedUrlRequest(
        origin=origin, agent_id=_text(options, "agent_id"), key=key, **_environment(options)
    )


def _environment(options: Mapping[str, Any]) -> dict[str, str]:
    return {"environment": _text(options, "environment")} if "environment" in options else {}


def _authorization(options: Mapping[str, Any]) -> str | None:
    if "authorization" not in options:
        return None
    value = _text(options, "authorization")
    if any(character in ' ,;"' or not "!" <= character <= "~" for character in value):
        # The value is a secret, so the message leaves it out.
        raise ValueError(
            "authorization cannot be sent, because it has spaces, commas, quotes, line breaks or "
            "characters beyond ASCII; pass the bare token, without 'Bearer' before it"
        )
    return value


def _endpoint(options: Mapping[str, Any], name: str) -> Any:
    value = options.get(name)
    if value is not None and not all(
        hasattr(value, attribute) for attribute in ("sample_rate_hz", "start", "stop")
    ):
        raise TypeError(
            f"{name} must have `sample_rate_hz`, `start` and `stop`, as {type(value).__name__} "
            "has not; see `duologue.audio` for ready ones"
        )
    return value


def _mapping(options: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    value = options.get(name, {})
    if not isinstance(value, Mapping):
        raise TypeError(f"{name} must be a mapping, not {type(value).__name__}")
    return value


def _text(options: Mapping[str, Any], name: str) -> str:
    value = options[name]
    if not isinstance(value, str):
        raise TypeError(f"{name} must be a string, not {type(value).__name__}")
    if not value.strip():
        raise ValueError(f"{name} is empty")
    return value


def _initiation(options: Mapping[str, Any], *, text_only: bool) -> ConversationInitiation:
    overrides = dict(_mapping(options, "overrides"))
    if text_only:
        overrides["conversation"] = {**overrides.get("conversation", {}), "text_only": True}
    variables = _mapping(options, "dynamic_variables")
    initiation = ConversationInitiation(
        conversation_config_override={
            name: dict(value) for name, value in overrides.items() if value
        }
        or None,
        custom_llm_extra_body=options.get("custom_llm_extra_body"),
        dynamic_variables=dict(variables) if "dynamic_variables" in options else None,
        user_id=_text(options, "user_id") if "user_id" in options else None,
        source_info=SourceInfo(source=SOURCE, version=version()),
    )
    try:
        encode_client_message(initiation)
    except (TypeError, ValueError, RecursionError) as error:
        raise (TypeError if isinstance(error, TypeError) else ValueError)(
            "overrides, dynamic_variables and custom_llm_extra_body must be JSON, "
            f"but something in them is not: {error}"
        ) from None
    return initiation


def _positive(options: Mapping[str, Any], name: str, default: float) -> float:
    value = options.get(name, default)
    if not isinstance(value, int | float) or isinstance(value, bool):
        raise TypeError(f"{name} must be a number of seconds, not {type(value).__name__}")
    if not 0 < value < float("inf"):
        raise ValueError(f"{name} must be a positive number of seconds, not {value}")
    return float(value)


def _chunk_duration_ms(options: Mapping[str, Any]) -> int:
    value = options.get("input_chunk_duration_ms", DEFAULT_INPUT_CHUNK_DURATION_MS)
    if not isinstance(value, int) or isinstance(value, bool):
        raise TypeError(
            "input_chunk_duration_ms must be a whole number of milliseconds, "
            f"not {type(value).__name__}"
        )
    if not 5 <= value <= 1000:
        raise ValueError(f"input_chunk_duration_ms must be from 5 to 1000, not {value}")
    return value


def _callbacks(options: Mapping[str, Any]) -> dict[str, Callable[..., object]]:
    callbacks = {name: value for name, value in options.items() if name.startswith("on_")}
    for name, callback in callbacks.items():
        if not callable(callback):
            raise TypeError(f"{name} must be a function, not {type(callback).__name__}")
    return callbacks
