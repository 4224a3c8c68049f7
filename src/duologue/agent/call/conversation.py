"""One conversation from its metadata to its close, whatever carries it.

A call is a handful of tasks: one takes the client's frames, one answers its messages, one sends,
one pings. The first of them that ends, or a model that fails, ends the call; then the client is
told why and everything is released. No task outlives its call.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Coroutine
from typing import Any

from duologue.agent.call import ends
from duologue.agent.call.carrier import Carrier, Outbox, Tracks
from duologue.agent.call.ends import CallEnd
from duologue.agent.call.engine.session import CallSession
from duologue.agent.call.engine.turn_timing import TurnClock
from duologue.agent.call.floor import Floor
from duologue.agent.call.ids import new_event_ids
from duologue.agent.call.inbox import Inbox
from duologue.agent.call.opening import CallPlan
from duologue.agent.call.round_trip import RoundTrip
from duologue.agent.call.sound.hearing import Hearing
from duologue.agent.call.sound.playback import PacedPlayback, VoiceListener
from duologue.agent.call.translation import Translation
from duologue.agent.limits import CallLimits
from duologue.agent.speech.stack import (
    CallSpeechOptions,
    LanguageModelEndpoint,
    SessionParts,
    SpeechStack,
)
from duologue.agent.speech.thinking.tokens import (
    INSTRUCTIONS_SHARE,
    estimated_tokens,
    instructions_fit,
)
from duologue.agent.speech.turns import Eagerness
from duologue.protocol.codec import Frame
from duologue.protocol.formats import AudioFormat

logger = logging.getLogger("duologue.agent.call")


class Call:
    """One conversation with sound (or only text) over one carrier.

    Args:
        plan: the agent, as this call has it.
        speech: the models that all calls share.
        carrier: takes the events.
        limits: the bounds of the call.
        conversation_id: its name.
        tracks: carries the sound; None sends it with the events.
    """

    def __init__(
        self,
        plan: CallPlan,
        speech: SpeechStack,
        carrier: Carrier,
        limits: CallLimits,
        *,
        conversation_id: str,
        tracks: Tracks | None = None,
    ) -> None:
        config = plan.definition.conversation_config
        self.conversation_id = conversation_id
        self._tracks = tracks
        self._config = config
        self._carrier = carrier
        self._limits = limits
        self._end: asyncio.Future[CallEnd] = asyncio.get_running_loop().create_future()
        self._next_event_id = new_event_ids()
        self._outbox = Outbox(carrier, limits)
        self._round_trip = RoundTrip()
        self._floor = Floor(limits.hold_s, time.monotonic)
        clock = TurnClock(self.conversation_id)
        self._translation = Translation(
            self._outbox.put,
            self._next_event_id,
            config.conversation.client_events,
            text_only=config.conversation.text_only,
            first_sent=clock.first_sent,
        )
        parts = speech.session_parts(_speech_options(plan, self._translation))
        self._refusal = _refusal(plan, parts)
        self._session = CallSession(
            plan,
            parts,
            self._translation,
            clock=clock,
            floor=self._floor,
            limits=limits,
            ended=self._end_with,
        )
        self._hearing: Hearing | None = None
        if not config.conversation.text_only:
            heard = tracks.HEARING_FORMAT if tracks else config.asr.user_input_audio_format
            self._hearing = Hearing(AudioFormat.parse(heard))
        self._inbox = Inbox(
            self._session, self._hearing, self._round_trip, self._floor, self._translation, limits
        )

    async def hold(self, frames: AsyncIterator[Frame]) -> CallEnd:
        """Hold the conversation until it ends; return why it did. The carrier is closed then.

        Cancelling ends the conversation, too, and releases everything.

        Args:
            frames: what the client sends; they end when the client goes.
        """
        end = ends.INTERNAL_ERROR
        try:
            end = await self._converse(frames)
        except asyncio.CancelledError:
            end = ends.SERVER_STOPS
            raise
        except Exception:
            logger.exception("%s: the call failed", self.conversation_id)
        finally:
            await self._close(end)
        return end

    def stop(self) -> None:
        """End the conversation, because the server is being stopped. `hold` returns soon after."""
        self._end_with(ends.SERVER_STOPS)

    async def _converse(self, frames: AsyncIterator[Frame]) -> CallEnd:
        if self._refusal is not None:
            return self._refusal
        config = self._config
        self._translation.began(
            self.conversation_id,
            config.tts.agent_output_audio_format,
            config.asr.user_input_audio_format,
        )
        if self._tracks is not None and self._hearing is not None:
            await self._tracks.open(self._hearing)
        await self._session.start(self._hearing, self._voice())
        return await _first_to_end(
            self._outbox.deliver(),
            self._inbox.receive(frames),
            self._inbox.answer(),
            self._ping(),
            self._last(config.conversation.max_duration_seconds),
            self._ended(),
        )

    async def _close(self, end: CallEnd) -> None:
        """Tell the client first: releasing takes longer."""
        logger.info("%s: %s", self.conversation_id, end.reason)
        try:
            if end not in ends.UNREACHABLE:
                await self._tell(end)
        finally:
            if self._hearing is not None:
                self._hearing.close()
            await self._session.aclose()

    async def _tell(self, end: CallEnd) -> None:
        if end.error_event is not None:
            self._translation.failed(end.error_event)
        self._outbox.shut()
        try:
            async with asyncio.timeout(self._limits.close_s):
                await self._outbox.flush()
                await self._carrier.close(end.code, end.close_reason)
        except (ConnectionError, TimeoutError):
            logger.info("%s: the client could not be told", self.conversation_id)

    def _voice(self) -> PacedPlayback | None:
        if self._hearing is None:
            return None
        listener: VoiceListener = self._translation
        if self._tracks is not None:
            listener = self._tracks.voice(listener)
        return PacedPlayback(
            AudioFormat.parse(self._config.tts.agent_output_audio_format),
            listener,
            self._floor,
            delay_ms=lambda: self._round_trip.one_way_ms,
        )

    def _end_with(self, end: CallEnd) -> None:
        if not self._end.done():
            self._end.set_result(end)

    async def _ended(self) -> CallEnd:
        return await self._end

    async def _last(self, limit_s: float) -> CallEnd:
        await asyncio.sleep(limit_s)
        return ends.max_duration_exceeded(limit_s)

    async def _ping(self) -> CallEnd:
        await asyncio.sleep(self._limits.first_ping_s)
        while True:
            now_ms = time.monotonic() * 1000
            self._translation.ping(self._round_trip.ping(self._next_event_id(), now_ms))
            await asyncio.sleep(self._limits.ping_s)


async def _first_to_end(*parts: Coroutine[Any, Any, CallEnd]) -> CallEnd:
    """Run all; return the first result, or raise the first error. The others are cancelled."""
    tasks = [asyncio.create_task(part) for part in parts]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        return next(task for task in tasks if task in done).result()
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def _refusal(plan: CallPlan, parts: SessionParts) -> CallEnd | None:
    """The end of a call whose client has made the prompt too long; None if it fits.

    That of a file is checked at the start.
    """
    budget_tokens = parts.context_tokens
    if budget_tokens is None or not plan.is_prompt_of_client:
        return None
    if instructions_fit(plan.instructions, budget_tokens):
        return None
    tokens = estimated_tokens(plan.instructions)
    return ends.prompt_too_long(tokens, int(budget_tokens * INSTRUCTIONS_SHARE))


def _speech_options(plan: CallPlan, translation: Translation) -> CallSpeechOptions:
    config = plan.definition.conversation_config
    prompt = config.agent.prompt
    custom = prompt.custom_llm
    endpoint = None
    if custom is not None:
        endpoint = LanguageModelEndpoint(
            base_url=custom.url,
            model=custom.model_id,
            api_key=custom.api_key.get_secret_value() if custom.api_key else None,
            headers=plan.llm_headers,
        )
    extra_body = {}
    if custom is not None and plan.llm_extra_body is not None:
        # The name under which ElevenLabs hands it on.
        extra_body["elevenlabs_extra_body"] = plan.llm_extra_body
    return CallSpeechOptions(
        endpoint=endpoint,
        model=prompt.llm,
        temperature=prompt.temperature,
        max_tokens=prompt.max_tokens if prompt.max_tokens > 0 else None,
        extra_body=extra_body,
        speed=config.tts.speed,
        eagerness=Eagerness(config.turn.turn_eagerness),
        on_voice_score=translation.voice_score,
    )
