"""What only this kind of socket has to do itself; the rest is in `test_opening.py`."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import picows
import pytest

from duologue.connection.http.endpoints import conversation_url
from duologue.connection.websocket import picows_socket
from duologue.connection.websocket.ends import subprotocols
from duologue.connection.websocket.picows_socket import WAITING_LIMIT, LeanWebSocketConnection
from duologue.dialogue.values import Disconnection
from duologue.protocol.codec import encode_server_event, message_of
from duologue.protocol.server_events import PingEvent
from duologue.testing.scripted_agent import ScriptedAgent, ScriptedCall
from tests.conversation.fakes import eventually

PING = encode_server_event(PingEvent(event_id=1)).encode()
TEXT, BINARY, CONTINUATION = (
    picows.WSMsgType.TEXT,
    picows.WSMsgType.BINARY,
    picows.WSMsgType.CONTINUATION,
)


class Server(picows.WSListener):
    """Says what a test wants, as soon as somebody is there."""

    def __init__(self, says: Callable[[picows.WSTransport], None]) -> None:
        super().__init__()
        self._says = says

    def on_ws_connected(self, transport: picows.WSTransport) -> None:
        self._says(transport)


@asynccontextmanager
async def connected(
    says: Callable[[picows.WSTransport], None],
) -> AsyncIterator[LeanWebSocketConnection]:
    server = await picows.ws_create_server(lambda request: Server(says), "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    connection = await LeanWebSocketConnection.open(
        conversation_url(f"ws://127.0.0.1:{port}", "a"),
        timeout_s=5,
        subprotocols=subprotocols(None),
    )
    try:
        yield connection
    finally:
        await connection.close()
        server.close()
        await server.wait_closed()


async def received(connection: LeanWebSocketConnection) -> Any:
    async with asyncio.timeout(5):
        return await connection.receive()


@pytest.mark.parametrize("kind", [TEXT, BINARY])
async def test_a_message_in_pieces_is_put_together(kind: picows.WSMsgType) -> None:
    def says(transport: picows.WSTransport) -> None:
        transport.send(kind, PING[:5], fin=False)
        transport.send_ping(b"between")
        transport.send(CONTINUATION, PING[5:20], fin=False)
        transport.send(CONTINUATION, PING[20:])
        transport.send(TEXT, PING)

    async with connected(says) as connection:
        assert [await received(connection) for _ in range(2)] == [PingEvent(event_id=1)] * 2


async def test_a_letter_may_be_cut_between_two_pieces() -> None:
    frame = '{"type":"agent_response","agent_response_event":{"agent_response":"ü"}}'.encode()
    cut = frame.index("ü".encode()) + 1

    def says(transport: picows.WSTransport) -> None:
        transport.send(TEXT, frame[:cut], fin=False)
        transport.send(CONTINUATION, frame[cut:])

    async with connected(says) as connection:
        assert message_of(await received(connection)).agent_response == "ü"


@pytest.mark.parametrize("first", [CONTINUATION, TEXT])
async def test_pieces_that_do_not_follow_one_another_end_the_connection(
    first: picows.WSMsgType,
) -> None:
    def says(transport: picows.WSTransport) -> None:
        transport.send(first, b"{", fin=False)
        transport.send(TEXT, b"}")

    async with connected(says) as connection:
        end = await received(connection)
    assert isinstance(end, Disconnection)
    assert (end.reason, end.close_code) == ("error", 1002)


async def test_pieces_have_a_limit_together(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(picows_socket, "MAX_FRAME_BYTES", 1000)

    def says(transport: picows.WSTransport) -> None:
        transport.send(TEXT, b"x" * 600, fin=False)
        transport.send(CONTINUATION, b"x" * 600)

    async with connected(says) as connection:
        end = await received(connection)
    assert isinstance(end, Disconnection)
    assert (end.reason, end.close_code) == ("error", 1009)


async def test_a_server_waits_while_too_much_waits_here() -> None:
    async def script(call: ScriptedCall) -> None:
        for event_id in range(3 * WAITING_LIMIT):
            await call.send(PingEvent(event_id=event_id))

    async with ScriptedAgent(script) as agent:
        connection = await LeanWebSocketConnection.open(
            conversation_url(agent.origin, "a"), timeout_s=5, subprotocols=("convai",)
        )
        waiting = connection._frames._waiting
        await eventually(lambda: len(waiting) >= WAITING_LIMIT)
        await asyncio.sleep(0.1)
        # What was read already is kept: 256 KiB at most, of 40 bytes each.
        assert len(waiting) < 3 * WAITING_LIMIT or connection._frames._paused is not None
        ids = [(await received(connection)).event_id for _ in range(3 * WAITING_LIMIT)]
        assert ids == list(range(3 * WAITING_LIMIT))
        await connection.close()


async def test_what_came_before_is_handed_over_first() -> None:
    def says(transport: picows.WSTransport) -> None:
        for _ in range(5):
            transport.send(TEXT, PING)
        transport.send_close(picows.WSCloseCode(1000), b"done")

    taken: list[object] = []
    async with connected(says) as connection:
        first = await received(connection)
        async with asyncio.timeout(5):
            end = await connection.receive_all(taken.append)
    assert [first, *taken] == [PingEvent(event_id=1)] * 5
    assert (end.close_code, end.close_reason) == (1000, "done")


async def test_what_goes_wrong_where_messages_are_taken_is_raised_there() -> None:
    def says(transport: picows.WSTransport) -> None:
        for _ in range(5):
            transport.send(TEXT, PING)

    taken = 0

    def fail(message: object) -> None:
        nonlocal taken
        taken += 1
        raise ZeroDivisionError

    async with connected(says) as connection:
        with pytest.raises(ZeroDivisionError):
            async with asyncio.timeout(5):
                await connection.receive_all(fail)
        await asyncio.sleep(0.05)
    assert taken == 1


async def test_picows_says_nothing_in_the_log_of_others(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)

    def says(transport: picows.WSTransport) -> None:
        transport.send(CONTINUATION, b"{")

    async with connected(says) as connection:
        await received(connection)
    assert not [record for record in caplog.records if "picows" in record.pathname]
