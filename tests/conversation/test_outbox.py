from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from duologue.conversation.outbox import CONTROL_LIMIT, Outbox
from duologue.errors import ConversationEnded, SendQueueFull
from duologue.protocol.client_messages import UserAudioChunk, UserMessage
from tests.conversation.fakes import ManualConnection, eventually


def message(number: int) -> UserMessage:
    return UserMessage(text=str(number))


def chunk(number: int) -> UserAudioChunk:
    return UserAudioChunk(audio=bytes([number]))


@asynccontextmanager
async def sending(outbox: Outbox, connection: ManualConnection) -> AsyncIterator[None]:
    task = asyncio.create_task(outbox.send_all(connection.send))
    try:
        yield
    finally:
        task.cancel()
        await asyncio.wait([task])


async def test_messages_are_sent_in_order() -> None:
    outbox, connection = Outbox(audio_limit=3), ManualConnection()
    async with sending(outbox, connection):
        for number in range(3):
            outbox.put(message(number))
        await outbox.flush(1.0)
    assert connection.sent == [message(0), message(1), message(2)]


async def test_messages_go_before_sound() -> None:
    outbox, connection = Outbox(audio_limit=3), ManualConnection()
    outbox.put(chunk(1))
    outbox.put(message(1))
    async with sending(outbox, connection):
        await outbox.flush(1.0)
    assert connection.sent == [message(1), chunk(1)]


async def test_of_sound_that_waits_too_long_the_oldest_is_dropped_and_counted() -> None:
    outbox, connection = Outbox(audio_limit=3), ManualConnection()
    for number in range(5):
        outbox.put(chunk(number))
    assert outbox.dropped_audio == 2
    async with sending(outbox, connection):
        await outbox.flush(1.0)
    assert connection.sent == [chunk(2), chunk(3), chunk(4)]


async def test_more_messages_than_may_wait_are_refused() -> None:
    outbox = Outbox(audio_limit=3)
    for number in range(CONTROL_LIMIT):
        outbox.put(message(number))
    with pytest.raises(SendQueueFull, match="1024 messages wait"):
        outbox.put(message(0))
    outbox.put(chunk(0))  # sound has a limit of its own


async def test_other_threads_may_send() -> None:
    outbox, connection = Outbox(audio_limit=3), ManualConnection()

    def put_many() -> None:
        for number in range(100):
            outbox.put(message(number))

    threads = [threading.Thread(target=put_many) for _ in range(4)]
    async with sending(outbox, connection):
        for thread in threads:
            thread.start()
        await eventually(lambda: len(connection.sent) == 400)
    for thread in threads:
        thread.join()


async def test_what_another_thread_has_just_put_in_is_flushed() -> None:
    outbox, connection = Outbox(audio_limit=3), ManualConnection()
    async with sending(outbox, connection):
        await asyncio.sleep(0)
        thread = threading.Thread(target=outbox.put, args=(message(1),))
        thread.start()
        thread.join()  # without a turn of the loop, so that it has not been announced
        outbox.close()
        await outbox.flush(1.0)
        assert connection.sent == [message(1)]


async def test_once_closed_it_takes_nothing_and_forgets_sound() -> None:
    outbox, connection = Outbox(audio_limit=3), ManualConnection()
    outbox.put(message(1))
    outbox.put(chunk(1))
    outbox.close()
    with pytest.raises(ConversationEnded, match="a user_message message cannot be sent"):
        outbox.put(message(2))
    with pytest.raises(ConversationEnded, match="a sound message cannot be sent"):
        outbox.put(chunk(2))
    async with sending(outbox, connection):
        await outbox.flush(1.0)
    assert connection.sent == [message(1)]


async def test_flushing_is_limited_though_the_server_takes_nothing() -> None:
    outbox, connection = Outbox(audio_limit=3), ManualConnection()
    connection.takes.clear()
    outbox.put(message(1))
    async with sending(outbox, connection):
        await asyncio.wait_for(outbox.flush(0.02), 2.0)
    assert connection.sent == []


async def test_flushing_nothing_returns_at_once() -> None:
    await asyncio.wait_for(Outbox(audio_limit=3).flush(60.0), 2.0)


def test_a_loop_that_has_closed_has_ended_the_conversation() -> None:
    async def make() -> Outbox:
        return Outbox(audio_limit=3)

    outbox = asyncio.run(make())
    refusals: list[BaseException] = []

    def put() -> None:
        try:
            outbox.put(message(1))
        except ConversationEnded as error:
            refusals.append(error)

    thread = threading.Thread(target=put)
    thread.start()
    thread.join()
    assert len(refusals) == 1


async def test_it_is_clear_while_it_sends_and_nothing_waits() -> None:
    outbox, connection = Outbox(audio_limit=3), ManualConnection()
    assert not outbox.is_clear  # nobody sends yet
    async with sending(outbox, connection):
        await eventually(lambda: outbox.is_clear)
        outbox.put(message(1))
        assert not outbox.is_clear
        await eventually(lambda: outbox.is_clear)
        connection.takes.clear()
        outbox.put(chunk(1))
        await asyncio.sleep(0.01)
        assert not outbox.is_clear  # it is being sent
        connection.takes.set()
        await eventually(lambda: outbox.is_clear)
        outbox.close()
        assert not outbox.is_clear


async def test_it_is_not_clear_while_a_message_of_another_thread_waits() -> None:
    outbox, connection = Outbox(audio_limit=3), ManualConnection()
    async with sending(outbox, connection):
        await eventually(lambda: outbox.is_clear)
        thread = threading.Thread(target=outbox.put, args=[message(1)])
        thread.start()
        thread.join(5)
        assert not outbox.is_clear  # the loop has not been told yet
        await eventually(lambda: outbox.is_clear)
    assert connection.sent == [message(1)]
