"""The clients: people who talk all the time, and what they have heard.

A person asks, is answered, and asks again; every second question interrupts the answer. Their
microphones and speakers keep nothing, so that what grows is not theirs.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from duologue import Conversation, VoiceConversation
from duologue.audio.pacing.arrays import ArraySource
from duologue.audio.pacing.endpoint import PacedEndpoint
from duologue.audio.pacing.real_time import REAL_TIME
from duologue.audio.samples import Samples
from duologue.protocol.server_events import (
    AgentResponseEvent,
    InterruptionEvent,
    UserTranscriptEvent,
)
from tests.agent.vowels import silence, vowels

RATE_HZ = 16_000

CYCLE = np.concatenate([vowels(1.5), silence(2.5), vowels(1.0), silence(5.0)])
"""A question; a second one while it is being answered; and the time for a whole answer."""

END_LIMIT_S = 15.0


@dataclass
class Person:
    """What one person has said and heard.

    Attributes:
        questions: how many of their questions were understood.
        answers: how many answers came, the greeting included.
        interruptions: how many of them were interrupted.
    """

    questions: int = 0
    answers: int = 0
    interruptions: int = 0

    async def talk(self, url: str, beginning_at: int, until: asyncio.Event) -> None:
        """Hold a conversation until the others end theirs.

        Args:
            url: the agent's address.
            beginning_at: where in the cycle to begin, in samples.
            until: is set when it is time to end.
        """
        async with Conversation.start_session(
            agent_id="agent",
            origin=url,
            microphone=CyclingMicrophone(np.roll(CYCLE, -beginning_at)),
            speaker=ForgetfulSpeaker(),
        ) as conversation:
            listening = asyncio.create_task(self._listen(conversation))
            ended = asyncio.create_task(until.wait())
            await asyncio.wait([listening, ended], return_when=asyncio.FIRST_COMPLETED)
            if listening.done():
                ended.cancel()
                raise RuntimeError(f"a conversation has ended: {conversation.disconnection}")
        async with asyncio.timeout(END_LIMIT_S):
            await listening

    async def _listen(self, conversation: VoiceConversation) -> None:
        async for event in conversation:
            match event:
                case UserTranscriptEvent():
                    self.questions += 1
                    told = f"{self.questions} questions were asked until now"
                    conversation.send_contextual_update(told, context_id="questions")
                case AgentResponseEvent():
                    self.answers += 1
                case InterruptionEvent():
                    self.interruptions += 1


class CyclingMicrophone(ArraySource):
    """Speaks its samples over and over."""

    def __init__(self, samples: Samples) -> None:
        super().__init__(samples, RATE_HZ)

    def _next_block(self, frames: int) -> Samples:
        start = self._position % len(self._samples)
        self._position += frames
        return np.take(self._samples, range(start, start + frames), mode="wrap")


class ForgetfulSpeaker(PacedEndpoint):
    """Plays, and keeps nothing."""

    def __init__(self) -> None:
        super().__init__(RATE_HZ, REAL_TIME)

    def start(self, render: Callable[[int], memoryview]) -> None:
        """Begin to play; see `Sink.start`."""

        def play(frames: int) -> None:
            render(frames)

        self.keep_pace(play)
