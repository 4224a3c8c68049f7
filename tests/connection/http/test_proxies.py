from __future__ import annotations

import base64
import traceback

import pytest
from aiohttp import web

from duologue.connection.http.endpoints import conversation_url
from duologue.connection.http.proxies import proxy_for
from duologue.connection.http.signed_urls import get_signed_url
from duologue.connection.websocket.opening import open_websocket
from duologue.errors import SessionConnectionError
from duologue.protocol.client_messages import UserMessage
from duologue.testing.scripted_agent import ScriptedAgent, ScriptedCall
from tests.connection.network import (
    HOST,
    go_through,
    go_through_none,
    port_of,
    proxy,
    socks_proxy,
    tls_in_front_of,
    trusting_context,
)

REFUSAL = b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n"
SECURE_URL = conversation_url(f"wss://{HOST}", "a")


@pytest.fixture(autouse=True)
def no_proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    go_through_none(monkeypatch)


async def listen(call: ScriptedCall) -> None:
    await call.receive_until_gone()


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("wss://h/?a=1", "http://secure:1"),
        ("https://h/?a=1", "http://secure:1"),
        ("ws://h", "http://plain:1"),
        ("http://h:8080", "http://plain:1"),
        ("wss://direct.example/", None),
        ("wss://below.direct.example/", None),
    ],
)
async def test_a_websocket_goes_the_way_of_its_handshake(
    url: str, expected: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://secure:1")
    monkeypatch.setenv("http_proxy", "http://plain:1")
    monkeypatch.setenv("NO_PROXY", "direct.example")
    assert await proxy_for(url) == expected


async def test_without_variables_the_way_is_direct() -> None:
    assert await proxy_for("wss://h") is None


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1:8080", "[::1]:8080", "127.9.9.9"])
async def test_within_this_machine_the_way_is_direct(
    host: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", "http://plain:1")
    assert await proxy_for(f"ws://{host}/") is None


async def test_a_proxy_without_a_scheme_is_one_of_http(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("https_proxy", "secure:3128")
    assert await proxy_for("wss://h") == "http://secure:3128"


async def test_a_proxy_of_another_kind_is_refused_without_its_password(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("https_proxy", "quic://me:secret@h:1080")
    with pytest.raises(SessionConnectionError, match=r"quic://h:1080 .* HTTPS_PROXY") as raised:
        await open_websocket(SECURE_URL, timeout_s=5)
    assert "secret" not in str(raised.value)


async def test_a_conversation_over_tls_goes_through_a_proxy(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with (
        ScriptedAgent(listen) as agent,
        tls_in_front_of(port_of(agent.origin)) as port,
        proxy({f"{HOST}:443": port}) as way,
    ):
        go_through(way.url.replace("//", "//me:secret@"), monkeypatch)
        connection = await open_websocket(SECURE_URL, timeout_s=5, ssl_context=trusting_context())
        await connection.send(UserMessage(text="Hello."))
        await connection.close()
        assert way.request_lines == [f"CONNECT {HOST}:443 HTTP/1.1"]
        credentials = base64.b64encode(b"me:secret").decode()
        assert f"Proxy-Authorization: Basic {credentials}" in way.heads[0]
    assert agent.calls[0].received == [UserMessage(text="Hello.")]


async def test_a_conversation_without_tls_goes_through_a_proxy(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with (
        ScriptedAgent(listen) as agent,
        proxy({f"{HOST}:80": port_of(agent.origin)}) as way,
    ):
        go_through(way.url, monkeypatch)
        connection = await open_websocket(conversation_url(f"ws://{HOST}", "a"), timeout_s=5)
        await connection.close()
        assert way.request_lines == [f"CONNECT {HOST}:80 HTTP/1.1"]
    assert agent.calls[0].query["agent_id"] == "a"


@pytest.mark.parametrize(
    ("variables", "expected"),
    [
        ({"ALL_PROXY": "socks5h://all:1"}, "socks5h://all:1"),
        ({"all_proxy": "all:1"}, "http://all:1"),
        ({"ALL_PROXY": "socks5://all:1", "HTTPS_PROXY": "http://secure:1"}, "http://secure:1"),
        ({"ALL_PROXY": "socks5://all:1", "HTTP_PROXY": "http://plain:1"}, "socks5://all:1"),
        ({"ALL_PROXY": "socks5://all:1", "NO_PROXY": "h"}, None),
    ],
)
async def test_one_variable_may_name_the_proxy_for_all(
    variables: dict[str, str], expected: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert await proxy_for("wss://h") == expected


async def test_a_conversation_within_this_machine_goes_through_none(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with ScriptedAgent(listen) as agent, proxy({}) as way:
        go_through(way.url, monkeypatch)
        url = conversation_url(agent.origin, "a")
        await (await open_websocket(url, timeout_s=5)).close()
        assert way.heads == []


@pytest.mark.parametrize("kind", ["http", "socks"])
async def test_a_signed_url_is_asked_for_through_a_proxy(
    kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def answer(request: web.Request) -> web.Response:
        return web.json_response({"signed_url": f"wss://{HOST}/?s={request.headers['xi-api-key']}"})

    app = web.Application()
    app.router.add_get("/v1/convai/conversation/get-signed-url", answer)
    runner = web.AppRunner(app, shutdown_timeout=1.0)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    async with (
        tls_in_front_of(runner.addresses[0][1]) as port,
        proxy({f"{HOST}:443": port}) as way,
        socks_proxy({f"{HOST}:443": port}) as socks,
    ):
        go_through(way.url if kind == "http" else f"socks5h://{socks.host}", monkeypatch)
        url = await get_signed_url(
            "a", api_key="k", origin=f"wss://{HOST}", ssl_context=trusting_context()
        )
        went = [*way.request_lines, *socks.asked_for]
        assert went == [f"CONNECT {HOST}:443 HTTP/1.1" if kind == "http" else f"{HOST}:443"]
    await runner.cleanup()
    assert url == f"wss://{HOST}/?s=k"


async def test_a_proxy_that_refuses_is_blamed(monkeypatch: pytest.MonkeyPatch) -> None:
    async with proxy({}, REFUSAL) as way:
        go_through(way.url.replace("//", "//me:secret@"), monkeypatch)
        with pytest.raises(SessionConnectionError, match=r"the proxy .* HTTP status 407") as raised:
            await open_websocket(SECURE_URL, timeout_s=5)
    assert "secret" not in "".join(traceback.format_exception(raised.value))


async def test_a_proxy_that_is_not_there_is_blamed(
    monkeypatch: pytest.MonkeyPatch, unused_tcp_port: int
) -> None:
    go_through(f"http://me:secret@127.0.0.1:{unused_tcp_port}", monkeypatch)
    with pytest.raises(SessionConnectionError, match="the proxy on the way does not") as raised:
        await open_websocket(SECURE_URL, timeout_s=5)
    with pytest.raises(SessionConnectionError, match="the proxy on the way does not"):
        await get_signed_url("a", api_key="k", origin=f"wss://{HOST}")
    assert "secret" not in "".join(traceback.format_exception(raised.value))
