"""What an agent hears, thinks and speaks with, as the session of a call sees it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from livekit.agents import AgentSession, TurnHandlingOptions, llm, stt, tts, vad
from livekit.agents.types import NOT_GIVEN
from livekit.agents.voice.agent_session import SessionConnectOptions
from livekit.agents.voice.events import AgentEvent, EventTypes

from duologue.agent.speech import turns
from duologue.agent.speech.hearing.recognition import SpeechRecognizer, Transcriber
from duologue.agent.speech.hearing.voice_activity import CallVoiceActivity, Listener, ScoreReporter
from duologue.agent.speech.turns import Eagerness, connect_options


@dataclass(frozen=True)
class LanguageModelEndpoint:
    """A language model that speaks the OpenAI chat-completions protocol.

    Attributes:
        base_url: its address, without `/chat/completions`.
        model: its name there.
        api_key: sent as a bearer token; None for a server that asks for none.
        context_tokens: what it can take; None if that is its own affair.
        headers: further ones of each request.
    """

    base_url: str
    model: str
    api_key: str | None = field(default=None, repr=False)
    context_tokens: int | None = None
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)


@dataclass(frozen=True)
class CallSpeechOptions:
    """What one call wants of its speech.

    Attributes:
        endpoint: the language model; None takes the stack's own.
        model: which model of the stack's own server; without effect on the bundled one, and where
            `endpoint` names its model.
        temperature: of the language model; None leaves it to the model's server.
        max_tokens: the longest reply; None leaves it to the stack.
        extra_body: further fields of each request to the language model.
        speed: of the voice; 1.0 is its own.
        eagerness: how soon the agent takes its turn.
        on_voice_score: called on the event loop, four times a second, with the highest
            probability (0 to 1) that the user was speaking.
    """

    endpoint: LanguageModelEndpoint | None = None
    model: str | None = None
    temperature: float | None = None
    max_tokens: int | None = None
    extra_body: Mapping[str, Any] = field(default_factory=dict)
    speed: float = 1.0
    eagerness: Eagerness = Eagerness.NORMAL
    on_voice_score: Callable[[float], None] | None = None


@dataclass(frozen=True)
class SessionParts:
    """The parts of one call's session. `close` them when the call is over.

    Attributes:
        context_tokens: how much conversation the language model can take, its reply already
            taken off; None for no limit. See `duologue.agent.speech.thinking.context.fit_context`.
        reads_slowly: whether the language model had better be given the beginning of the
            conversation to read before the user speaks. See
            `duologue.agent.speech.thinking.language_model.read_ahead`.
    """

    vad: vad.VAD
    stt: stt.STT[Any]
    llm: llm.LLM[Any]
    tts: tts.TTS[Any]
    turn_handling: TurnHandlingOptions
    context_tokens: int | None = None
    reads_slowly: bool = False
    conn_options: SessionConnectOptions = field(default_factory=connect_options)

    async def close(self) -> None:
        """Close the connections that belong to this call alone."""
        await self.llm.aclose()
        await self.tts.aclose()
        await self.stt.aclose()


class SpeechStack(Protocol):
    """The models that all calls of a server share."""

    async def start(self) -> None:
        """Load every model and use it once, so that the first call is as fast as any other.

        Raises:
            ModelError: a model is missing, damaged, or does not answer.
        """
        ...

    async def close(self) -> None:
        """Free the models. Calls that still run will fail."""
        ...

    def session_parts(self, options: CallSpeechOptions) -> SessionParts:
        """Return the parts for one call. Only after `start`, and on the event loop."""
        ...


def hearing(
    transcriber: Transcriber, options: CallSpeechOptions, *, guesses: bool = True
) -> tuple[CallVoiceActivity, SpeechRecognizer]:
    """Return the voice activity detector and the recogniser of one call, wired to each other.

    Args:
        transcriber: what recognises; shared by all calls.
        options: of this call.
        guesses: whether to recognise during a pause already.
    """
    recognizer = SpeechRecognizer(transcriber, guesses=guesses)
    listeners: list[Listener] = [recognizer.hear]
    if options.on_voice_score is not None:
        listeners.append(ScoreReporter(options.on_voice_score))
    detector = CallVoiceActivity(
        min_speech_s=turns.MIN_SPEECH_S,
        min_silence_s=turns.MIN_SILENCE_S,
        activation_threshold=turns.ACTIVATION_THRESHOLD,
        deactivation_threshold=turns.DEACTIVATION_THRESHOLD,
        listeners=tuple(listeners),
    )
    return detector, recognizer


class _UnrecordedSession(AgentSession[None]):
    """An engine that does not keep its events, which are some 40 kB a turn, for as long as it runs.

    The engine keeps them for the report of a job alone, and here is no job.
    """

    def emit(self, event: EventTypes, arg: AgentEvent) -> None:
        # As the engine's own base does it.
        super(AgentSession, self).emit(event, arg)


def open_session(
    parts: SessionParts,
    *,
    text_only: bool = False,
    tools: Sequence[llm.Tool | llm.Toolset] = (),
) -> AgentSession[None]:
    """Return an engine for one call that runs on these parts and on nothing else.

    Every option whose default would reach for a service in the cloud, or that would make the
    agent deaf at the start of its own speech, is set here.

    Args:
        parts: of this call.
        text_only: leave out everything that has to do with sound.
        tools: what the model may call.
    """
    turn_handling = parts.turn_handling
    if text_only:
        turn_handling = {**turn_handling, "turn_detection": None}
    return _UnrecordedSession(
        vad=None if text_only else parts.vad,
        stt=NOT_GIVEN if text_only else parts.stt,
        llm=parts.llm,
        tts=NOT_GIVEN if text_only else parts.tts,
        tools=list(tools),
        turn_handling=turn_handling,
        conn_options=parts.conn_options,
        # Its default, 3 s, makes the agent deaf while it begins to speak.
        aec_warmup_duration=None,
        # Its default, 15 s, changes the user's state behind the protocol's own turn timeout.
        user_away_timeout=None,
    )
