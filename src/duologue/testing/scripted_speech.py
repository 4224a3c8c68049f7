"""A speech stack whose models say what a test wants, at once: only the voice activity is real."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from livekit.agents import APIConnectOptions, APIError, NotGivenOr, llm, utils
from livekit.agents.types import DEFAULT_API_CONNECT_OPTIONS, NOT_GIVEN

from duologue.agent.speech import turns
from duologue.agent.speech.speaking.synthesis import SpeechSynthesis, VoicePart
from duologue.agent.speech.stack import CallSpeechOptions, SessionParts, hearing
from duologue.errors import ModelError

SAMPLE_RATE_HZ = 22_050
TONE_HZ = 220.0
TONE_PEAK = 8_000
CHARACTER_S = 0.06
"""About the pace of speech: 16 characters a second."""

Samples = npt.NDArray[np.int16]


@dataclass(frozen=True)
class ModelBehaviour:
    """How a scripted model fares.

    Attributes:
        delay_s: how long it takes before it does anything.
        failure: what it fails with, or None for a model that works.
    """

    delay_s: float = 0.0
    failure: str | None = None

    async def act(self) -> None:
        """Take the time, then fail if that is the script.

        Raises:
            ModelError: the script says so.
        """
        if self.delay_s:
            await asyncio.sleep(self.delay_s)
        if self.failure is not None:
            raise ModelError(self.failure)


WORKS = ModelBehaviour()


class ScriptedSpeech:
    """A `SpeechStack` for tests.

    Args:
        transcripts: what the user "says" in the first, second, … utterance of each call (the
            last one is repeated), or a function of the utterance's sound, mono at 16 kHz.
        replies: what the agent answers to the first, second, … message of the user in each
            call (the last one is repeated), or a function of the whole conversation.
        voice: the sound of every piece of a reply, mono at 22,050 Hz; None gives a tone of
            220 Hz that lasts as long as the text would take to say.
        hearing: how the speech recognition fares.
        thinking: how the language model fares.
        speaking: how the speech synthesis fares.
    """

    def __init__(
        self,
        *,
        transcripts: Sequence[str] | Callable[[Samples], str] = ("Hello.",),
        replies: Sequence[str] | Callable[[llm.ChatContext], str] = ("Hello, how can I help?",),
        voice: Samples | None = None,
        hearing: ModelBehaviour = WORKS,
        thinking: ModelBehaviour = WORKS,
        speaking: ModelBehaviour = WORKS,
    ) -> None:
        self._transcripts = transcripts
        self._replies = replies
        self._voice = voice
        self._hearing = hearing
        self._thinking = thinking
        self._speaking = speaking

    async def start(self) -> None:
        """Do nothing: there is nothing to load."""

    async def close(self) -> None:
        """Do nothing: there is nothing to free."""

    def session_parts(self, options: CallSpeechOptions) -> SessionParts:
        """Return the parts for one call; of the options only the score and eagerness matter."""
        transcriber = _ScriptedTranscriber(self._transcripts, self._hearing)
        voice_activity, recognizer = hearing(transcriber, options, guesses=False)
        return SessionParts(
            vad=voice_activity,
            stt=recognizer,
            llm=_ScriptedLLM(self._replies, self._thinking),
            tts=SpeechSynthesis(_ToneSynthesizer(self._voice, self._speaking)),
            turn_handling=turns.turn_handling(options.eagerness, end_of_turn="vad"),
        )


class _ScriptedTranscriber:
    def __init__(
        self, script: Sequence[str] | Callable[[Samples], str], behaviour: ModelBehaviour
    ) -> None:
        self._script = script
        self._behaviour = behaviour
        self._utterances = 0

    async def transcribe(self, samples: Samples) -> str:
        await self._behaviour.act()
        if callable(self._script):
            return self._script(samples)
        self._utterances += 1
        return _line(self._script, self._utterances)


class _ScriptedLLM(llm.LLM[Any]):
    def __init__(
        self,
        script: Sequence[str] | Callable[[llm.ChatContext], str],
        behaviour: ModelBehaviour,
    ) -> None:
        super().__init__()
        self._script = script
        self._behaviour = behaviour

    def chat(
        self,
        *,
        chat_ctx: llm.ChatContext,
        tools: list[llm.Tool] | None = None,
        conn_options: APIConnectOptions = DEFAULT_API_CONNECT_OPTIONS,
        parallel_tool_calls: NotGivenOr[bool] = NOT_GIVEN,
        tool_choice: NotGivenOr[llm.ToolChoice] = NOT_GIVEN,
        extra_kwargs: NotGivenOr[dict[str, Any]] = NOT_GIVEN,
    ) -> llm.LLMStream:
        return _ScriptedStream(
            self, self._reply(chat_ctx), self._behaviour, chat_ctx, tools or [], conn_options
        )

    def _reply(self, chat: llm.ChatContext) -> str:
        if callable(self._script):
            return self._script(chat)
        # Counted in the conversation, not in requests: a request may be made in vain.
        messages = sum(item.type == "message" and item.role == "user" for item in chat.items)
        return _line(self._script, max(1, messages))


class _ScriptedStream(llm.LLMStream):
    def __init__(
        self,
        model: _ScriptedLLM,
        reply: str,
        behaviour: ModelBehaviour,
        chat: llm.ChatContext,
        tools: list[llm.Tool],
        conn_options: APIConnectOptions,
    ) -> None:
        super().__init__(model, chat_ctx=chat, tools=tools, conn_options=conn_options)
        self._reply = reply
        self._behaviour = behaviour

    async def _run(self) -> None:
        try:
            await self._behaviour.act()
        except ModelError as error:
            raise APIError(str(error), retryable=False) from error
        reply_id = utils.shortuuid()
        for word in self._reply.split(" "):
            delta = llm.ChoiceDelta(role="assistant", content=f"{word} ")
            self._event_ch.send_nowait(llm.ChatChunk(id=reply_id, delta=delta))
            await asyncio.sleep(0)


class _ToneSynthesizer:
    def __init__(self, voice: Samples | None, behaviour: ModelBehaviour) -> None:
        self._voice = voice
        self._behaviour = behaviour

    @property
    def sample_rate_hz(self) -> int:
        return SAMPLE_RATE_HZ

    async def synthesize(self, text: str, speed: float) -> AsyncIterator[VoicePart]:
        await self._behaviour.act()
        sound = self._sound(text)
        yield VoicePart(sound, len(sound))

    def _sound(self, text: str) -> Samples:
        if self._voice is not None:
            return self._voice
        times = np.arange(int(len(text) * CHARACTER_S * SAMPLE_RATE_HZ)) / SAMPLE_RATE_HZ
        return (TONE_PEAK * np.sin(2 * np.pi * TONE_HZ * times)).astype(np.int16)


def _line(script: Sequence[str], number: int) -> str:
    return script[min(number, len(script)) - 1]
