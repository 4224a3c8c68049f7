"""Calls that LiveKit dispatches: this server registers there as a worker for agents.

livekit-agents has a worker too, but it runs each job in a process or thread with a loop of its
own. The calls of this server share its loop and its models, so it speaks the protocol itself: one
WebSocket, on which LiveKit offers a job, the worker accepts, and gets a token for the room.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Final

import aiohttp
from livekit import api
from livekit.protocol.agent import (
    AvailabilityRequest,
    JobAssignment,
    JobStatus,
    JobType,
    ServerMessage,
    WorkerMessage,
    WorkerStatus,
)

from duologue.agent.settings import LiveKitSettings

logger = logging.getLogger("duologue.agent.worker")

CONNECT_LIMIT_S: Final = 10.0
HEARTBEAT_S: Final = 15.0
RETRY_S: Final = 0.2
"""While there is no line, no call comes; behind a load balancer, another node takes it at once."""
LONGEST_RETRY_S: Final = 10.0
REPORT_S: Final = 2.5
"""So often LiveKit is told of the load, besides at the beginning of each job. It is the interval of
livekit-agents."""
TARGET_LOAD: Final = 0.7
"""LiveKit's `agents.target_load`: the job goes to the node whose workers are the furthest below it.
Where none is below it, nobody gets the job; so a worker that takes jobs never reports as much."""
TIDY_LIMIT_S: Final = 15.0
"""A little more than a call may take to close."""


def _nothing() -> None:
    """What there is to do where nobody waits."""


@dataclass(frozen=True)
class Job:
    """A room to which the agent is to come.

    Attributes:
        id: LiveKit's own name of it.
        room: the room's name.
        metadata: what was said when it was dispatched.
        url: where to connect to.
        token: lets the agent in.
    """

    id: str
    room: str
    metadata: str
    url: str
    token: str = field(repr=False)


class Worker:
    """Takes jobs from LiveKit and holds each in a task of its own.

    Run `run` as a task; it connects again for as long as it is not cancelled, and the jobs go on
    while it does. Cancelling it cancels them.

    Args:
        settings: the LiveKit server.
        name: under which jobs are dispatched to this worker.
        identity: of the agent in its room.
        takes: whether a job with this metadata is one for this worker. LiveKit asks others if not.
        hold: holds a job; what it raises is logged, and the job has failed.
        load: how much of what it can do it does with so many jobs, from 0 to 1. By that LiveKit
            chooses among workers; at 1 none is taken.
        ready: called once LiveKit sends jobs; not again after another connection.
    """

    def __init__(
        self,
        settings: LiveKitSettings,
        *,
        name: str,
        identity: str,
        takes: Callable[[str], bool],
        hold: Callable[[Job], Awaitable[object]],
        load: Callable[[int], float],
        ready: Callable[[], object] = _nothing,
    ) -> None:
        self._settings = settings
        self._name = name
        self._identity = identity
        self._takes = takes
        self._hold = hold
        self._load = load
        self._ready = ready
        self._is_draining = False
        self._retry_s = RETRY_S
        self._socket: aiohttp.ClientWebSocketResponse | None = None
        self._jobs: dict[str, asyncio.Task[None]] = {}

    async def run(self) -> None:
        """Be there for jobs until cancelled."""
        try:
            async with aiohttp.ClientSession() as http:
                while True:
                    try:
                        async with await self._connect(http) as socket:
                            await self._serve(socket)
                        logger.warning("LiveKit has closed the line; trying again")
                    except (aiohttp.ClientError, OSError) as error:  # TimeoutError is one
                        reason = str(error) or f"no answer within {CONNECT_LIMIT_S:.0f} s"
                        logger.warning("LiveKit cannot be reached, trying again: %s", reason)
                    await asyncio.sleep(self._retry_s)
                    self._retry_s = min(2 * self._retry_s, LONGEST_RETRY_S)
        finally:
            await self._cancel_jobs()

    async def drain(self) -> None:
        """Take no more jobs, and wait until those that there are have ended by themselves.

        Cancelling ends the waiting; jobs are not taken again.
        """
        self._is_draining = True
        await self._report_load()
        while self._jobs:
            await asyncio.wait(self._jobs.values())

    async def _connect(self, http: aiohttp.ClientSession) -> aiohttp.ClientWebSocketResponse:
        token = (
            api.AccessToken(self._settings.api_key, self._settings.api_secret)
            .with_grants(api.VideoGrants(agent=True))
            .to_jwt()
        )
        async with asyncio.timeout(CONNECT_LIMIT_S):
            return await http.ws_connect(
                f"{self._settings.url.rstrip('/')}/agent",
                headers={"Authorization": f"Bearer {token}"},
                heartbeat=HEARTBEAT_S,
            )

    async def _serve(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self._socket = socket
        registration = WorkerMessage()
        registration.register.type = JobType.JT_ROOM
        registration.register.agent_name = self._name
        permissions = registration.register.allowed_permissions
        permissions.can_publish = permissions.can_subscribe = permissions.can_publish_data = True
        permissions.agent = True
        await self._send(registration)
        reporting = asyncio.create_task(self._keep_reporting_load())
        try:
            async for frame in socket:
                if frame.type is aiohttp.WSMsgType.BINARY:
                    await self._take(ServerMessage.FromString(frame.data))
        finally:
            reporting.cancel()

    async def _take(self, message: ServerMessage) -> None:
        match message.WhichOneof("message"):
            case "register":
                logger.info("LiveKit at %s sends calls here", self._settings.url)
                self._retry_s = RETRY_S
                await self._report_load()
                await self._report_running()
                ready, self._ready = self._ready, _nothing
                ready()
            case "availability":
                await self._answer(message.availability)
            case "assignment":
                self._begin(message.assignment)
            case "termination":
                self._cancel_later(message.termination.job_id)

    async def _report_running(self) -> None:
        """After another connection: whose jobs these are."""
        if self._jobs:
            report = WorkerMessage()
            report.migrate_job.job_ids.extend(self._jobs)
            await self._send(report)

    async def _keep_reporting_load(self) -> None:
        while True:
            await asyncio.sleep(REPORT_S)
            await self._report_load()

    async def _report_load(self) -> None:
        report = WorkerMessage()
        report.update_worker.load = TARGET_LOAD * min(self._load(len(self._jobs)), 1.0)
        report.update_worker.status = (
            WorkerStatus.WS_AVAILABLE if self._has_room() else WorkerStatus.WS_FULL
        )
        await self._tell(report)

    def _has_room(self) -> bool:
        return not self._is_draining and self._load(len(self._jobs)) < 1.0

    async def _answer(self, request: AvailabilityRequest) -> None:
        if not self._has_room():
            logger.warning("%d calls are as many as this worker takes now", len(self._jobs))
        answer = WorkerMessage()
        answer.availability.job_id = request.job.id
        answer.availability.available = self._has_room() and self._takes(request.job.metadata)
        answer.availability.participant_identity = self._identity
        await self._send(answer)

    def _begin(self, assignment: JobAssignment) -> None:
        job = Job(
            id=assignment.job.id,
            room=assignment.job.room.name,
            metadata=assignment.job.metadata,
            url=assignment.url if assignment.HasField("url") else self._settings.url,
            token=assignment.token,
        )
        task = asyncio.create_task(self._work(job))
        self._jobs[job.id] = task
        task.add_done_callback(lambda _: self._jobs.pop(job.id, None))

    async def _work(self, job: Job) -> None:
        status = JobStatus.JS_FAILED
        await self._report(job, JobStatus.JS_RUNNING)
        try:
            await self._hold(job)
            status = JobStatus.JS_SUCCESS
        except Exception:
            logger.exception("%s: the call failed", job.room)
        finally:
            await self._report(job, status)

    async def _report(self, job: Job, status: JobStatus) -> None:
        report = WorkerMessage()
        report.update_job.job_id = job.id
        report.update_job.status = status
        await self._tell(report)
        await self._report_load()

    async def _tell(self, message: WorkerMessage) -> None:
        """Send what is told anew on the next connection, or what LiveKit sees by itself."""
        if self._socket is not None:
            with contextlib.suppress(ConnectionError):
                await self._send(message)

    async def _send(self, message: WorkerMessage) -> None:
        assert self._socket is not None
        await self._socket.send_bytes(message.SerializeToString())

    def _cancel_later(self, job_id: str) -> None:
        """End a job that LiveKit ends. It does so, too, when the agent has left by itself: such a
        job has some time to tidy up."""
        task = self._jobs.get(job_id)
        if task is not None:
            asyncio.get_running_loop().call_later(TIDY_LIMIT_S, task.cancel)

    async def _cancel_jobs(self) -> None:
        tasks = list(self._jobs.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
