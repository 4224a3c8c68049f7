"""Whether an agent that is heard by the user's microphone takes its own voice for the user's.

    python -m benchmarks.self_hearing

holds a conversation of ten turns on virtual devices, in a room in which the speaker is heard by
the microphone at -6 dB, after 60 ms; then another one there without echo cancellation. It prints
the echo as measured, every turn, and how often the agent interrupted or transcribed itself.
"""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import zip_longest
from pathlib import Path

from benchmarks.conversations import agent
from benchmarks.turn_latency import DEFINITION, quiet
from duologue import Conversation, Message, VoiceConversation
from tests.real.acoustics import Room, echoing_room
from tests.real.listening import RATE_HZ
from tests.real.speech import SpokenSentences
from tests.real.understanding import is_like

QUESTIONS = (
    "What is the capital of France?",
    "What color is the sky?",
    "What is the name of the largest ocean?",
    "Which planet do we live on?",
    "Where does the sun rise in the morning?",
    "What is the best food for a cat?",
    "Who wrote the play Hamlet?",
    "What can I see in London?",
    "Can you tell me a story about a king?",
)
"""The recogniser understands them in the voice that asks, so that what it writes otherwise is of
the agent's voice."""
TURNS = 10


@dataclass
class Held:
    """What happened in a conversation.

    Attributes:
        asked: the questions, in order.
        heard: the transcripts of what the agent took for the user's speech.
        answers: what the agent said, its greeting included.
        interruptions: how often the agent stopped because it took something for the user's speech.
            The user never speaks while the agent does.
        heard_itself: set once the agent has taken its own voice for the user's.
        stalls: how often a device was called late, because the machine was busy: that shifts the
            echo, and the canceller has to find it again.
    """

    asked: list[str] = field(default_factory=list)
    heard: list[str] = field(default_factory=list)
    answers: list[str] = field(default_factory=list)
    interruptions: int = 0
    heard_itself: asyncio.Event = field(default_factory=asyncio.Event)
    stalls: int = 0

    def note(self, message: Message) -> None:
        """Take what either side said."""
        if message.role == "agent":
            self.answers.append(message.text)
            return
        self.heard.append(message.text)
        if len(self.heard) > len(self.asked) or not is_like(self.asked[-1], message.text):
            self.heard_itself.set()

    def interrupted(self) -> None:
        """Take an interruption."""
        self.interruptions += 1
        self.heard_itself.set()


async def hold(
    room: Room,
    spoken: SpokenSentences,
    questions: Sequence[str],
    *,
    origin: str,
    agent_id: str,
    echo_cancellation: bool = True,
) -> Held:
    """Ask questions in a room, each when the agent is silent, until it hears itself."""
    held = Held()
    async with Conversation.start_session(
        agent_id=agent_id,
        origin=origin,
        echo_cancellation=echo_cancellation,
        on_message=held.note,
        on_interruption=lambda event: held.interrupted(),
    ) as conversation:
        await _until_quiet(conversation, held)
        for question in questions:
            if held.heard_itself.is_set():
                break
            held.asked.append(question)
            with room.saying(spoken(question, RATE_HZ)):
                await _until_quiet(conversation, held)
        counters = conversation.audio_counters
        held.stalls = counters.late_captures + counters.late_renders
    return held


async def _until_quiet(conversation: VoiceConversation, held: Held) -> None:
    """Wait until the agent has spoken, or heard itself."""
    waits = [
        asyncio.create_task(quiet(conversation)),
        asyncio.create_task(held.heard_itself.wait()),
    ]
    try:
        done, _ = await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        for wait in done:
            wait.result()
    finally:
        for wait in waits:
            wait.cancel()


async def measure(turns: int = TURNS) -> Held:
    """Hold both conversations, print what happened, and return the one with echo cancellation."""
    questions = [QUESTIONS[turn % len(QUESTIONS)] for turn in range(turns)]
    with tempfile.TemporaryDirectory() as folder, echoing_room(Path(folder)) as room:
        echo = room.measure_echo()
        print(f"the echo: {echo.level_db:.1f} dB, after {echo.delay_ms:.0f} ms")
        spoken = SpokenSentences(Path(folder))
        async with agent(DEFINITION) as (origin, _):
            held = {
                echo_cancellation: await hold(
                    room,
                    spoken,
                    questions,
                    origin=origin,
                    agent_id="bench",
                    echo_cancellation=echo_cancellation,
                )
                for echo_cancellation in (True, False)
            }
    for echo_cancellation, conversation in held.items():
        print(f"\n{'with' if echo_cancellation else 'without'} echo cancellation:")
        print_held(conversation)
    return held[True]


def print_held(held: Held) -> None:
    """Print what was asked, heard and answered."""
    print(f"agent: {held.answers[0] if held.answers else ''}")
    rest = zip_longest(held.asked, held.heard, held.answers[1:], fillvalue="")
    for asked, heard, answer in rest:
        print(f"asked: {asked}\n  heard: {heard}\n  agent: {answer}")
    print(f"devices were called late {held.stalls} times")
    print(
        f"{len(held.asked)} turns: {held.interruptions} interruptions by its own voice, "
        f"{'its own words were' if held.heard_itself.is_set() else 'nothing of its own was'} heard"
    )


if __name__ == "__main__":
    asyncio.run(measure())
