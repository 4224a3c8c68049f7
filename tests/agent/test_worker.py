"""The protocol between a worker and LiveKit, with a server that stands in for LiveKit's."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field

import jwt
import pytest
from aiohttp import web
from livekit.protocol.agent import Job as WireJob
from livekit.protocol.agent import JobStatus, ServerMessage, WorkerMessage

from duologue.agent import worker as worker_module
from duologue.agent.settings import LiveKitSettings
from duologue.agent.worker import Job, Worker
from tests.agent.harness import until

SECRET = "a secret of this test: 32 bytes or more"


@dataclass
class FakeLiveKit:
    """LiveKit's end of the line.

    Attributes:
        messages: what the worker has sent, on all of its connections.
        tokens: with which it came.
        sockets: its connections, the latest last.
    """

    messages: list[WorkerMessage] = field(default_factory=list)
    tokens: list[str] = field(default_factory=list)
    sockets: list[web.WebSocketResponse] = field(default_factory=list)

    async def answer(self, request: web.Request) -> web.WebSocketResponse:
        self.tokens.append(request.headers["Authorization"].removeprefix("Bearer "))
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        self.sockets.append(socket)
        async for frame in socket:
            message = WorkerMessage.FromString(frame.data)
            self.messages.append(message)
            if message.WhichOneof("message") == "register":
                await self.send(ServerMessage(register={"worker_id": "W"}))
        return socket

    async def send(self, message: ServerMessage) -> None:
        await self.sockets[-1].send_bytes(message.SerializeToString())

    async def offer(self, job: WireJob) -> None:
        await self.send(ServerMessage(availability={"job": job}))

    async def assign(self, job: WireJob) -> None:
        await self.send(ServerMessage(assignment={"job": job, "token": "room token"}))

    def of(self, kind: str) -> list[WorkerMessage]:
        return [message for message in self.messages if message.WhichOneof("message") == kind]

    async def expect(self, kind: str, count: int = 1) -> WorkerMessage:
        await until(lambda: len(self.of(kind)) >= count)
        return self.of(kind)[count - 1]


@asynccontextmanager
async def working(hold: Callable[[Job], Awaitable[object]]) -> AsyncIterator[FakeLiveKit]:
    """A worker that takes jobs with the metadata `ours`, at a LiveKit of its own."""
    livekit = FakeLiveKit()
    app = web.Application()
    app.router.add_get("/agent", livekit.answer)
    runner = web.AppRunner(app, shutdown_timeout=1.0)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    host, port = runner.addresses[0][:2]
    worker = Worker(
        LiveKitSettings(f"ws://{host}:{port}", "key", SECRET),
        name="duologue",
        identity="agent",
        takes=lambda metadata: metadata == "ours",
        hold=hold,
    )
    task = asyncio.create_task(worker.run())
    try:
        await livekit.expect("register")
        yield livekit
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
        await runner.cleanup()


def wire_job(metadata: str = "ours") -> WireJob:
    return WireJob(id="J", room={"name": "conv_1"}, metadata=metadata)


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
        statuses = [message.update_job.status for message in livekit.of("update_job")]
    assert statuses == [JobStatus.JS_RUNNING, JobStatus.JS_SUCCESS]
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
