from __future__ import annotations

import pytest

from duologue.connection.http.endpoints import conversation_url
from duologue.connection.http.failures import explanation
from duologue.connection.http.signed_urls import get_signed_url
from duologue.connection.websocket.opening import open_websocket
from duologue.errors import SessionConnectionError
from duologue.testing.scripted_agent import ScriptedAgent, ScriptedCall
from tests.connection.network import HOST, go_through, port_of, proxy, tls_in_front_of


def test_a_failure_of_the_network_has_the_systems_own_words() -> None:
    assert explanation(ConnectionRefusedError(111, "Connection refused")) == (
        "(Connection refused); is the server running, and is `origin` right?"
    )


def test_a_failure_without_words_is_named() -> None:
    assert explanation(ConnectionResetError()).startswith("(ConnectionResetError); is the server")


async def test_a_certificate_that_is_not_trusted_is_told_with_what_to_do(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def listen(call: ScriptedCall) -> None:
        await call.receive_until_gone()

    pattern = r"certificate is not trusted: self.signed certificate\).* `ssl_context`"
    async with (
        ScriptedAgent(listen) as agent,
        tls_in_front_of(port_of(agent.origin)) as port,
        proxy({f"{HOST}:443": port}) as way,
    ):
        go_through(way.url, monkeypatch)
        with pytest.raises(SessionConnectionError, match=pattern):
            await open_websocket(conversation_url(f"wss://{HOST}", "a"), timeout_s=5)
        with pytest.raises(SessionConnectionError, match=pattern):
            await get_signed_url("a", api_key="k", origin=f"wss://{HOST}")
    assert agent.calls == []
