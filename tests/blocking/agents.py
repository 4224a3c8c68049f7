"""A scripted agent beside a test that blocks its thread, and waiting without an event loop."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from duologue.blocking.loop_thread import LoopThread
from duologue.testing.scripted_agent import Script, ScriptedAgent, ScriptedCall

LIMIT_S = 10.0


@contextmanager
def scripted(script: Script) -> Iterator[ScriptedAgent]:
    """A scripted agent in a thread of its own; leaving raises what its script raised."""
    loop = LoopThread("scripted agent")
    agent = ScriptedAgent(script)
    try:
        loop.call(agent.__aenter__)
        try:
            yield agent
        except BaseException as error:
            kind = type(error)
            loop.call(lambda: agent.__aexit__(kind))
            raise
        loop.call(lambda: agent.__aexit__(None))
    finally:
        loop.close()
        loop.join(LIMIT_S)


async def talk(call: ScriptedCall) -> None:
    """Begin, and take what comes."""
    await call.begin()
    await call.receive_until_gone()


def until(condition: Callable[[], object]) -> None:
    """Wait until something is the case, for 10 s at most."""
    deadline_s = time.monotonic() + LIMIT_S
    while not condition():
        assert time.monotonic() < deadline_s, f"it did not come to pass within {LIMIT_S:g} s"
        time.sleep(0.002)


@contextmanager
def no_thread_left() -> Iterator[None]:
    """Leaving waits until every thread of ours that was begun inside has ended."""
    before = set(threading.enumerate())
    yield
    until(lambda: not [t for t in {*threading.enumerate()} - before if "duologue" in t.name])
