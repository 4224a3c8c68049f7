from __future__ import annotations

import pytest

from duologue.connection.http.endpoints import conversation_url
from duologue.connection.memory import MemoryConnection, MemoryListener
from duologue.connection.opening import open_connection
from duologue.connection.websocket.aiohttp_socket import WebSocketConnection
from duologue.errors import SessionConnectionError
from duologue.testing.script import Listen
from duologue.testing.scripted_agent import ScriptedAgent


async def test_a_socket_is_opened_to_a_server() -> None:
    async with ScriptedAgent([Listen()]) as agent:
        url = conversation_url(agent.origin, "a")
        connection = await open_connection(
            url, timeout_s=5, subprotocols=("convai", "bearer.token")
        )
        assert isinstance(connection, WebSocketConnection)
        await connection.close()
        assert agent.calls[0].subprotocols == ["convai", "bearer.token"]


async def test_no_socket_is_opened_to_an_agent_in_memory() -> None:
    listener = MemoryListener(lambda peer: None)
    url = conversation_url(listener.origin, "a")
    connection = await open_connection(url, timeout_s=5, subprotocols=("convai",))
    assert isinstance(connection, MemoryConnection)
    listener.close()
    with pytest.raises(SessionConnectionError, match="no agent"):
        await open_connection(url, timeout_s=5, subprotocols=("convai",))
