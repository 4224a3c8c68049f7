from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable

import numpy as np
import pytest

from duologue.audio.pacing.beat import Work
from duologue.testing import virtual_clock as module
from duologue.testing.memory_devices import MemoryMicrophone, MemorySpeaker
from duologue.testing.virtual_clock import VirtualClock
from tests.conversation.fakes import Hanging

HOUR_S = 3600.0


def ignore(error: Exception) -> None:
    raise AssertionError("nothing was to fail")


def test_waiting_takes_no_time_and_is_exact() -> None:
    clock = VirtualClock()

    async def wait() -> list[float]:
        times_s = [clock.now()]
        for _ in range(3):
            await asyncio.sleep(HOUR_S)
            times_s.append(asyncio.get_running_loop().time())
        return times_s

    began_s = time.monotonic()
    assert clock.run(wait()) == [0, HOUR_S, 2 * HOUR_S, 3 * HOUR_S]
    assert time.monotonic() - began_s < HOUR_S


def test_a_time_limit_is_reached_at_once() -> None:
    clock = VirtualClock()

    async def wait() -> None:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(HOUR_S):
                await asyncio.Event().wait()

    clock.run(wait())
    assert clock.now() == HOUR_S


def test_what_is_due_earlier_happens_earlier() -> None:
    happened: list[str] = []

    async def later(name: str, seconds: float) -> None:
        await asyncio.sleep(seconds)
        happened.append(name)

    async def both() -> None:
        await asyncio.gather(later("second", 2), later("first", 1))

    VirtualClock().run(both())
    assert happened == ["first", "second"]


def test_time_stands_still_for_work_in_threads() -> None:
    clock = VirtualClock()

    async def work() -> float:
        hanging = Hanging()
        timer = threading.Timer(0.05, hanging.release)
        timer.start()
        async with asyncio.timeout(1):
            await asyncio.to_thread(hanging)
        timer.join()
        return clock.now()

    assert clock.run(work()) == 0


def test_work_that_hangs_is_given_up_and_time_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "WORK_LIMIT_S", 0.02)
    clock = VirtualClock()
    hanging = Hanging()

    async def work() -> None:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(HOUR_S):
                await asyncio.to_thread(hanging)
        hanging.release()

    clock.run(work())
    assert clock.now() == HOUR_S


def test_a_thread_may_still_call_when_no_timer_is_set() -> None:
    async def wait() -> None:
        called = asyncio.Event()
        loop = asyncio.get_running_loop()
        timer = threading.Timer(0.02, lambda: loop.call_soon_threadsafe(called.set))
        timer.start()
        await called.wait()
        timer.join()

    VirtualClock().run(wait())


def test_a_beat_comes_every_ten_milliseconds_without_drift() -> None:
    clock = VirtualClock()
    times_s: list[float] = []

    async def listen() -> None:
        work = Work(name="test", do=lambda count: times_s.append(clock.now()), failed=ignore)
        beat = clock.beat(work)
        beat.start()
        await asyncio.sleep(10.005)
        beat.stop()
        await asyncio.sleep(1)

    clock.run(listen())
    assert times_s == pytest.approx([n / 100 for n in range(1, 1001)], abs=1e-9)


def test_a_beat_may_be_stopped_within_its_own_work() -> None:
    clock = VirtualClock()
    blocks: list[int] = []

    async def listen() -> None:
        def work(count: int) -> None:
            blocks.append(1)
            beat.stop()

        beat = clock.beat(Work(name="test", do=work, failed=ignore))
        beat.start()
        await asyncio.sleep(1)

    clock.run(listen())
    assert len(blocks) == 1


def test_a_beat_that_fails_ends_and_says_so() -> None:
    clock = VirtualClock()
    failures: list[Exception] = []

    def fail(count: int) -> None:
        raise ZeroDivisionError

    async def listen() -> None:
        clock.beat(Work(name="test", do=fail, failed=failures.append)).start()
        await asyncio.sleep(1)

    clock.run(listen())
    assert [type(failure) for failure in failures] == [ZeroDivisionError]


def test_a_beat_needs_an_event_loop() -> None:
    with pytest.raises(RuntimeError, match="this clock has no event loop"):
        MemorySpeaker(pace=VirtualClock()).start(lambda frames: memoryview(b""))


@pytest.mark.parametrize("started_by", [lambda work: work(), lambda work: _in_thread(work)])
def test_memory_devices_keep_the_pace_of_the_clock(
    started_by: Callable[[Callable[[], None]], None],
) -> None:
    clock = VirtualClock()
    microphone, speaker = MemoryMicrophone(pace=clock), MemorySpeaker(pace=clock)
    said: list[bytes] = []

    async def listen() -> None:
        microphone.feed(np.ones(16_000, np.int16))
        started_by(lambda: microphone.start(lambda block: said.append(bytes(block))))
        started_by(lambda: speaker.start(lambda frames: memoryview(b"\x02\x00" * frames)))
        await asyncio.sleep(1.5)
        started_by(microphone.stop)
        started_by(speaker.stop)
        await asyncio.sleep(1)

    clock.run(listen())
    samples = np.frombuffer(b"".join(said), np.int16)
    assert len(samples) == 24_000
    assert samples.sum() == 16_000
    assert len(speaker.heard()) == 24_000


def _in_thread(work: Callable[[], None]) -> None:
    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
