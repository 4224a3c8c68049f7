from __future__ import annotations

import asyncio
import base64
import gc
import hashlib
import json
import logging
import time
import traceback
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress

import pytest
from aiohttp import web

from duologue.connection.base import Connection
from duologue.connection.http.endpoints import conversation_url, signed_conversation_url
from duologue.connection.websocket import aiohttp_socket, picows_socket
from duologue.connection.websocket.aiohttp_socket import WebSocketConnection
from duologue.connection.websocket.ends import subprotocols
from duologue.connection.websocket.opening import open_websocket
from duologue.connection.websocket.picows_socket import LeanWebSocketConnection
from duologue.dialogue.values import Disconnection
from duologue.errors import SessionConnectionError
from duologue.protocol.client_messages import (
    ConversationInitiation,
    SourceInfo,
    UserAudioChunk,
    UserMessage,
)
from duologue.protocol.codec import MalformedEvent
from duologue.protocol.server_events import PingEvent
from duologue.testing.script import Begin, Listen, Say
from duologue.testing.scripted_agent import Script, ScriptedAgent, ScriptedCall
from tests.connection.network import port_of, tls_in_front_of, trusting_context
from tests.conversation.fakes import eventually

PING_FRAME = '{"type":"ping","ping_event":{"event_id":1,"ping_ms":null}}'


pytestmark = pytest.mark.usefixtures("each_websocket")


@asynccontextmanager
async def connected(
    script: Script, *, authorization: str | None = None
) -> AsyncIterator[tuple[Connection, ScriptedAgent]]:
    async with ScriptedAgent(script) as agent:
        connection = await open_websocket(
            conversation_url(agent.origin, "agent/1 ü&x"),
            subprotocols=subprotocols(authorization),
            timeout_s=5.0,
        )
        try:
            yield connection, agent
        finally:
            await connection.close()


async def ended(connection: Connection) -> Disconnection:
    async with asyncio.timeout(5):
        while not isinstance(received := await connection.receive(), Disconnection):
            pass
        return received


async def wait_for_the_end(call: ScriptedCall) -> None:
    await call.receive_until_gone()


async def test_picows_is_taken_where_it_is_there(each_websocket: bool) -> None:
    async with connected(wait_for_the_end) as (connection, _):
        kind = LeanWebSocketConnection if each_websocket else WebSocketConnection
        assert type(connection) is kind


async def test_the_agents_id_arrives_as_it_is() -> None:
    async with connected(wait_for_the_end) as (_, agent):
        assert agent.calls[0].query["agent_id"] == "agent/1 ü&x"


async def test_the_signature_of_a_signed_url_arrives_as_it_is() -> None:
    async with ScriptedAgent(wait_for_the_end) as agent:
        url = f"{agent.origin}/v1/convai/conversation?agent_id=a%20b&signature=x%2By%2Fz%3D%26"
        connection = await open_websocket(signed_conversation_url(url), timeout_s=5.0)
        await connection.close()
        assert agent.calls[0].query["signature"] == "x+y/z=&"


@pytest.mark.parametrize(
    ("authorization", "offered"), [(None, ["convai"]), ("abc", ["convai", "bearer.abc"])]
)
async def test_the_subprotocols_carry_the_authorization(
    authorization: str | None, offered: list[str]
) -> None:
    async with connected(wait_for_the_end, authorization=authorization) as (_, agent):
        assert agent.calls[0].subprotocols == offered


async def test_no_subprotocol_is_offered_if_none_is_wanted() -> None:
    async with ScriptedAgent(wait_for_the_end) as agent:
        url = conversation_url(agent.origin, "a")
        connection = await open_websocket(url, timeout_s=5.0, subprotocols=())
        await connection.close()
        assert agent.calls[0].subprotocols == []


async def test_messages_arrive_as_the_contract_has_them() -> None:
    frames: list[str] = []

    async def handler(request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse(protocols=("convai",))
        await socket.prepare(request)
        frames.extend([await socket.receive_str(), await socket.receive_str()])
        return socket

    async with serving(handler) as origin:
        connection = await open_websocket(conversation_url(origin, "a"), timeout_s=5.0)
        await connection.send(
            ConversationInitiation(
                dynamic_variables={"name": "Zoë"},
                source_info=SourceInfo(source="duologue", version="1"),
            )
        )
        await connection.send(UserAudioChunk(audio=b"\x01\x02"))
        await ended(connection)
        await connection.close()
    assert [json.loads(frame) for frame in frames] == [
        {
            "type": "conversation_initiation_client_data",
            "dynamic_variables": {"name": "Zoë"},
            "source_info": {"source": "duologue", "version": "1"},
        },
        {"user_audio_chunk": "AQI="},
    ]


async def test_text_and_binary_frames_are_read_alike() -> None:
    async def script(call: ScriptedCall) -> None:
        await call.send_frame(PING_FRAME)
        await call.send_frame(PING_FRAME.encode())

    async with connected(script) as (connection, _):
        assert [await connection.receive() for _ in range(2)] == [PingEvent(event_id=1)] * 2


@pytest.mark.parametrize("frame", ["", "{", "null", "[1]", "\x00", b"\xff\xfe", '{"type":"ping"}'])
async def test_garbage_is_handed_on_as_malformed(frame: str | bytes) -> None:
    async def script(call: ScriptedCall) -> None:
        await call.send_frame(frame)
        await call.send_frame(PING_FRAME)

    async with connected(script) as (connection, _):
        assert isinstance(await connection.receive(), MalformedEvent)
        assert await connection.receive() == PingEvent(event_id=1)


@pytest.mark.parametrize(
    ("code", "reason", "who"),
    [
        (1000, "that was all", "agent"),
        (1000, "", "agent"),
        (1002, "invalid message", "error"),
        (1008, "no such agent", "error"),
        (1011, "", "error"),
        (4000, "of our own", "error"),
    ],
)
async def test_the_close_of_the_server_tells_code_and_reason(
    code: int, reason: str, who: str
) -> None:
    async def script(call: ScriptedCall) -> None:
        await call.close(code, reason)

    async with connected(script) as (connection, _):
        end = await ended(connection)
    assert (end.reason, end.close_code, end.close_reason) == (who, code, reason or None)


async def test_a_close_is_told_right_after_a_receive_was_cancelled() -> None:
    async def script(call: ScriptedCall) -> None:
        await call.receive(UserMessage)
        await call.close(1008, "no more")

    async with connected(script) as (connection, _):
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(connection.receive(), 0.01)
        await connection.send(UserMessage(text="go on"))
        assert (await ended(connection)).close_code == 1008


async def test_nothing_is_lost_when_a_receive_is_cancelled() -> None:
    async def script(call: ScriptedCall) -> None:
        for event_id in range(50):
            await call.send(PingEvent(event_id=event_id))
            await asyncio.sleep(0.001)
        await call.receive_until_gone()

    received: list[object] = []
    async with connected(script) as (connection, _):
        while len(received) < 50:
            try:
                received.append(await asyncio.wait_for(connection.receive(), 0.0005))
            except TimeoutError:
                continue
    assert received == [PingEvent(event_id=event_id) for event_id in range(50)]


@asynccontextmanager
async def tcp_server(
    serve: Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]],
) -> AsyncIterator[str]:
    """A server that is no web server; gives its origin. Leaving waits until all have gone."""
    visits: list[asyncio.Event] = []

    async def visit(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        gone = asyncio.Event()
        visits.append(gone)
        await serve(reader, writer)
        writer.close()
        with suppress(ConnectionError):
            await writer.wait_closed()
        gone.set()

    async with await asyncio.start_server(visit, "127.0.0.1", 0) as server:
        yield "ws://{}:{}".format(*server.sockets[0].getsockname()[:2])
        await asyncio.wait_for(asyncio.gather(*(gone.wait() for gone in visits)), 5)


def vanishing(
    answer: bytes, *, abort: bool = False, until: asyncio.Event | None = None
) -> AbstractAsyncContextManager[str]:
    """A server that accepts the handshake, sends `answer`, says nothing `until`, and is gone."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        request = (await reader.readuntil(b"\r\n\r\n")).decode()
        key = next(
            line.partition(": ")[2]
            for line in request.splitlines()
            if line.lower().startswith("sec-websocket-key")
        )
        writer.write(
            b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            + f"Sec-WebSocket-Accept: {accept_of(key)}\r\n".encode()
            + b"Sec-WebSocket-Protocol: convai\r\n\r\n"
            + answer
        )
        await writer.drain()
        if until is not None:
            await until.wait()
        if abort:
            writer.transport.abort()

    return tcp_server(serve)


def accept_of(key: str) -> str:
    """How a server answers the key of a handshake (RFC 6455, 4.2.2)."""
    digest = hashlib.sha1(f"{key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11".encode()).digest()
    return base64.b64encode(digest).decode()


@pytest.mark.parametrize("abort", [True, False])
async def test_a_server_that_vanishes_is_an_error_whatever_its_socket_says(abort: bool) -> None:
    async with vanishing(b"", abort=abort) as origin:
        connection = await open_websocket(conversation_url(origin, "a"), timeout_s=5.0)
        end = await ended(connection)
        await connection.close()
    assert (end.reason, end.close_code) == ("error", 1006)
    assert end.message == "the connection to the server was lost"


async def test_a_server_that_falls_silent_without_a_word_is_noticed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for module in (aiohttp_socket, picows_socket):
        monkeypatch.setattr(module, "HEARTBEAT_S", 0.05)
    done = asyncio.Event()

    async with vanishing(b"", until=done) as origin:
        connection = await open_websocket(conversation_url(origin, "a"), timeout_s=5.0)
        end = await ended(connection)
        await connection.close()
        done.set()
    assert (end.reason, end.close_code) == ("error", 1006)


async def test_a_close_frame_without_a_code_is_an_error() -> None:
    async with vanishing(b"\x88\x00") as origin:
        connection = await open_websocket(conversation_url(origin, "a"), timeout_s=5.0)
        end = await ended(connection)
        await connection.close()
    assert (end.reason, end.close_code) == ("error", 1005)


async def test_a_frame_that_is_too_large_ends_the_connection_and_says_why() -> None:
    async def script(call: ScriptedCall) -> None:
        await call.send_frame("x" * 20_000_000)
        await call.receive_until_gone()

    async with connected(script) as (connection, _):
        end = await ended(connection)
    assert (end.reason, end.close_code) == ("error", 1009)
    assert type(end.close_code) is int
    assert end.message is not None
    assert "broke its rules" in end.message


async def test_a_large_frame_within_the_limit_is_taken() -> None:
    async def script(call: ScriptedCall) -> None:
        await call.send_frame("x" * 10_000_000)

    async with connected(script) as (connection, _):
        assert isinstance(await connection.receive(), MalformedEvent)


async def test_a_frame_that_is_no_text_ends_the_connection() -> None:
    async with vanishing(b"\x81\x02\xff\xff") as origin:
        connection = await open_websocket(conversation_url(origin, "a"), timeout_s=5.0)
        end = await ended(connection)
        await connection.close()
    assert (end.reason, end.close_code) == ("error", 1007)


async def test_closing_twice_is_harmless_and_regular() -> None:
    async with connected(wait_for_the_end) as (connection, agent):
        await connection.close()
        await connection.close()
    assert agent.calls[0].close_code == 1000


async def test_closing_while_a_receive_waits_ends_that_receive() -> None:
    async with connected(wait_for_the_end) as (connection, _):
        receiving = asyncio.create_task(connection.receive())
        await asyncio.sleep(0)
        await connection.close()
        assert isinstance(await asyncio.wait_for(receiving, 5), Disconnection)


async def test_after_the_close_sending_does_nothing_and_receiving_tells_the_end() -> None:
    async with connected(wait_for_the_end) as (connection, _):
        await connection.close()
        await connection.send(UserMessage(text="too late"))
        assert isinstance(await connection.receive(), Disconnection)


async def test_closing_is_limited_though_the_server_goes_on_talking(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for module in (aiohttp_socket, picows_socket):
        monkeypatch.setattr(module, "CLOSE_LIMIT_S", 0.2)

    async def script(call: ScriptedCall) -> None:
        for _ in range(1000):
            await call.send(PingEvent(event_id=1))
            await asyncio.sleep(0.01)

    async with connected(script) as (connection, _):
        started_s = time.monotonic()
        await connection.close()
        assert time.monotonic() - started_s < 3


@asynccontextmanager
async def serving(
    handler: Callable[[web.Request], Awaitable[web.StreamResponse]],
) -> AsyncIterator[str]:
    """A web server that answers a call with `handler`; gives its origin."""
    app = web.Application()
    app.router.add_get("/v1/convai/conversation", handler)
    runner = web.AppRunner(app, shutdown_timeout=1.0)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield "ws://{}:{}".format(*runner.addresses[0][:2])
    finally:
        await runner.cleanup()


async def failing_start(url: str, timeout_s: float = 5.0) -> SessionConnectionError:
    with pytest.raises(SessionConnectionError) as raised:
        await open_websocket(url, timeout_s=timeout_s)
    return raised.value


@pytest.mark.parametrize("status", [403, 404, 500])
async def test_a_refusal_tells_the_status(status: int) -> None:
    async def refuse(request: web.Request) -> web.Response:
        return web.Response(status=status)

    async with serving(refuse) as origin:
        error = await failing_start(conversation_url(origin, "a"))
    assert f"{origin} refused the conversation with HTTP status {status}" in str(error)
    assert error.close_code == 1006


async def test_a_redirect_is_not_followed_because_it_would_carry_the_token_elsewhere() -> None:
    async def redirect(request: web.Request) -> web.Response:
        raise web.HTTPFound("http://127.0.0.1:1/elsewhere?signature=secret")

    async with serving(redirect) as origin:
        error = await failing_start(f"{conversation_url(origin, 'a')}&signature=secret")
    assert f"{origin} redirects the conversation to another address" in str(error)
    assert "secret" not in "".join(traceback.format_exception(error))


async def test_a_port_where_nobody_listens_says_so(unused_tcp_port: int) -> None:
    error = await failing_start(conversation_url(f"ws://127.0.0.1:{unused_tcp_port}", "a"))
    assert "cannot be reached" in str(error)
    assert error.close_code == 1006


async def test_a_server_that_never_answers_the_handshake_is_given_up() -> None:
    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()

    async with tcp_server(silent) as origin:
        error = await failing_start(conversation_url(origin, "a"), timeout_s=0.1)
    assert "within 0.1 s" in str(error)
    assert "connect_timeout" in str(error)


async def test_a_server_that_speaks_another_language_is_told() -> None:
    async def babble(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readline()
        writer.write(b"220 mail.example ESMTP\r\n")

    async with tcp_server(babble) as origin:
        error = await failing_start(conversation_url(origin, "a"))
    assert "cannot be reached" in str(error)


async def test_a_cancelled_start_leaves_no_socket_behind() -> None:
    arrived, gone = asyncio.Event(), asyncio.Event()

    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        arrived.set()
        await reader.read()
        gone.set()

    async with tcp_server(silent) as origin:
        url = conversation_url(origin, "a")
        opening = asyncio.create_task(open_websocket(url, timeout_s=5.0))
        await asyncio.wait_for(arrived.wait(), 5)
        opening.cancel()
        with pytest.raises(asyncio.CancelledError):
            await opening
        await asyncio.wait_for(gone.wait(), 5)
    gc.collect()  # an unclosed session would warn, and warnings are errors


async def test_secrets_are_shown_nowhere(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)

    async def refuse(request: web.Request) -> web.Response:
        return web.Response(status=403)

    async with serving(refuse) as origin:
        host = origin.removeprefix("ws://")
        url = f"ws://name:secret@{host}/v1/convai/conversation?signature=secret"
        error = await failing_start(url)
    shown = f"{error!s} {error!r} {''.join(traceback.format_exception(error))}"
    client_log = " ".join(
        record.getMessage() for record in caplog.records if record.name == "duologue"
    )
    assert "secret" not in shown
    assert "secret" not in client_log


async def test_a_message_may_go_at_once_and_keeps_its_place() -> None:
    received: list[object] = []

    async def script(call: ScriptedCall) -> None:
        received.extend([await call.receive(UserMessage) for _ in range(3)])

    async with connected(script) as (connection, _):
        await connection.send(UserMessage(text="1"))
        assert connection.send_at_once(UserMessage(text="2"))
        await connection.send(UserMessage(text="3"))
        await ended(connection)
    assert received == [UserMessage(text=text) for text in "123"]


async def test_nothing_goes_at_once_to_a_server_that_does_not_read() -> None:
    reads = asyncio.Event()

    async def script(call: ScriptedCall) -> None:
        await reads.wait()

    chunk = UserAudioChunk(audio=bytes(48_000))
    async with connected(script) as (connection, _):
        taken = 0
        while connection.send_at_once(chunk):
            taken += 1
            assert taken < 10_000
            await asyncio.sleep(0)
        assert not connection.send_at_once(chunk)
        reads.set()


async def test_what_goes_at_once_after_the_end_goes_nowhere() -> None:
    async def leave(call: ScriptedCall) -> None:
        await call.close(1000)

    async with connected(leave) as (connection, _):
        await ended(connection)
        assert connection.send_at_once(UserMessage(text="to nobody"))


async def test_a_certificate_that_nobody_trusts_is_named() -> None:
    async with (
        ScriptedAgent(wait_for_the_end) as agent,
        tls_in_front_of(port_of(agent.origin)) as port,
    ):
        error = await failing_start(conversation_url(f"wss://127.0.0.1:{port}", "a"))
    assert "its certificate is not trusted" in str(error)
    assert "`ssl_context`" in str(error)


async def test_a_certificate_of_another_host_is_not_taken() -> None:
    async with (
        ScriptedAgent(wait_for_the_end) as agent,
        tls_in_front_of(port_of(agent.origin)) as port,
    ):
        url = conversation_url(f"wss://127.0.0.1:{port}", "a")
        with pytest.raises(SessionConnectionError, match="certificate is not trusted"):
            await open_websocket(url, timeout_s=5, ssl_context=trusting_context())
    assert agent.calls == []


async def test_tls_is_done_as_the_caller_wants_it() -> None:
    context = trusting_context()
    context.check_hostname = False
    async with (
        ScriptedAgent([Begin(), Say(PingEvent(event_id=1)), Listen()]) as agent,
        tls_in_front_of(port_of(agent.origin)) as port,
    ):
        url = conversation_url(f"wss://127.0.0.1:{port}", "a")
        connection = await open_websocket(url, timeout_s=5, ssl_context=context)
        await connection.send(ConversationInitiation())
        await connection.receive()
        assert await connection.receive() == PingEvent(event_id=1)
        assert connection.send_at_once(UserMessage(text="Hello"))
        await connection.close()
        await eventually(lambda: agent.calls[0].close_code is not None)
    assert agent.calls[0].close_code == 1000
