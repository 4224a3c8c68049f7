"""Two hundred spoken conversations in one process: does anything grow, does one hold up others?

    python -m soak many [--calls 200] [--seconds 120] [--warm-up SECONDS]

Half of the conversations run in the main thread's event loop, half in the loop of another thread,
each half with a server of its own in another process that sends to all of them all the time. Every
second the oldest of each half ends and another one begins. In the main loop one conversation has a
callback that blocks for a second, every ten seconds; what that loop promises to the others is that
nothing is lost, and to the other loop that it goes on as if nothing had happened.

Printed: what the process uses, every ten seconds, and how late the users' sound came in each half.
Exits with 1 if anything has grown after the warm-up, if sound was lost, if the half that is held up
was late by more than it was held up for, or if the other half was held up at all.
"""

from __future__ import annotations

import argparse
import asyncio
import logging
import os
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np

from benchmarks.client_cost.load import CHUNK_MS, RATE_HZ, speech
from benchmarks.client_cost.serving import load_server
from duologue import AudioCounters, Conversation, VoiceConversation
from duologue.audio import ArraySource, TimedSpeaker
from duologue.audio.samples import Samples
from duologue.dialogue.values import AgentAudio
from duologue.event_loop import new_event_loop
from soak.conversations import PRINTED_EACH, WARM_UP_S
from soak.figures import HEADER, Figures, growth

USER_SPEAKS_S: Final = 600.0
"""All users speak the same array, and none of them for so long."""

BLOCKED_S: Final = 1.0
BLOCKED_EVERY_S: Final = 10.0
FIRST_BLOCKED_S: Final = 3.0

SETTLING_S: Final = 1.0
"""Between the last of the first starts and what is judged."""

LATE_MS: Final = 500.0
"""How late, but for the slowest hundredth, sound may come on a busy machine: half of what a loop is
held up for, so that who is held up is seen."""

LOST_SHARE: Final = 0.01
"""How much of the sound may be missing at the server: what was under way when it was counted."""

START_LIMIT_S: Final = 60.0
END_LIMIT_S: Final = 30.0


class Blocking:
    """A callback that blocks its loop now and then.

    Attributes:
        times: how often it has.
    """

    def __init__(self) -> None:
        self.times = 0
        self._next_s = time.monotonic() + FIRST_BLOCKED_S

    def __call__(self, audio: AgentAudio) -> None:
        now_s = time.monotonic()
        if now_s >= self._next_s:
            self._next_s = now_s + BLOCKED_EVERY_S
            self.times += 1
            time.sleep(BLOCKED_S)


class Half:
    """Conversations that share an event loop.

    Attributes:
        counters: of the conversations that have ended.
        started_at_s: when the first of them were all there.
        ending_at_s: when the last of them began to end.
    """

    def __init__(self, origin: str, sound: Samples) -> None:
        self._origin = origin
        self._sound = sound
        self._running: deque[VoiceConversation] = deque()
        self.counters: list[AudioCounters] = []
        self.started_at_s = self.ending_at_s = 0.0

    async def hold(
        self, calls: int, seconds: float, *, on_audio: Callable[[AgentAudio], None] | None = None
    ) -> None:
        """Hold so many conversations at any time, for so long.

        Args:
            calls: how many.
            seconds: from now on.
            on_audio: a callback of one more conversation, which lasts as long as all of them.
        """
        until_s = time.monotonic() + seconds
        async with asyncio.timeout(START_LIMIT_S):
            self._running += await asyncio.gather(*(self._start(None) for _ in range(calls)))
            special = [await self._start(on_audio)] if on_audio else []
        self.started_at_s = time.monotonic()
        while (now_s := time.monotonic()) < until_s:
            await asyncio.sleep(min(1.0, until_s - now_s))
            await self._replace_oldest()
        self.ending_at_s = time.monotonic()
        async with asyncio.timeout(END_LIMIT_S):
            await asyncio.gather(*map(self._end, [*self._running, *special]))

    async def _replace_oldest(self) -> None:
        await self._end(self._running.popleft())
        self._running.append(await self._start(None))

    async def _start(self, on_audio: Callable[[AgentAudio], None] | None) -> VoiceConversation:
        return await Conversation.start_session(
            agent_id="voice",
            origin=self._origin,
            connection_type="websocket",
            microphone=ArraySource(self._sound, RATE_HZ),
            speaker=TimedSpeaker(RATE_HZ),
            input_chunk_duration_ms=CHUNK_MS,
            connect_timeout=START_LIMIT_S,
            on_audio=on_audio,
        )

    async def _end(self, conversation: VoiceConversation) -> None:
        self.counters.append(conversation.audio_counters)
        await conversation.end_session()


@dataclass
class Course:
    """What was measured.

    Attributes:
        figures: of this process, second by second.
        blocked: how often the main loop was held up.
        expected: how many chunks of sound each half's users spoke.
        seen: by each half's server: the one that was held up, and the other.
        dropped: chunks that the client dropped.
    """

    figures: list[Figures] = field(default_factory=list)
    blocked: int = 0
    expected: tuple[float, float] = (0.0, 0.0)
    seen: tuple[dict[str, Any], dict[str, Any]] = field(default_factory=lambda: ({}, {}))
    dropped: int = 0

    def measure(self, at_s: float) -> None:
        """Add a measurement of this process."""
        self.figures.append(Figures.of(os.getpid(), at_s, len(asyncio.all_tasks())))

    def print(self) -> None:
        """Print the figures: every tenth measurement, and the last; and how late sound was."""
        print(HEADER)
        for number, one in enumerate(self.figures):
            if number % PRINTED_EACH == 0 or one is self.figures[-1]:
                print(one)
        print(f"\nthe main loop was held up {self.blocked} times for {BLOCKED_S:g} s")
        for name, expected, seen in zip(("main", "other"), self.expected, self.seen, strict=True):
            print(
                f"{name} loop: {seen['chunks']} chunks of {expected:.0f}, late by "
                f"{seen['late_p50_ms']:.1f} ms (median), {seen['late_p99_ms']:.1f} ms (99 %)"
            )

    def failures(self, warm_up_s: float, calls: int) -> list[str]:
        """What was not as it should be, in sentences."""
        failures = growth([one for one in self.figures if one.at_s >= warm_up_s], calls // 2)
        if not self.blocked:
            failures.append("the main loop was never held up, so nothing is shown")
        if self.dropped:
            failures.append(f"{self.dropped} chunks were dropped")
        limits_ms = (BLOCKED_S * 1000 + LATE_MS, LATE_MS)
        for name, expected, seen, limit_ms in zip(
            ("main", "other"), self.expected, self.seen, limits_ms, strict=True
        ):
            if seen["chunks"] < (1 - LOST_SHARE) * expected:
                failures.append(f"{name} loop: {expected - seen['chunks']:.0f} chunks were lost")
            if seen["late_p99_ms"] > limit_ms:
                failures.append(
                    f"{name} loop: late by {seen['late_p99_ms']:.0f} ms, and "
                    f"{limit_ms:.0f} ms are allowed"
                )
        return failures


async def soak(calls: int, seconds: float) -> Course:
    """Hold the conversations, measuring each second; return what was measured."""
    course, blocking = Course(), Blocking()
    sound = np.tile(speech(1.0), round(USER_SPEAKS_S))
    async with load_server() as main_server, load_server() as other_server:
        main, other = Half(main_server.origin, sound), Half(other_server.origin, sound)
        in_main = calls // 2
        holding = asyncio.gather(
            main.hold(in_main - 1, seconds, on_audio=blocking),
            _in_another_loop(other, calls - in_main, seconds),
        )
        began_s = time.monotonic()
        while not holding.done():
            course.measure(time.monotonic() - began_s)
            await asyncio.wait([holding], timeout=1.0)
        await holding
        from_s = max(main.started_at_s, other.started_at_s) + SETTLING_S
        until_s = min(main.ending_at_s, other.ending_at_s) - SETTLING_S
        course.seen = (
            await main_server.report(from_s, until_s),
            await other_server.report(from_s, until_s),
        )
    each = (until_s - from_s) * 1000 / CHUNK_MS
    course.expected = (in_main * each, (calls - in_main) * each)
    course.blocked = blocking.times
    course.dropped = sum(one.chunks_dropped for one in [*main.counters, *other.counters])
    return course


async def _in_another_loop(half: Half, calls: int, seconds: float) -> None:
    failures: list[BaseException] = []

    def run() -> None:
        try:
            with asyncio.Runner(loop_factory=new_event_loop) as runner:
                runner.run(half.hold(calls, seconds))
        except BaseException as error:  # told by who waits for the thread
            failures.append(error)

    thread = threading.Thread(target=run, name="the other loop")
    thread.start()
    while thread.is_alive():
        await asyncio.sleep(0.1)
    thread.join()
    if failures:
        raise failures[0]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the soak; return the exit code."""
    options = _options(arguments)
    warm_up_s = options.warm_up or min(WARM_UP_S, options.seconds / 2)
    # It names the callback that blocks, each time.
    logging.getLogger("duologue").addHandler(logging.NullHandler())
    with asyncio.Runner(loop_factory=new_event_loop) as runner:
        course = runner.run(soak(options.calls, options.seconds))
    course.print()
    print(f"\n{options.calls} conversations for {options.seconds:g} s")
    failures = course.failures(warm_up_s, options.calls)
    print("\n".join(failures) or "nothing has grown, nobody was held up by others")
    return 1 if failures else 0


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="soak many", description=__doc__.splitlines()[0] if __doc__ else None
    )
    parser.add_argument("--calls", type=int, default=200)
    parser.add_argument("--seconds", type=float, default=120.0)
    parser.add_argument("--warm-up", type=float, help="by default half of it, at most 60 s")
    options = parser.parse_args(arguments)
    if options.calls < 4:
        parser.error("--calls: at least 4, two for each event loop")
    return options


if __name__ == "__main__":
    sys.exit(main())
