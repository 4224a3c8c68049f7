"""A conversation's messages within one event loop, without a socket: how an agent in memory is
called.

Such an agent has an origin of its own, `memory://…`. Messages go as the same frames as over a
WebSocket, so that what cannot be written or read shows here, too.
"""

from __future__ import annotations

import asyncio
import itertools
from collections import deque
from collections.abc import Callable, Sequence
from typing import Final
from urllib.parse import parse_qsl, urlsplit

from duologue.audio.playout.jitter_buffer import START_MS
from duologue.connection.base import MESSAGE_MS, Take, each_received
from duologue.connection.http.endpoints import MEMORY_SCHEME, server_of
from duologue.dialogue.values import ABNORMAL_CLOSURE, NORMAL_CLOSURE, Disconnection
from duologue.errors import SessionConnectionError
from duologue.protocol.client_messages import ClientMessage
from duologue.protocol.codec import Frame, Incoming, decode_server_event, encode_client_message
from duologue.protocol.server_events import ConversationMetadataEvent

FRAMES_LIMIT: Final = 1000
"""How many frames wait in one direction; beyond it the sender waits until some were taken."""

_numbers = itertools.count(1)
_listeners: dict[str, MemoryListener] = {}


class MemoryListener:
    """Takes the calls to one origin until it is closed, in the event loop that made it.

    Attributes:
        origin: where it is called.
        accept: called with the agent's end of each new connection.
        loop: the event loop that it belongs to.
    """

    def __init__(self, accept: Callable[[MemoryPeer], None]) -> None:
        self.origin = f"{MEMORY_SCHEME}://agent-{next(_numbers)}"
        self.accept = accept
        self.loop = asyncio.get_running_loop()
        _listeners[self.origin] = self

    def close(self) -> None:
        """Take no more calls. Those that go on are not touched."""
        _listeners.pop(self.origin, None)


class MemoryConnection:
    """The client's end. See `duologue.connection.base.Connection`."""

    chunk_ms = MESSAGE_MS
    start_ms = START_MS

    def __init__(self, to_agent: _Frames, from_agent: _Frames) -> None:
        self._to_agent = to_agent
        self._from_agent = from_agent

    @classmethod
    def open(cls, url: str, *, subprotocols: Sequence[str]) -> MemoryConnection:
        """Call the agent at `url`.

        Raises:
            SessionConnectionError: there is none, or it belongs to another event loop.
        """
        origin = server_of(url)
        listener = _listeners.get(origin)
        if listener is None:
            raise SessionConnectionError(
                f"there is no agent at {origin}; is its `async with` block still open?",
                close_code=ABNORMAL_CLOSURE,
            )
        if listener.loop is not asyncio.get_running_loop():
            raise SessionConnectionError(
                f"the agent at {origin} belongs to another event loop, where it cannot be called; "
                "start it in this one, or take an agent behind a socket",
                close_code=ABNORMAL_CLOSURE,
            )
        to_agent, from_agent = _Frames(), _Frames()
        listener.accept(MemoryPeer(url, subprotocols, to_agent, from_agent))
        return cls(to_agent, from_agent)

    async def send(self, message: ClientMessage) -> None:
        """Send a message; see `Connection.send`."""
        await self._to_agent.put(encode_client_message(message))

    def send_at_once(self, message: ClientMessage) -> bool:
        """Send a message, unless too many wait; see `Connection.send_at_once`."""
        return self._to_agent.put_at_once(encode_client_message(message))

    async def receive(self) -> Incoming | Disconnection:
        """Wait for what comes next; see `Connection.receive`."""
        frame = await self._from_agent.take()
        return frame if isinstance(frame, Disconnection) else decode_server_event(frame)

    async def receive_all(self, take: Take) -> Disconnection:
        """Hand over what comes; see `Connection.receive_all`."""
        return await each_received(self.receive, take)

    def agreed(self, metadata: ConversationMetadataEvent) -> ConversationMetadataEvent:
        """All of it; see `Connection.agreed`."""
        return metadata

    async def close(self) -> None:
        """Close as the user's regular end; see `Connection.close`."""
        self._to_agent.finish(Disconnection.by_close(NORMAL_CLOSURE, None))
        self._from_agent.finish(Disconnection.by_close(ABNORMAL_CLOSURE, None))


class MemoryPeer:
    """The agent's end.

    Attributes:
        query: the query of the URL with which the client came.
        subprotocols: what the client would have offered to a WebSocket.
    """

    def __init__(
        self, url: str, subprotocols: Sequence[str], from_client: _Frames, to_client: _Frames
    ) -> None:
        self.query = dict(parse_qsl(urlsplit(url).query, keep_blank_values=True))
        self.subprotocols = list(subprotocols)
        self._from_client = from_client
        self._to_client = to_client

    @property
    def close_code(self) -> int | None:
        """The code with which the connection was closed; None while it is open."""
        end = self._from_client.end
        return None if end is None else end.close_code

    async def send(self, frame: Frame) -> None:
        """Send a frame. A client that has gone does not matter."""
        await self._to_client.put(frame)

    async def receive(self) -> Frame | None:
        """Wait for the client's next frame; None if it has gone. Cancelling loses nothing."""
        frame = await self._from_client.take()
        return None if isinstance(frame, Disconnection) else frame

    async def close(self, code: int, reason: str) -> None:
        """Close the connection after all that was sent. Closing twice is harmless."""
        self._finish(Disconnection.by_close(code, reason))

    def vanish(self) -> None:
        """Break the connection off, as a server that crashes does."""
        self._finish(Disconnection.by_close(ABNORMAL_CLOSURE, None))

    def _finish(self, end: Disconnection) -> None:
        self._to_client.finish(end)
        self._from_client.finish(end)


class _Frames:
    """Frames on their way in one direction, and the end after them.

    Attributes:
        end: what follows the last frame; None while more may come.
    """

    def __init__(self) -> None:
        self.end: Disconnection | None = None
        self._waiting: deque[Frame] = deque()
        self._changed = asyncio.Event()

    async def put(self, frame: Frame) -> None:
        """Let a frame follow, once there is room; after the end, do nothing."""
        while not self.put_at_once(frame):
            await self._change()

    def put_at_once(self, frame: Frame) -> bool:
        """Let a frame follow; false if too many wait. After the end it is taken for nothing."""
        if self.end is None:
            if len(self._waiting) >= FRAMES_LIMIT:
                return False
            self._waiting.append(frame)
            self._changed.set()
        return True

    async def take(self) -> Frame | Disconnection:
        """Wait for the next frame. The end is given again and again."""
        while not self._waiting:
            if self.end is not None:
                return self.end
            await self._change()
        self._changed.set()
        return self._waiting.popleft()

    def finish(self, end: Disconnection) -> None:
        """Let nothing follow but the end. The first end stays."""
        if self.end is None:
            self.end = end
            self._changed.set()

    async def _change(self) -> None:
        self._changed.clear()
        await self._changed.wait()
