"""Every way in which a start can fail, or be given up."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Generator
from functools import partial
from typing import Any

import pytest

from duologue.conversation.telling.callbacks import Callbacks
from duologue.errors import DeviceError, SessionConnectionError, UnsupportedAudioFormat
from tests.leaks.ends import BY_USER, LIMIT_S, Way, ended
from tests.leaks.stage import SlowMicrophone, Stage, UnopenableMicrophone, UnopenableSpeaker


def failing(
    name: str,
    exception: type[Exception],
    script: str = "talks",
    options: Callable[[Stage], dict[str, Any]] = lambda stage: {},
) -> Way:
    """A start that fails with an exception; nothing but the status is told of it."""

    async def way(stage: Stage) -> None:
        told: list[str] = []
        with pytest.raises(exception):
            async with asyncio.timeout(LIMIT_S):
                await stage.start(script, on_status_change=told.append, **options(stage))
        assert told == ["connecting", "disconnected"]

    way.__name__ = name.replace(" ", "_")
    return way


async def with_callbacks_that_raise(stage: Stage) -> None:
    def raise_something(*_: object) -> None:
        raise ZeroDivisionError

    with pytest.raises(SessionConnectionError):
        await stage.start("refuses", **dict.fromkeys(Callbacks.__annotations__, raise_something))


async def never_awaited(stage: Stage) -> None:
    stage.start("talks")


class Steps:
    """Awaits something, and tells of each moment at which it waits.

    Attributes:
        done: at how many moments it has waited.

    Args:
        awaitable: is awaited.
        at_step: is called with the number of each moment, from 1.
    """

    def __init__(
        self, awaitable: Awaitable[Any], at_step: Callable[[int], None] = lambda number: None
    ) -> None:
        self._awaitable = awaitable
        self._at_step = at_step
        self.done = 0

    def __await__(self) -> Generator[Any, Any, Any]:
        inner = self._awaitable.__await__()
        step: Callable[[], Any] = partial(next, inner)
        while True:
            try:
                waits_for = step()
            except StopIteration as stop:
                return stop.value
            self.done += 1
            self._at_step(self.done)
            try:
                step = partial(inner.send, (yield waits_for))
            except BaseException as error:
                step = partial(inner.throw, error)


async def steps_of_start(stage: Stage) -> int:
    """At how many moments a start waits."""
    start = Steps(stage.start("talks"))
    await (await start).end_session()
    return start.done


def cancelled_at(*steps: int) -> Way:
    """A start that is cancelled at these moments. One that is through by then simply ends."""

    async def way(stage: Stage) -> None:
        def cancel(number: int) -> None:
            if number in steps:
                running.cancel()

        async def run() -> None:
            conversation = await start
            await conversation.end_session()
            await ended(conversation, BY_USER)

        start = Steps(stage.start("talks"), cancel)
        running = asyncio.create_task(run())
        async with asyncio.timeout(LIMIT_S):
            [outcome] = await asyncio.gather(running, return_exceptions=True)
        if start.done < steps[0]:
            assert outcome is None
        else:
            assert isinstance(outcome, asyncio.CancelledError)

    way.__name__ = f"a_start_cancelled_at_{'_and_'.join(map(str, steps))}"
    return way


FAILURES: list[Way] = [
    failing(
        "nobody listens",
        SessionConnectionError,
        options=lambda stage: {"origin": stage.origins.nobody},
    ),
    failing(
        "http 403",
        SessionConnectionError,
        options=lambda stage: {"origin": stage.origins.forbidding},
    ),
    failing(
        "http 404",
        SessionConnectionError,
        options=lambda stage: {"signed_url": f"{stage.origins.agent}/elsewhere?agent_id=a"},
    ),
    failing(
        "the handshake is hung up on",
        SessionConnectionError,
        options=lambda stage: {"origin": stage.origins.hanging_up},
    ),
    failing(
        "the handshake is ignored",
        SessionConnectionError,
        options=lambda stage: {"origin": stage.origins.ignoring, "connect_timeout": 0.05},
    ),
    failing(
        "no metadata in time",
        SessionConnectionError,
        "stays silent",
        lambda stage: {"connect_timeout": 0.1},
    ),
    failing("closed before the metadata", SessionConnectionError, "refuses"),
    failing("lost before the metadata", SessionConnectionError, "vanishes at once"),
    failing("something else than metadata", SessionConnectionError, "says something else first"),
    with_callbacks_that_raise,
    never_awaited,
]

SPOKEN_FAILURES: list[Way] = [
    failing("a format that is none", UnsupportedAudioFormat, "speaks mp3"),
    failing("no format", SessionConnectionError, "speaks in no format"),
    failing(
        "closed while devices open",
        SessionConnectionError,
        "closes meanwhile",
        lambda stage: {"microphone": SlowMicrophone()},
    ),
    failing(
        "the microphone cannot be opened",
        DeviceError,
        options=lambda stage: {"microphone": UnopenableMicrophone()},
    ),
    failing(
        "the speaker cannot be opened",
        DeviceError,
        options=lambda stage: {"speaker": UnopenableSpeaker()},
    ),
]
"""Failures that only spoken sessions have."""
