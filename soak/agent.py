"""The agent's process: the real server, as `duologue serve` runs it, with a scripted speech stack.

With a LiveKit server it holds calls over WebRTC, too. The voice activity detector is real; the
other models answer at once.
"""

from __future__ import annotations

import _thread
import asyncio
import contextlib
import multiprocessing
import threading
from collections.abc import Iterator
from multiprocessing.connection import Connection

from duologue.agent.settings import LiveKitSettings
from soak.native_objects import native_objects

GREETING = "Hello, and welcome. What can I do for you?"
ANSWER = "This is an answer of the usual length, about three seconds."

START_LIMIT_S = 60.0
STOP_LIMIT_S = 20.0


class AgentProcess:
    """The agent, as the process of the clients sees it.

    Attributes:
        url: where it answers.
        pid: its process.
    """

    def __init__(self, control: Connection, pid: int) -> None:
        if not control.poll(START_LIMIT_S):
            raise TimeoutError(f"the agent did not start within {START_LIMIT_S:g} s")
        self.url: str = control.recv()
        self.pid = pid
        self._control = control

    def tasks(self) -> int:
        """How many tasks its event loop has at the moment."""
        return self._count("tasks")

    def native_objects(self) -> int:
        """How many rooms, tracks, streams and the like it has in LiveKit's library."""
        return self._count("native objects")

    def stop(self) -> None:
        """Ask it to end."""
        self._control.send("stop")

    def _count(self, what: str) -> int:
        self._control.send(what)
        count: int = self._control.recv()
        return count


@contextlib.contextmanager
def agent_process(livekit: LiveKitSettings | None = None) -> Iterator[AgentProcess]:
    """An agent named `agent`, until the block is left.

    Args:
        livekit: where it holds calls over WebRTC; None for an agent without them.
    """
    ours, theirs = multiprocessing.Pipe()
    process = multiprocessing.get_context("spawn").Process(
        target=_serve, args=(theirs, livekit), daemon=True
    )
    process.start()
    try:
        agent = AgentProcess(ours, process.pid or 0)
        yield agent
        agent.stop()
        process.join(STOP_LIMIT_S)
    finally:
        process.kill()
        process.join()
        process.close()
        ours.close()
        theirs.close()


def _serve(control: Connection, livekit: LiveKitSettings | None) -> None:
    from duologue.agent.app import create_app
    from duologue.agent.definition import AgentDefinition
    from duologue.agent.listener import listen, url_of
    from duologue.agent.server import run_server
    from duologue.testing.scripted_speech import ScriptedSpeech

    agent = AgentDefinition.model_validate(
        {
            "agent_id": "agent",
            "conversation_config": {
                "agent": {"first_message": GREETING},
                "turn": {"turn_timeout": -1},
                "conversation": {"max_duration_seconds": 24 * 60 * 60},
            },
        }
    )
    speech = ScriptedSpeech(transcripts=["A question."], replies=[ANSWER])
    with contextlib.suppress(KeyboardInterrupt), listen("127.0.0.1", 0) as listener:

        def ready() -> None:
            control.send(url_of(listener))
            loop = asyncio.get_running_loop()
            threading.Thread(target=_obey, args=(control, loop), daemon=True).start()

        app = create_app({agent.agent_id: agent}, speech, livekit=livekit)
        run_server(app, listener, ready=ready)


def _obey(control: Connection, loop: asyncio.AbstractEventLoop) -> None:
    while (asked := control.recv()) != "stop":
        control.send(len(asyncio.all_tasks(loop)) if asked == "tasks" else native_objects())
    _thread.interrupt_main()
