"""The queue in front of a client that may be slow, or gone."""

import asyncio

import pytest

from duologue.agent.call import ends
from duologue.agent.call.carrier import Outbox
from duologue.agent.limits import CallLimits
from duologue.protocol.server_events import ServerEvent, VadScoreEvent


class FakeCarrier:
    def __init__(self) -> None:
        self.sent: list[ServerEvent] = []
        self.is_reading = asyncio.Event()
        self.is_reading.set()
        self.is_gone = False

    async def send(self, event: ServerEvent) -> None:
        await self.is_reading.wait()
        if self.is_gone:
            raise ConnectionError
        self.sent.append(event)

    async def close(self, code: int, reason: str) -> None:
        raise AssertionError("an outbox closes nothing")


def event(number: int) -> VadScoreEvent:
    return VadScoreEvent(vad_score=number)


async def test_events_go_out_in_order() -> None:
    carrier = FakeCarrier()
    outbox = Outbox(carrier, CallLimits())
    delivering = asyncio.create_task(outbox.deliver())
    for number in range(5):
        outbox.put(event(number))
    await asyncio.sleep(0.01)
    delivering.cancel()
    assert carrier.sent == [event(number) for number in range(5)]


async def test_a_client_that_is_gone_ends_the_delivery() -> None:
    carrier = FakeCarrier()
    carrier.is_gone = True
    outbox = Outbox(carrier, CallLimits())
    outbox.put(event(1))
    assert await outbox.deliver() is ends.CLIENT_GONE


async def test_a_client_that_does_not_read_ends_the_delivery() -> None:
    carrier = FakeCarrier()
    carrier.is_reading.clear()
    outbox = Outbox(carrier, CallLimits(send_s=0.01))
    outbox.put(event(1))
    assert await outbox.deliver() is ends.NOT_READING


async def test_too_many_waiting_events_end_the_delivery() -> None:
    outbox = Outbox(FakeCarrier(), CallLimits(events_waiting=2))
    for number in range(3):
        outbox.put(event(number))
    assert await outbox.deliver() is ends.NOT_READING


async def test_a_flush_sends_the_rest_and_nothing_that_comes_after_the_shutting() -> None:
    carrier = FakeCarrier()
    outbox = Outbox(carrier, CallLimits())
    outbox.put(event(1))
    outbox.shut()
    outbox.put(event(2))
    await outbox.flush()
    assert carrier.sent == [event(1)]


async def test_a_flush_has_a_limit() -> None:
    carrier = FakeCarrier()
    carrier.is_reading.clear()
    outbox = Outbox(carrier, CallLimits(send_s=0.01))
    outbox.put(event(1))
    with pytest.raises(TimeoutError):
        await outbox.flush()
