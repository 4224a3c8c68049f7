"""The other side of the sessions: what each server does, all in one thread with its own loop."""

from __future__ import annotations

import asyncio
import threading
import types
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal, Union, get_args, get_origin

import msgspec

from duologue.protocol import server_events as events
from duologue.protocol.client_messages import UserMessage
from duologue.protocol.server_events import ConversationMetadataEvent, ServerEvent
from duologue.testing import Script, ScriptedAgent, ScriptedCall, play

Answer = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Any]

SOUND = events.AudioEvent(audio=b"\x00\x10" * 1600, event_id=1)
HANG_UP = events.AgentToolResponseEvent(
    tool_name="end_call",
    tool_call_id="call_1",
    tool_type="system",
    is_error=False,
    is_called=True,
    event_id=1,
)
TOO_LONG = events.ErrorEvent(error_type="max_duration_exceeded", message="ten minutes are over")
BROKEN = events.ErrorEvent(error_type="llm", message="the model is out of order", code=1011)
CALL_OF_TOOL = events.ClientToolCallEvent(
    tool_name="tool", tool_call_id="call_2", parameters={}, event_id=2
)


async def talks(call: ScriptedCall) -> None:
    """Greet, and listen for as long as the client likes."""
    await call.begin()
    await call.send(events.AgentResponseEvent(agent_response="Hello.", event_id=1))
    await call.send(SOUND)
    await call.receive_until_gone()


async def talks_on(call: ScriptedCall) -> None:
    """Talk without end, at about the pace of speech."""
    await call.begin()
    listening = asyncio.create_task(call.receive_until_gone())
    while not listening.done():
        await call.send(SOUND)
        await asyncio.sleep(0.02)


async def stays_silent(call: ScriptedCall) -> None:
    """Accept the call, and say nothing at all."""
    await call.receive_until_gone()


has_closed_meanwhile = threading.Event()
"""Set once a client knows that `closes_meanwhile` has closed."""


async def closes_meanwhile(call: ScriptedCall) -> None:
    """Close while the client's devices are still being opened."""
    await call.begin()
    await call.close(1011, "out of service")  # and wait for the client's own close frame
    has_closed_meanwhile.set()


def on_cue(*said: ServerEvent, then: Callable[[ScriptedCall], Any] | None = None) -> Script:
    """Greet, wait for the user's first message, say something, and do something."""

    async def script(call: ScriptedCall) -> None:
        await call.begin()
        await call.receive(UserMessage)
        for event in said:
            await call.send(event)
        if then is not None:
            await then(call)
        await call.receive_until_gone()

    return script


def at_once(*said: ServerEvent, then: Callable[[ScriptedCall], Any]) -> Script:
    """Say something that is no metadata, and do something."""

    async def script(call: ScriptedCall) -> None:
        for event in said:
            await call.send(event)
        await then(call)

    return script


def beginning_with(**metadata: str) -> Script:
    """Agree to the session, in the formats that are given."""

    async def script(call: ScriptedCall) -> None:
        await call.begin(ConversationMetadataEvent(conversation_id="conv_1", **metadata))
        await call.receive_until_gone()

    return script


def closing(code: int, reason: str = "") -> Callable[[ScriptedCall], Any]:
    """Close with a code and a reason."""
    return lambda call: call.close(code, reason)


async def vanishing(call: ScriptedCall) -> None:
    """Break off without a close frame."""
    call.vanish()


def every_event() -> list[ServerEvent]:
    """One of each type that a server may send."""
    return [example(kind) for kind in events.event_types()]


def example(annotation: Any) -> Any:
    """A value that an annotation allows."""
    simple = {str: "text", int: 1, float: 0.5, bool: False, bytes: bytes(320), Any: "any"}
    if annotation in simple:
        return simple[annotation]
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is Literal:
        return arguments[0]
    if origin in (Union, types.UnionType):
        return None if type(None) in arguments else example(arguments[0])
    if origin in (list, dict):
        return origin()
    fields = msgspec.structs.fields(annotation)
    return annotation(**{field.name: example(field.type) for field in fields})


SCRIPTS: dict[str, Script] = {
    "talks": talks,
    "talks on": talks_on,
    "stays silent": stays_silent,
    "closes 1000": on_cue(then=closing(1000, "that was all")),
    "closes 1000 in silence": on_cue(then=closing(1000)),
    "closes 1008": on_cue(then=closing(1008, "the quota is used up")),
    "closes 1011": on_cue(then=closing(1011)),
    "closes 3008": on_cue(then=closing(3008, "nobody is there")),
    "vanishes": on_cue(then=vanishing),
    "hangs up": on_cue(SOUND, HANG_UP),
    "exceeds the duration": on_cue(TOO_LONG),
    "reports an error and closes": on_cue(BROKEN, then=closing(1011, "out of order")),
    "calls a tool": on_cue(CALL_OF_TOOL),
    "calls a tool and closes": on_cue(CALL_OF_TOOL, then=closing(1000, "that was all")),
    "says everything": on_cue(*every_event()),
    "refuses": at_once(then=closing(1008, "no such agent")),
    "vanishes at once": at_once(then=vanishing),
    "says something else first": at_once(events.PingEvent(event_id=1), then=closing(1000)),
    "speaks mp3": beginning_with(agent_output_audio_format="mp3_44100"),
    "speaks in no format": beginning_with(),
    "closes meanwhile": closes_meanwhile,
}
"""What an agent of each name does."""


async def _play(call: ScriptedCall) -> None:
    await play(SCRIPTS[call.query["agent_id"]], call)


async def _refuse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.readuntil(b"\r\n\r\n")
    writer.write(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n")
    await writer.drain()
    writer.close()


async def _hang_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.readuntil(b"\r\n\r\n")
    writer.close()


async def _ignore(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.read()  # until the client has gone
    writer.close()


@dataclass(frozen=True)
class Origins:
    """Where the servers listen: one that plays the scripts, and some that are no agents."""

    agent: str
    forbidding: str
    hanging_up: str
    ignoring: str
    nobody: str


@contextmanager
def serving() -> Iterator[Origins]:
    """Serve from a thread of its own; leaving raises what a script raised."""
    ready: Future[tuple[Origins, Callable[[], object]]] = Future()
    with ThreadPoolExecutor(1, thread_name_prefix="servers") as executor:
        served = executor.submit(asyncio.run, _serve(ready))
        served.add_done_callback(lambda _: ready.done() or ready.cancel())
        origins, stop = ready.result(10)
        try:
            yield origins
        finally:
            stop()
            served.result(10)


async def _serve(ready: Future[tuple[Origins, Callable[[], object]]]) -> None:
    loop, stopped = asyncio.get_running_loop(), asyncio.Event()
    servers = [
        await asyncio.start_server(answer, "127.0.0.1", 0)
        for answer in (_refuse, _hang_up, _ignore, _ignore)
    ]
    others = [f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}" for server in servers]
    servers.pop().close()  # the last one's port is where nobody listens
    async with ScriptedAgent(_play) as agent:
        origins = Origins(agent.origin, *others)
        ready.set_result((origins, partial(loop.call_soon_threadsafe, stopped.set)))
        await stopped.wait()
    for server in servers:
        server.close()
        await server.wait_closed()
