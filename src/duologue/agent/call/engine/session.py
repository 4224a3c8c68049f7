"""One call's engine: an `AgentSession` without a room, wired to the translation.

Everything the session reports comes in here and goes on to the translation, the clock of the
turn, or the end of the call. Sound is the business of whoever gives the session its audio input
and output.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from contextlib import suppress

from livekit.agents import (
    AgentSession,
    AgentStateChangedEvent,
    APIError,
    APITimeoutError,
    CloseEvent,
    ConversationItemAddedEvent,
    ErrorEvent,
    UserInputTranscribedEvent,
    UserStateChangedEvent,
)
from livekit.agents.llm import ChatMessage
from livekit.agents.voice import SpeechHandle
from livekit.agents.voice.io import AudioInput, AudioOutput

from duologue.agent.call import ends
from duologue.agent.call.ends import CallEnd
from duologue.agent.call.engine.context_updates import ContextUpdates
from duologue.agent.call.engine.model_watch import WatchedAgent
from duologue.agent.call.engine.silence import Silence
from duologue.agent.call.engine.tools import ClientTools
from duologue.agent.call.engine.turn_timing import TurnClock
from duologue.agent.call.engine.writing import Writing
from duologue.agent.call.floor import Floor
from duologue.agent.call.opening import CallPlan
from duologue.agent.call.translation import Translation
from duologue.agent.limits import CallLimits
from duologue.agent.speech.stack import SessionParts, open_session
from duologue.agent.speech.thinking import language_model
from duologue.audio.livekit_exit import let_callbacks_return_at_exit

logger = logging.getLogger("duologue.agent.call")

INTERRUPT_LIMIT_S = 5.0
"""The engine itself gives up on what it interrupts after 5 s."""
GREETING_LIMIT_S = 5.0
"""A greeting in writing takes some milliseconds."""
CLOSE_LIMIT_S = 10.0
"""Closing waits for an interrupted reply and for the last transcript, up to 2 s."""

AFTER_SILENCE = (
    "The user has been silent for a while. Say one short sentence that invites them to go on."
)

let_callbacks_return_at_exit()


class CallSession:
    """The engine of one call.

    Args:
        plan: the agent, as this call has it.
        parts: the models, for this call alone; closed with the session.
        translation: is told what happens.
        clock: takes the times of each turn.
        floor: keeps answers from beginning while the user is busy.
        limits: how long models may take.
        ended: called with the end of the call, if the session brings it about.
    """

    def __init__(
        self,
        plan: CallPlan,
        parts: SessionParts,
        translation: Translation,
        *,
        clock: TurnClock,
        floor: Floor,
        limits: CallLimits,
        ended: Callable[[CallEnd], None],
    ) -> None:
        config = plan.definition.conversation_config
        self._text_only = config.conversation.text_only
        self._first_message = plan.first_message
        self._instructions = plan.instructions
        self._greeting: SpeechHandle | None = None
        self._reading: asyncio.Task[None] | None = None
        self._parts = parts
        self._translation = translation
        self._clock = clock
        self._ended = ended
        self._is_closing = False
        self._typed_messages: set[str] = set()
        self._context_updates = ContextUpdates()
        self.tools = ClientTools(config.agent.prompt.tools, translation)
        self._silence = Silence(
            config.turn,
            speak_again=self._speak_again,
            end_call=lambda: ended(ends.ENDED_BY_SILENCE),
        )
        self._agent = WatchedAgent(
            plan.instructions,
            context_tokens=parts.context_tokens,
            limits=limits,
            clock=clock,
            failed=ended,
            empty=self._on_empty_answer,
        )
        self._session: AgentSession[None] = open_session(
            parts, text_only=self._text_only, tools=self.tools.functions
        )
        self._session.output.transcription = Writing(translation, floor)

    async def start(self, hearing: AudioInput | None, voice: AudioOutput | None) -> None:
        """Begin the conversation; the agent speaks first if its definition says so.

        Args:
            hearing: the user's sound; None in text-only.
            voice: takes the agent's sound; None in text-only.
        """
        session = self._session
        if hearing is not None and voice is not None:
            session.input.audio = hearing
            session.output.audio = voice
        session.on("user_state_changed", self._on_user_state)
        session.on("agent_state_changed", self._on_agent_state)
        session.on("user_input_transcribed", self._on_transcribed)
        session.on("conversation_item_added", self._on_item)
        session.on("error", self._on_error)
        session.on("close", self._on_close)
        await session.start(self._agent, record=False)
        if self._first_message:
            greeting = session.say(self._first_message)
            if self._text_only:
                self._greeting = greeting
        if self._parts.reads_slowly:
            self._reading = asyncio.create_task(self._read_ahead())

    async def aclose(self) -> None:
        """End the conversation and release what belongs to it, within 10 s."""
        self._is_closing = True
        self._silence.ends()
        self.tools.cancel()
        if self._reading is not None:
            self._reading.cancel()
        try:
            async with asyncio.timeout(CLOSE_LIMIT_S):
                # Or the engine would wait for the transcript of what is being said, to no end.
                with suppress(RuntimeError):
                    self._session.clear_user_turn()
                await self._session.aclose()
        except TimeoutError:
            logger.warning("A session did not close within %.0f s", CLOSE_LIMIT_S)
        finally:
            await self._parts.close()

    async def answer(self, text: str) -> None:
        """Answer what the user wrote. What the agent is saying is interrupted first.

        Without that, the engine would answer both at once, and the second answer would know
        nothing of the first.
        """
        self._silence.user_acts()
        await self._greeted()
        await self._interrupt()
        self._clock.text_arrived()
        message = ChatMessage(role="user", content=[text])
        self._typed_messages.add(message.id)
        self._session.generate_reply(user_input=message)

    async def learn(self, text: str, context_id: str | None) -> None:
        """Take something the agent should know but not answer.

        Of such updates a limited number stays; see `ContextUpdates`.
        """
        context = self._agent.chat_ctx.copy()
        self._context_updates.add(context, text, context_id)
        await self._agent.update_chat_ctx(context)

    async def _greeted(self) -> None:
        """Wait for a greeting in writing, which would be lost if it were interrupted before."""
        greeting, self._greeting = self._greeting, None
        if greeting is not None:
            with suppress(TimeoutError):
                async with asyncio.timeout(GREETING_LIMIT_S):
                    await greeting

    async def _read_ahead(self) -> None:
        """Let the model read what it is told, and what it says first, while the user listens."""
        try:
            await language_model.read_ahead(
                self._parts.llm, self._instructions, self._first_message, self.tools.functions
            )
        except APIError as error:
            # If it does not recover, the first answer will fail, and end the call.
            logger.warning("The language model did not read its instructions: %s", error)

    async def _interrupt(self) -> None:
        cuts_text_short = self._text_only and self._translation.is_writing
        self.tools.cancel()
        with suppress(TimeoutError):
            async with asyncio.timeout(INTERRUPT_LIMIT_S):
                await self._session.interrupt(force=True)
        if cuts_text_short:
            self._translation.text_interrupted()

    def _speak_again(self) -> None:
        # People who write take their time.
        if not self._text_only and not self._is_closing:
            self._session.generate_reply(instructions=AFTER_SILENCE)

    def _on_user_state(self, event: UserStateChangedEvent) -> None:
        if event.new_state == "speaking":
            self._silence.user_acts()
        elif event.old_state == "speaking":
            self._clock.speech_ended()
        self._update_silence()

    def _on_agent_state(self, event: AgentStateChangedEvent) -> None:
        self._update_silence()

    def _update_silence(self) -> None:
        session = self._session
        if session.agent_state == session.user_state == "listening" and not self._is_closing:
            self._silence.begins()
        else:
            self._silence.ends()

    def _on_transcribed(self, event: UserInputTranscribedEvent) -> None:
        if event.is_final:
            self._clock.transcribed()
        elif event.transcript:
            self._translation.user_is_saying(event.transcript)

    def _on_item(self, event: ConversationItemAddedEvent) -> None:
        message = event.item
        if not isinstance(message, ChatMessage) or message.role != "user":
            return
        if message.id in self._typed_messages:
            self._typed_messages.discard(message.id)
            return
        self._translation.user_said(message.text_content or "")
        stopped_at = message.metrics.get("stopped_speaking_at")
        delay_s = message.metrics.get("end_of_turn_delay")
        if stopped_at is not None and delay_s is not None:
            self._clock.turn_decided(stopped_at, delay_s)

    def _on_error(self, event: ErrorEvent) -> None:
        error = event.error
        if getattr(error, "recoverable", False):
            return
        cause = getattr(error, "error", error)
        logger.error("A model failed: %s", cause)
        self._ended(end_for(getattr(error, "type", ""), cause))

    def _on_empty_answer(self) -> None:
        end = ends.empty_answer()
        logger.warning("%s", end.reason)
        error = end.error_event
        assert error is not None
        self._translation.failed(error)

    def _on_close(self, event: CloseEvent) -> None:
        if not self._is_closing and event.error is None:
            logger.error("The session closed by itself: %s", event.reason)
            self._ended(ends.INTERNAL_ERROR)


def end_for(error_type: str, cause: object) -> CallEnd:
    """How a call ends after a failure that the engine reports.

    Args:
        error_type: as the engine names it, such as `llm_error`.
        cause: what was raised.
    """
    if error_type == "llm_error":
        if isinstance(cause, APITimeoutError):
            return CallEnd(
                ends.OPERATIONAL, "The language model gave no answer in time", "llm_timeout"
            )
        return ends.llm_failed()
    if error_type == "stt_error":
        return ends.recognition_failed()
    if error_type == "tts_error":
        return ends.synthesis_failed()
    return ends.INTERNAL_ERROR
