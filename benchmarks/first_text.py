"""How long a written question waits for the first words of its answer.

    python -m benchmarks.first_text

asks ten questions in writing, one after another, over the real wire.
"""

from __future__ import annotations

import asyncio
import statistics

from benchmarks.conversations import QUESTIONS, agent
from benchmarks.turn_latency import DEFINITION, TURN_LIMIT_S
from duologue import Conversation, Message, TurnMetrics


async def measure(questions: tuple[str, ...] = QUESTIONS) -> list[float]:
    """Ask, print each figure, and return them in ms."""
    metrics: list[TurnMetrics] = []
    answered = asyncio.Event()

    def message(message: Message) -> None:
        if message.role == "agent":
            answered.set()

    async with (
        agent(DEFINITION) as (origin, _),
        Conversation.start_session(
            text_only=True,
            agent_id="bench",
            origin=origin,
            on_message=message,
            on_turn_metrics=metrics.append,
        ) as conversation,
    ):
        for question in (None, *questions):  # the greeting comes first
            if question is not None:
                answered.clear()
                conversation.send_user_message(question)
            async with asyncio.timeout(TURN_LIMIT_S):
                await answered.wait()
    waits_ms = [turn.first_text_ms or float("inf") for turn in metrics]
    print(" ".join(f"{wait_ms:.0f}" for wait_ms in waits_ms), "ms to the first text")
    print(
        f"{len(waits_ms)} written turns: median {statistics.median(waits_ms):.0f} ms, "
        f"worst {max(waits_ms):.0f} ms"
    )
    return waits_ms


if __name__ == "__main__":
    asyncio.run(measure())
