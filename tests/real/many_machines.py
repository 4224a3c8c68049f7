"""Several machines on this one: LiveKit nodes behind one address, a server, workers, callers."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import AsyncExitStack, asynccontextmanager, closing
from dataclasses import dataclass
from pathlib import Path

from duologue import Conversation, TextConversation, VoiceConversation
from duologue.agent.access.keys import KeyFile
from duologue.dialogue.values import ConnectionNotice
from duologue.protocol.server_events import AgentResponseEvent
from duologue.testing import MemoryMicrophone, MemorySpeaker
from tests.conversation.fakes import Log
from tests.real.agent_process import running_agent_server
from tests.real.front_door import FrontDoor, front_door
from tests.real.language_model import naming_language_model
from tests.real.livekit_nodes import LiveKitNode, LiveKitNodes
from tests.real.livekit_rooms import until_deleted
from tests.real.redis_server import running_redis
from tests.real.waiting import eventually
from tests.real.worker_process import WorkerProcess

AnyConversation = VoiceConversation | TextConversation

CHOICE_LIMIT_S = 60.0
RATE_HZ = 48_000
WRITTEN, SPOKEN = "clerk", "speaker"
AGENTS = {
    WRITTEN: "conversation_config: {conversation: {text_only: true}, turn: {turn_timeout: -1}}",
    SPOKEN: "conversation_config: {turn: {turn_timeout: -1}}",
}


@dataclass(frozen=True)
class Call:
    """A conversation over WebRTC.

    Attributes:
        conversation: the client's side.
        speaker: what is heard of the agent, if it is a spoken one.
        log: what its callbacks were called with.
        worker: the name of the one that holds it.
        node: which has its room.
    """

    conversation: AnyConversation
    speaker: MemorySpeaker
    log: Log
    worker: str
    node: LiveKitNode

    async def ask(self) -> str:
        """Say something; gives the answer, which is the name of the worker that holds the call."""
        return await _ask(self.conversation, self.log)

    @property
    def notices(self) -> list[ConnectionNotice]:
        """What was told of its connection, such as that it is being made anew."""
        told = self.log.of("on_debug")
        return [notice for notice in told if isinstance(notice, ConnectionNotice)]


class Machines:
    """What runs.

    Attributes:
        nodes: of LiveKit, behind one address.
        workers: by their names.
        livekit: how workers, server and callers reach the nodes.
    """

    def __init__(
        self, nodes: LiveKitNodes, door: FrontDoor, language_model: str, folder: Path
    ) -> None:
        self.nodes = nodes
        self.workers: dict[str, WorkerProcess] = {}
        self.livekit = nodes.settings(door.port)
        self._door = door
        self._language_model = language_model
        self._folder = folder
        self._agents = folder / "agents"
        self._agents.mkdir()
        for agent_id, definition in AGENTS.items():
            (self._agents / f"{agent_id}.yaml").write_text(definition)
        self._origin = ""
        self._names = (f"worker{number}" for number in itertools.count(1))

    async def serve(self, stack: AsyncExitStack) -> None:
        """Run a server that leaves the calls to workers."""
        server = running_agent_server(
            self._agents,
            self._folder / "serve.log",
            KeyFile(self._folder / "keys.json"),
            self.livekit,
            "--no-worker",
            *self._answering_as("server"),
        )
        self._origin = (await asyncio.to_thread(stack.enter_context, server)).url

    async def complete(self) -> None:
        """Start what is missing to two nodes and two workers."""
        while len(self.nodes.running) < 2:
            await asyncio.to_thread(self.nodes.start)
        self.lead_to(*self.nodes.running)
        missing = 2 - len(self.workers)
        await asyncio.gather(*(self._start_worker(next(self._names)) for _ in range(missing)))

    def lead_to(self, *nodes: LiveKitNode) -> None:
        """Let the address of all nodes lead to these. Connections that there are stay."""
        self._door.leads_to = [node.port for node in nodes]

    async def end_worker(self, name: str) -> int:
        """Tell a worker to end; gives its exit code."""
        with closing(self.workers.pop(name)) as worker:
            worker.tell_to_end()
            return await asyncio.to_thread(worker.wait)

    def kill_worker(self, name: str) -> None:
        """Break a worker off."""
        self.workers.pop(name).close()

    def stop(self) -> None:
        """End workers and nodes."""
        for worker in self.workers.values():
            worker.close()
        self.nodes.stop_all()

    async def call(self, stack: AsyncExitStack, *, spoken: bool = False) -> Call:
        """Begin a call; it ends with the stack, or by `call.conversation.end_session()`."""
        log = Log()
        speaker = MemorySpeaker(RATE_HZ)
        options = {"origin": self._origin, "connection_type": "webrtc", **log.options()}
        conversation: AnyConversation
        if spoken:
            options |= {"microphone": MemoryMicrophone(RATE_HZ), "speaker": speaker}
            voice = Conversation.start_session(agent_id=SPOKEN, **options)
            conversation = await stack.enter_async_context(voice)
        else:
            text = Conversation.start_session(agent_id=WRITTEN, text_only=True, **options)
            conversation = await stack.enter_async_context(text)
        worker = await _ask(conversation, log)
        return Call(conversation, speaker, log, worker, self.nodes.node_of(conversation.id))

    async def calls(self, stack: AsyncExitStack, count: int, *, spoken: bool = False) -> list[Call]:
        """Begin so many calls, two at a time."""
        some = asyncio.Semaphore(2)

        async def call() -> Call:
            async with some:
                return await self.call(stack, spoken=spoken)

        return await asyncio.gather(*(call() for _ in range(count)))

    async def calls_until(
        self, stack: AsyncExitStack, are_enough: Callable[[list[Call]], bool]
    ) -> list[Call]:
        """Begin calls until there are those that are needed."""
        calls: list[Call] = []
        async with asyncio.timeout(CHOICE_LIMIT_S):
            while not are_enough(calls):
                calls += await self.calls(stack, 4)
        return calls

    async def end(self, calls: Iterable[Call]) -> None:
        """End calls; their rooms are gone then."""
        calls = list(calls)
        await asyncio.gather(*(call.conversation.end_session() for call in calls))
        await self.until_gone(calls)

    async def until_gone(self, calls: Iterable[Call]) -> None:
        """Wait until the rooms of calls are gone."""
        ids = [call.conversation.id for call in calls]
        await asyncio.gather(*(until_deleted(self.livekit, one) for one in ids))

    async def _start_worker(self, name: str) -> None:
        worker = WorkerProcess(
            self._agents,
            self._folder / f"{name}.log",
            self.livekit,
            *self._answering_as(name),
        )
        self.workers[name] = worker
        await asyncio.to_thread(worker.wait_until_ready)

    def _answering_as(self, name: str) -> tuple[str, ...]:
        return ("--llm-base-url", self._language_model, "--llm-model", name)


@asynccontextmanager
async def many_machines(folder: Path) -> AsyncIterator[Machines]:
    """Two LiveKit nodes with Redis, a server, and two workers."""
    async with AsyncExitStack() as stack:
        redis = stack.enter_context(running_redis(folder))
        door = await stack.enter_async_context(front_door())
        language_model = await stack.enter_async_context(naming_language_model())
        machines = Machines(LiveKitNodes(redis, folder), door, language_model, folder)
        stack.callback(machines.stop)
        await asyncio.gather(machines.serve(stack), machines.complete())
        yield machines


async def _ask(conversation: AnyConversation, log: Log) -> str:
    def answers() -> list[AgentResponseEvent]:
        return [e for e in log.of("on_incoming_event") if isinstance(e, AgentResponseEvent)]

    count = len(answers())
    conversation.send_user_message("Who are you?")
    await eventually(lambda: len(answers()) > count, f"an answer in {conversation.id}")
    return answers()[-1].agent_response
