from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from typing import Any

import pytest

from duologue.conversation.telling import callbacks as module
from duologue.conversation.telling.callbacks import CallbackQueue
from duologue.dialogue.actions import Report
from duologue.dialogue.values import ErrorReport
from duologue.protocol.client_messages import Pong, UserAudioChunk
from duologue.protocol.server_events import AudioEvent, PingEvent
from tests.conversation.fakes import Log, eventually


async def delivered(
    callbacks: dict[str, Callable[..., object]], *reports: Report, limit_s: float = 5.0
) -> CallbackQueue:
    """A queue that has been given reports and is closed."""
    queue = CallbackQueue(callbacks)
    for report in reports:
        queue.put(report)
    await queue.close(limit_s)
    return queue


async def test_callbacks_are_called_in_the_order_of_their_reports() -> None:
    log = Log()
    await delivered(
        log.options("on_connect", "on_guardrail_triggered"),
        Report.of("on_connect", "one"),
        Report.of("on_guardrail_triggered"),
        Report.of("on_connect", "two"),
    )
    assert log.calls == [
        ("on_connect", "one"),
        ("on_guardrail_triggered",),
        ("on_connect", "two"),
    ]


async def test_an_async_callback_is_awaited_before_the_next() -> None:
    steps: list[str] = []

    async def on_connect(name: str) -> None:
        steps.append(f"begin {name}")
        await asyncio.sleep(0.001)
        steps.append(f"end {name}")

    await delivered(
        {"on_connect": on_connect}, Report.of("on_connect", "1"), Report.of("on_connect", "2")
    )
    assert steps == ["begin 1", "end 1", "begin 2", "end 2"]


async def test_a_callback_may_return_anything_awaitable() -> None:
    future = asyncio.get_running_loop().create_future()
    asyncio.get_running_loop().call_later(0.001, future.set_result, None)
    await delivered({"on_connect": lambda name: future}, Report.of("on_connect", "1"))
    assert future.done()


async def raising_async(name: str) -> None:
    await asyncio.sleep(0)
    raise ValueError("no")


def raising(name: str) -> None:
    raise ValueError("no")


async def awaiting_something_cancelled(name: str) -> None:
    future = asyncio.get_running_loop().create_future()
    future.cancel()
    await future


@pytest.mark.parametrize(
    ("callback", "exception"),
    [
        (raising, ValueError),
        (raising_async, ValueError),
        (awaiting_something_cancelled, asyncio.CancelledError),
    ],
)
async def test_a_callback_that_raises_is_reported_and_the_others_go_on(
    callback: Callable[..., object],
    exception: type[BaseException],
    caplog: pytest.LogCaptureFixture,
) -> None:
    log = Log()
    await delivered(
        {"on_connect": callback, **log.options("on_error", "on_ping")},
        Report.of("on_connect", "1"),
        Report.of("on_ping", 1),
    )
    assert log.names == ["on_ping", "on_error"]
    [error] = log.of("on_error")
    assert str(error).startswith(f"the callback on_connect raised {exception.__name__}")
    assert error.context["callback"] == "on_connect"
    assert isinstance(error.context["exception"], exception)
    assert "the callback on_connect raised" in caplog.text


async def test_an_on_error_that_raises_is_not_told_of_itself(
    caplog: pytest.LogCaptureFixture,
) -> None:
    calls = []

    def on_error(error: ErrorReport) -> None:
        calls.append(error)
        raise ValueError("again")

    await delivered({"on_error": on_error}, Report.of("on_error", ErrorReport(message="one")))
    assert len(calls) == 1
    assert "the callback on_error raised" in caplog.text


async def test_an_error_that_nobody_listens_to_is_in_the_log(
    caplog: pytest.LogCaptureFixture,
) -> None:
    await delivered({}, Report.of("on_error", ErrorReport(message="the speaker failed")))
    assert "the speaker failed" in caplog.text


def blocking(name: str) -> None:
    time.sleep(0.12)


async def blocking_in_the_middle(name: str) -> None:
    await asyncio.sleep(0)
    blocking(name)
    await asyncio.sleep(0)


async def patient(name: str) -> None:
    await asyncio.sleep(0.12)


@pytest.mark.parametrize("callback", [blocking, blocking_in_the_middle])
async def test_a_callback_that_holds_the_loop_is_named(
    callback: Callable[..., object], caplog: pytest.LogCaptureFixture
) -> None:
    await delivered({"on_connect": callback}, Report.of("on_connect", "1"))
    assert "the callback on_connect held the event loop for" in caplog.text


async def test_a_callback_that_waits_holds_nothing(caplog: pytest.LogCaptureFixture) -> None:
    await delivered({"on_connect": patient}, Report.of("on_connect", "1"))
    assert not caplog.records


async def test_after_the_end_nothing_is_taken() -> None:
    log = Log()
    queue = await delivered(log.options("on_connect"), Report.of("on_connect", "1"))
    queue.put(Report.of("on_connect", "2"))
    await queue.close(1.0)
    assert log.of("on_connect") == ["1"]


async def test_closing_waits_for_what_waits_but_not_forever(
    caplog: pytest.LogCaptureFixture,
) -> None:
    cancelled = asyncio.Event()

    async def endless(name: str) -> None:
        try:
            await asyncio.Event().wait()
        finally:
            cancelled.set()

    reports = [Report.of("on_connect", "1"), Report.of("on_connect", "2")]
    await delivered({"on_connect": endless}, *reports, limit_s=0.02)
    assert cancelled.is_set()
    assert "did not finish within 0.02 s" in caplog.text
    assert "1 reports are lost" in caplog.text


async def directly(queue: CallbackQueue) -> None:
    await queue.close(5.0)


async def through_a_task(queue: CallbackQueue) -> None:
    await asyncio.gather(queue.close(5.0))


async def with_a_time_limit(queue: CallbackQueue) -> None:
    await asyncio.wait_for(queue.close(5.0), 5.0)


@pytest.mark.parametrize("close", [directly, through_a_task, with_a_time_limit])
async def test_closing_inside_a_callback_does_not_wait_for_that_callback(close: Any) -> None:
    returned_after_s: list[float] = []

    async def on_connect(name: str) -> None:
        started_s = time.monotonic()
        await close(queue)
        returned_after_s.append(time.monotonic() - started_s)

    queue = CallbackQueue({"on_connect": on_connect})
    queue.put(Report.of("on_connect", "1"))
    await eventually(lambda: returned_after_s)
    assert returned_after_s[0] < 2.0
    await queue.close(5.0)


async def test_a_callback_that_hangs_is_given_up_though_nobody_waits() -> None:
    given_up = asyncio.Event()

    async def on_connect(name: str) -> None:
        try:
            await asyncio.Event().wait()
        finally:
            given_up.set()

    queue = CallbackQueue({"on_connect": on_connect})
    queue.put(Report.of("on_connect", "1"))
    await asyncio.sleep(0)
    queue.finish(0.02)
    await asyncio.wait_for(given_up.wait(), 5)


async def test_a_task_that_outlives_its_callback_waits_as_everyone_does() -> None:
    log = Log()
    tasks: list[asyncio.Task[None]] = []

    async def wait_for_the_end() -> None:
        await asyncio.sleep(0.01)
        await queue.close(5.0)
        log.calls.append(("closed",))

    def on_connect(name: str) -> None:
        tasks.append(asyncio.create_task(wait_for_the_end()))

    async def on_ping(number: int) -> None:
        await asyncio.sleep(0.05)
        log.calls.append(("on_ping",))

    queue = CallbackQueue({"on_connect": on_connect, "on_ping": on_ping})
    queue.put(Report.of("on_connect", "1"))
    queue.put(Report.of("on_ping", 1))
    await eventually(lambda: tasks)
    await tasks[0]
    assert log.names == ["on_ping", "closed"]


async def test_a_backlog_drops_the_oldest_sound_first(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(module, "BACKLOG_LIMIT", 4)
    log = Log()
    queue = await delivered(
        log.options("on_message", "on_audio", "on_vad_score"),
        Report.of("on_message", 1),
        Report.of("on_audio", 1),
        Report.of("on_vad_score", 1),
        Report.of("on_audio", 2),
        Report.of("on_message", 2),
        Report.of("on_message", 3),
    )
    assert log.calls == [
        ("on_message", 1),
        ("on_audio", 2),
        ("on_message", 2),
        ("on_message", 3),
    ]
    assert queue.dropped == 2
    assert caplog.text.count("callbacks that are too slow") == 1


async def test_raw_sound_is_dropped_before_other_events(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "BACKLOG_LIMIT", 2)
    log = Log()
    ping = PingEvent(event_id=1)
    await delivered(
        log.options("on_incoming_event", "on_outgoing_event"),
        Report.of("on_incoming_event", ping),
        Report.of("on_incoming_event", AudioEvent(audio=b"", event_id=1)),
        Report.of("on_outgoing_event", UserAudioChunk(audio=b"")),
        Report.of("on_outgoing_event", Pong(event_id=1)),
    )
    assert log.calls == [("on_incoming_event", ping), ("on_outgoing_event", Pong(event_id=1))]


async def test_a_backlog_without_sound_stays_bounded_as_well(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "BACKLOG_LIMIT", 2)
    log = Log()
    queue = await delivered(
        log.options("on_message"), *[Report.of("on_message", number) for number in range(5)]
    )
    assert log.of("on_message") == [3, 4]
    assert queue.dropped == 3


async def test_the_log_is_the_librarys_own(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING)
    await delivered({"on_connect": raising}, Report.of("on_connect", "1"))
    assert {record.name for record in caplog.records} == {"duologue"}
