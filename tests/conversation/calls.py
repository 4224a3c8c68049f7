"""A spoken conversation with a scripted agent, whose devices are worked by hand."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import numpy as np

from duologue.audio.samples import Samples
from duologue.conversation import Conversation, VoiceConversation
from duologue.dialogue.values import Mode
from duologue.protocol.client_messages import UserAudioChunk
from duologue.protocol.server_events import (
    Alignment,
    AudioEvent,
    ConversationMetadataEvent,
    ServerEvent,
)
from duologue.testing.scripted_agent import ScriptedAgent, ScriptedCall
from tests.conversation.fakes import Log, ManualSink, ManualSource, eventually


def tone(duration_ms: int, amplitude: int = 12_000) -> Samples:
    times = np.arange(duration_ms * 16) / 16_000
    return (amplitude * np.sin(2 * np.pi * 440 * times)).astype(np.int16)


def sound(duration_ms: int, event_id: int, amplitude: int = 12_000) -> AudioEvent:
    return AudioEvent(audio=tone(duration_ms, amplitude).tobytes(), event_id=event_id)


def captioned(text: str, event_id: int) -> AudioEvent:
    """Sound of 100 ms for each character, with their times."""
    starts_ms = [100.0 * index for index in range(len(text))]
    return AudioEvent(
        audio=tone(100 * len(text)).tobytes(),
        event_id=event_id,
        alignment=Alignment(
            chars=list(text),
            char_start_times_ms=starts_ms,
            char_durations_ms=[100.0] * len(text),
        ),
    )


class Call:
    """A spoken conversation with both of its ends."""

    def __init__(
        self,
        conversation: VoiceConversation,
        agent: ScriptedCall,
        source: ManualSource,
        sink: ManualSink,
        log: Log,
    ) -> None:
        self.conversation = conversation
        self.agent = agent
        self.source = source
        self.sink = sink
        self.log = log

    async def hear(self, *events: ServerEvent) -> None:
        """Let the agent say something, and wait until it has arrived."""
        before = len(self.log.of("on_vad_score"))
        for event in events:
            await self.agent.send(event)
        await self.agent.send_frame('{"type":"vad_score","vad_score_event":{"vad_score":0.0}}')
        await eventually(lambda: len(self.log.of("on_vad_score")) > before)

    async def sent(self, chunks: int) -> None:
        """Wait until the agent has received so many chunks of sound."""
        await eventually(lambda: len(self.chunks) >= chunks)

    @property
    def chunks(self) -> list[bytes]:
        """The sound that the agent has received."""
        return [
            message.audio for message in self.agent.received if isinstance(message, UserAudioChunk)
        ]

    @property
    def modes(self) -> list[Mode]:
        return self.log.of("on_mode_change")


@asynccontextmanager
async def calling(
    source: ManualSource | None = None,
    sink: ManualSink | None = None,
    *,
    output_format: str = "pcm_16000",
    input_format: str = "pcm_16000",
    **options: Any,
) -> AsyncIterator[Call]:
    async def script(call: ScriptedCall) -> None:
        await call.begin(
            ConversationMetadataEvent(
                conversation_id="conv_1",
                agent_output_audio_format=output_format,
                user_input_audio_format=input_format,
            )
        )
        await call.receive_until_gone()

    source, sink, log = source or ManualSource(), sink or ManualSink(), Log()
    async with (
        ScriptedAgent(script) as agent,
        Conversation.start_session(
            agent_id="a",
            origin=agent.origin,
            connection_type="websocket",
            microphone=source,
            speaker=sink,
            **{**log.options(), **options},
        ) as conversation,
    ):
        yield Call(conversation, agent.calls[0], source, sink, log)
