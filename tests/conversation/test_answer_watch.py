from __future__ import annotations

import asyncio

from duologue.conversation.answer_watch import AnswerWatch
from duologue.testing import VirtualClock


class Answer:
    """An answer whose end a test decides on."""

    def __init__(self) -> None:
        self.over_at_ms: float | None = None
        self.watch = AnswerWatch(lambda: self.over_at_ms, self.now_ms)

    def now_ms(self) -> float:
        return asyncio.get_running_loop().time() * 1000


def test_what_is_over_is_not_waited_for() -> None:
    async def scenario() -> None:
        answer = Answer()
        answer.over_at_ms = answer.now_ms()
        await answer.watch.wait()

    VirtualClock().run(scenario())


def test_time_that_passes_ends_the_wait() -> None:
    async def scenario() -> float:
        answer = Answer()
        began_ms = answer.now_ms()
        answer.over_at_ms = began_ms + 600
        await answer.watch.wait()
        return answer.now_ms() - began_ms

    assert 600 <= VirtualClock().run(scenario()) < 700


def test_what_happens_meanwhile_puts_the_end_off_for_all_who_wait() -> None:
    async def scenario() -> float:
        answer = Answer()
        began_ms = answer.now_ms()
        answer.over_at_ms = began_ms + 600
        waiting = [asyncio.create_task(answer.watch.wait()) for _ in range(3)]
        await asyncio.sleep(0.5)
        answer.over_at_ms = None
        answer.watch.happened()
        await asyncio.sleep(1)
        assert not any(task.done() for task in waiting)
        answer.over_at_ms = answer.now_ms()
        answer.watch.happened()
        await asyncio.gather(*waiting)
        return answer.now_ms() - began_ms

    assert 1500 <= VirtualClock().run(scenario()) < 1600


def test_nothing_is_left_of_a_wait_that_is_cancelled() -> None:
    async def scenario() -> None:
        answer = Answer()
        waiting = asyncio.create_task(answer.watch.wait())
        await asyncio.sleep(0)
        waiting.cancel()
        await asyncio.wait([waiting])
        answer.watch.happened()
        assert waiting.cancelled()

    VirtualClock().run(scenario())
