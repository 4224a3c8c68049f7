from __future__ import annotations

import asyncio
import traceback

import pytest

from duologue.connection.http.endpoints import conversation_url
from duologue.connection.websocket.opening import open_websocket
from duologue.errors import SessionConnectionError
from duologue.protocol.client_messages import UserMessage
from duologue.testing.scripted_agent import ScriptedAgent, ScriptedCall
from tests.connection.network import (
    HOST,
    go_through_none,
    port_of,
    proxy,
    socks_proxy,
    tcp_server,
    tls_in_front_of,
    trusting_context,
)

SECURE_URL = conversation_url(f"wss://{HOST}", "a")
PLAIN_URL = conversation_url(f"ws://{HOST}", "a")
REFUSAL = b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n"


@pytest.fixture(autouse=True)
def no_proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    go_through_none(monkeypatch)


async def listen(call: ScriptedCall) -> None:
    await call.receive_until_gone()


@pytest.mark.parametrize("scheme", ["socks5", "socks5h"])
@pytest.mark.parametrize("is_secure", [True, False])
async def test_a_conversation_goes_through_a_socks_proxy(
    scheme: str, is_secure: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with (
        ScriptedAgent(listen) as agent,
        tls_in_front_of(port_of(agent.origin)) as tls_port,
        socks_proxy(
            {f"{HOST}:443": tls_port, f"{HOST}:80": port_of(agent.origin)}, wants_password=True
        ) as way,
    ):
        monkeypatch.setenv("ALL_PROXY", f"{scheme}://me:sec%40ret@{way.host}")
        connection = await open_websocket(
            conversation_url(f"{'wss' if is_secure else 'ws'}://{HOST}", "a"),
            timeout_s=5,
            ssl_context=trusting_context() if is_secure else None,
        )
        await connection.send(UserMessage(text="Hello."))
        await connection.close()
        assert way.asked_for == [f"{HOST}:{443 if is_secure else 80}"]
        assert way.logins == ["me:sec@ret"]
    assert agent.calls[0].received == [UserMessage(text="Hello.")]


async def test_a_socks_proxy_that_refuses_is_named_without_its_password(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with socks_proxy({}, wants_password=True) as way:
        monkeypatch.setenv("ALL_PROXY", f"socks5://me:secret@{way.host}")
        with pytest.raises(
            SessionConnectionError, match=r"proxy on the way refused: .*ALL_PROXY"
        ) as (raised):
            await open_websocket(SECURE_URL, timeout_s=5)
    shown = "".join(traceback.format_exception(raised.value))
    assert "secret" not in shown


@pytest.mark.parametrize("url", [SECURE_URL, PLAIN_URL])
async def test_a_proxy_that_does_not_answer_is_named(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with tcp_server(_hang_up) as port:
        pass  # nobody listens there any more
    for scheme in ("socks5", "http"):
        monkeypatch.setenv("ALL_PROXY", f"{scheme}://me:secret@127.0.0.1:{port}")
        with pytest.raises(SessionConnectionError, match="proxy on the way does not answer") as (
            raised
        ):
            await open_websocket(url, timeout_s=5)
        assert "secret" not in "".join(traceback.format_exception(raised.value))


async def _hang_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Serve nobody."""


async def test_an_http_proxy_that_refuses_a_tunnel_is_named(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with proxy({}, refusal=REFUSAL) as way:
        monkeypatch.setenv("HTTP_PROXY", way.url)
        with pytest.raises(SessionConnectionError, match=r"the way refused: .*407"):
            await open_websocket(PLAIN_URL, timeout_s=5)
