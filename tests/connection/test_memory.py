from __future__ import annotations

import asyncio

import pytest

from duologue.connection.http.endpoints import conversation_url
from duologue.connection.memory import (
    FRAMES_LIMIT,
    MemoryConnection,
    MemoryListener,
    MemoryPeer,
)
from duologue.dialogue.values import Disconnection
from duologue.errors import SessionConnectionError
from duologue.protocol.client_messages import UserMessage
from duologue.protocol.codec import MalformedEvent, encode_client_message, encode_server_event
from duologue.protocol.server_events import PingEvent

LOST = Disconnection.by_close(1006, None)


def connected(*subprotocols: str) -> tuple[MemoryConnection, MemoryPeer]:
    peers: list[MemoryPeer] = []
    listener = MemoryListener(peers.append)
    url = conversation_url(listener.origin, "a&b c")
    connection = MemoryConnection.open(url, subprotocols=subprotocols)
    listener.close()
    return connection, peers[0]


async def test_the_agent_sees_how_it_is_called() -> None:
    _, peer = connected("convai", "bearer.token")
    assert peer.query["agent_id"] == "a&b c"
    assert peer.query["source"] == "duologue"
    assert peer.subprotocols == ["convai", "bearer.token"]


async def test_messages_travel_as_frames_in_both_directions() -> None:
    connection, peer = connected()
    await connection.send(UserMessage(text="Hello"))
    await peer.send(encode_server_event(PingEvent(event_id=1)))
    await peer.send(b"{")
    assert await peer.receive() == encode_client_message(UserMessage(text="Hello"))
    assert await connection.receive() == PingEvent(event_id=1)
    assert isinstance(await connection.receive(), MalformedEvent)


async def test_a_close_of_the_agent_is_told_after_what_it_sent() -> None:
    connection, peer = connected()
    await peer.send(encode_server_event(PingEvent(event_id=1)))
    await peer.close(1008, "no")
    await peer.close(1000, "")
    assert await connection.receive() == PingEvent(event_id=1)
    assert await connection.receive() == Disconnection.by_close(1008, "no")
    assert peer.close_code == 1008
    await connection.send(UserMessage(text="to nobody"))
    assert await peer.receive() is None


async def test_an_agent_that_vanishes_is_a_lost_connection() -> None:
    connection, peer = connected()
    peer.vanish()
    assert await connection.receive() == LOST


async def test_a_close_of_the_client_is_told_after_what_it_sent() -> None:
    connection, peer = connected()
    assert peer.close_code is None
    await connection.send(UserMessage(text="Bye"))
    await connection.close()
    await connection.close()
    assert await peer.receive() is not None
    assert await peer.receive() is None
    assert peer.close_code == 1000
    await peer.send("to nobody")
    assert await connection.receive() == LOST


async def test_a_receive_that_waits_learns_of_the_end() -> None:
    connection, peer = connected()
    waiting = [asyncio.ensure_future(connection.receive()), asyncio.ensure_future(peer.receive())]
    await asyncio.sleep(0)
    await connection.close()
    assert await asyncio.gather(*waiting) == [LOST, None]


async def test_nothing_is_lost_when_a_receive_is_cancelled() -> None:
    connection, peer = connected()
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(connection.receive(), 0.001)
    await peer.send(encode_server_event(PingEvent(event_id=1)))
    assert await connection.receive() == PingEvent(event_id=1)


@pytest.mark.parametrize("agent_goes", [False, True])
async def test_a_sender_waits_for_a_receiver_that_takes_nothing(agent_goes: bool) -> None:
    connection, peer = connected()
    for _ in range(FRAMES_LIMIT):
        await connection.send(UserMessage(text="more"))
    one_more = asyncio.ensure_future(connection.send(UserMessage(text="one more")))
    await asyncio.sleep(0)
    assert not one_more.done()
    if agent_goes:
        peer.vanish()
    else:
        await peer.receive()
    await asyncio.wait_for(one_more, 5)


async def test_an_agent_that_is_not_there_cannot_be_called() -> None:
    listener = MemoryListener(lambda peer: None)
    listener.close()
    with pytest.raises(SessionConnectionError, match=listener.origin) as raised:
        MemoryConnection.open(conversation_url(listener.origin, "a"), subprotocols=())
    assert raised.value.close_code == 1006


async def test_an_agent_of_another_event_loop_cannot_be_called() -> None:
    listener = MemoryListener(lambda peer: None)

    async def call() -> None:
        MemoryConnection.open(conversation_url(listener.origin, "a"), subprotocols=())

    with pytest.raises(SessionConnectionError, match="another event loop"):
        await asyncio.to_thread(lambda: asyncio.run(call()))
    listener.close()


async def test_what_can_go_at_once_does_and_the_rest_waits() -> None:
    connection, peer = connected()
    message = UserMessage(text="Hello")
    assert all(connection.send_at_once(message) for _ in range(FRAMES_LIMIT))
    assert not connection.send_at_once(message)
    assert await peer.receive() == encode_client_message(message)
    assert connection.send_at_once(message)
    peer.vanish()
    assert connection.send_at_once(message)  # to nobody
