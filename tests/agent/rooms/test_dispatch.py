"""The protocol between a worker and LiveKit, with a server that stands in for LiveKit's."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress

import jwt
import pytest
from livekit.protocol.agent import Job as WireJob
from livekit.protocol.agent import JobStatus, ServerMessage, WorkerStatus

from duologue.agent.rooms import dispatch as worker_module
from duologue.agent.rooms.dispatch import TARGET_LOAD, Job, Worker
from tests.agent.fake_livekit import SECRET, FakeLiveKit, fake_livekit
from tests.agent.harness import until

MOST_JOBS = 2


@asynccontextmanager
async def worker_at_work(
    hold: Callable[[Job], Awaitable[object]], ready: Callable[[], object] = lambda: None
) -> AsyncIterator[tuple[Worker, FakeLiveKit]]:
    """A worker that takes two jobs with the metadata `ours`, at a LiveKit of its own."""
    async with fake_livekit() as livekit:
        worker = Worker(
            livekit.settings,
            name="duologue",
            identity="agent",
            takes=lambda metadata: metadata == "ours",
            hold=hold,
            load=lambda jobs: jobs / MOST_JOBS,
            ready=ready,
        )
        task = asyncio.create_task(worker.run())
        try:
            await livekit.expect("register")
            yield worker, livekit
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task


@asynccontextmanager
async def working(hold: Callable[[Job], Awaitable[object]]) -> AsyncIterator[FakeLiveKit]:
    """What LiveKit sees of such a worker."""
    async with worker_at_work(hold) as (_, livekit):
        yield livekit


def wire_job(metadata: str = "ours", job_id: str = "J") -> WireJob:
    return WireJob(id=job_id, room={"name": "conv_1"}, metadata=metadata)


def reports(livekit: FakeLiveKit) -> list[tuple[float, int]]:
    """The loads and states that were told so far; each run of the same once."""
    told = [message.update_worker for message in livekit.of("update_worker")]
    pairs = [(round(report.load, 3), report.status) for report in told]
    return [pair for at, pair in enumerate(pairs) if at == 0 or pairs[at - 1] != pair]


def job_states(livekit: FakeLiveKit) -> list[int]:
    return [message.update_job.status for message in livekit.of("update_job")]


async def forever(_job: Job) -> None:
    await asyncio.Event().wait()


async def test_it_registers_under_its_name_with_a_token_for_agents() -> None:
    async with working(forever) as livekit:
        registration = livekit.of("register")[0].register
        assert registration.agent_name == "duologue"
        assert registration.allowed_permissions.can_publish
        claims = jwt.decode(livekit.tokens[0], SECRET, algorithms=["HS256"])
        assert claims["video"]["agent"] is True


@pytest.mark.parametrize(("metadata", "is_taken"), [("ours", True), ("theirs", False)])
async def test_it_takes_the_jobs_that_are_for_it(metadata: str, is_taken: bool) -> None:
    async with working(forever) as livekit:
        await livekit.offer(wire_job(metadata))
        answer = (await livekit.expect("availability")).availability
        assert answer.job_id == "J"
        assert answer.available is is_taken
        assert answer.participant_identity == "agent"


async def test_it_holds_a_job_and_reports_its_end() -> None:
    held: list[Job] = []

    async def hold(job: Job) -> None:
        held.append(job)

    async with working(hold) as livekit:
        await livekit.assign(wire_job())
        done = (await livekit.expect("update_job", 2)).update_job
    assert job_states(livekit) == [JobStatus.JS_RUNNING, JobStatus.JS_SUCCESS]
    assert done.job_id == "J"
    (job,) = held
    assert (job.id, job.room, job.metadata, job.token) == ("J", "conv_1", "ours", "room token")
    assert job.url.startswith("ws://127.0.0.1:")
    assert "room token" not in repr(job)


async def test_a_job_that_fails_is_reported_and_the_next_one_taken(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def fail(_job: Job) -> None:
        raise ValueError("no such room")

    async with working(fail) as livekit:
        await livekit.assign(wire_job())
        failed = (await livekit.expect("update_job", 2)).update_job
        await livekit.offer(wire_job())
        await livekit.expect("availability")
    assert failed.status == JobStatus.JS_FAILED
    assert "no such room" in caplog.text


async def test_a_lost_line_is_made_anew_and_the_jobs_go_on(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(worker_module, "RETRY_S", 0.01)
    async with working(forever) as livekit:
        await livekit.assign(wire_job())
        await livekit.expect("update_job")
        await livekit.sockets[-1].close()
        report = await livekit.expect("migrate_job")
        assert list(report.migrate_job.job_ids) == ["J"]
        assert len(livekit.of("register")) == 2
        assert len(livekit.of("update_job")) == 1


async def test_a_job_that_livekit_ends_may_tidy_up_and_is_cancelled_then(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(worker_module, "TIDY_LIMIT_S", 0.05)
    async with working(forever) as livekit:
        await livekit.assign(wire_job())
        await livekit.expect("update_job")
        await livekit.send(ServerMessage(termination={"job_id": "J"}))
        ended = (await livekit.expect("update_job", 2)).update_job
    assert ended.status == JobStatus.JS_FAILED


async def test_its_end_is_the_end_of_its_jobs() -> None:
    ended = asyncio.Event()

    async def hold(_job: Job) -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    async with working(hold) as livekit:
        await livekit.assign(wire_job())
        await livekit.expect("update_job")
        assert not ended.is_set()
    assert ended.is_set()


async def test_it_tells_its_load_and_that_it_has_room_until_it_is_full() -> None:
    available, full = WorkerStatus.WS_AVAILABLE, WorkerStatus.WS_FULL
    async with working(forever) as livekit:
        await livekit.assign(wire_job(job_id="J1"))
        await until(lambda: len(reports(livekit)) == 2)
        await livekit.assign(wire_job(job_id="J2"))
        await until(lambda: len(reports(livekit)) == 3)
        assert reports(livekit) == [
            (0.0, available),
            # Below LiveKit's target, or else it would send nothing more.
            (round(TARGET_LOAD / 2, 3), available),
            (round(TARGET_LOAD, 3), full),
        ]


async def test_it_refuses_what_comes_though_it_is_full() -> None:
    async with working(forever) as livekit:
        await livekit.assign(wire_job(job_id="J1"))
        await livekit.assign(wire_job(job_id="J2"))
        await livekit.offer(wire_job(job_id="J3"))
        assert not (await livekit.expect("availability")).availability.available


async def test_it_tells_its_load_anew_from_time_to_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker_module, "REPORT_S", 0.01)

    async def hold(_job: Job) -> None:
        pass

    async with working(hold) as livekit:
        await livekit.assign(wire_job())
        await until(lambda: len(reports(livekit)) == 3)
        assert [load for load, _ in reports(livekit)] == [0.0, round(TARGET_LOAD / 2, 3), 0.0]


async def test_draining_takes_no_more_and_waits_for_what_there_is() -> None:
    end = asyncio.Event()

    async def hold(_job: Job) -> None:
        await end.wait()

    async with worker_at_work(hold) as (worker, livekit):
        await livekit.assign(wire_job())
        await livekit.expect("update_job")
        draining = asyncio.create_task(worker.drain())
        await until(lambda: reports(livekit)[-1][1] == WorkerStatus.WS_FULL)
        await livekit.offer(wire_job(job_id="J2"))
        assert not (await livekit.expect("availability")).availability.available
        assert not draining.done()
        end.set()
        async with asyncio.timeout(5):
            await draining
        await livekit.expect("update_job", 2)
        assert job_states(livekit) == [JobStatus.JS_RUNNING, JobStatus.JS_SUCCESS]


async def test_draining_without_a_job_is_done_at_once() -> None:
    async with worker_at_work(forever) as (worker, _), asyncio.timeout(5):
        await worker.drain()


async def test_it_is_ready_once_however_often_it_connects(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker_module, "RETRY_S", 0.01)
    ready: list[bool] = []
    async with worker_at_work(forever, ready=lambda: ready.append(True)) as (_, livekit):
        await livekit.expect("update_worker")
        await livekit.sockets[-1].close()
        await livekit.expect("register", 2)
        await until(lambda: len(livekit.of("update_worker")) >= 2)
    assert ready == [True]
