import asyncio
import threading

import pytest

from duologue.agent.speech.model_worker import ModelWorker
from duologue.errors import ModelError


async def test_calls_run_in_the_order_in_which_they_came() -> None:
    worker = ModelWorker("model", max_waiting=10)
    done: list[int] = []
    await asyncio.gather(*(worker.run(5.0, done.append, number) for number in range(10)))
    assert done == list(range(10))
    worker.close()


async def test_of_those_that_wait_the_one_that_is_due_first_is_next() -> None:
    worker = ModelWorker("model", max_waiting=10)
    gate = threading.Event()
    done: list[int] = []
    begun = asyncio.create_task(worker.run(5.0, gate.wait))
    await asyncio.sleep(0)
    waiting = [
        asyncio.create_task(worker.run_by(due_s, 5.0, done.append, number))
        for number, due_s in enumerate([30.0, 10.0, 20.0, 10.0])
    ]
    await asyncio.sleep(0)
    gate.set()
    await asyncio.gather(begun, *waiting)
    assert done == [1, 3, 2, 0]
    worker.close()


async def test_what_waits_as_it_is_closed_is_cancelled() -> None:
    worker = ModelWorker("model", max_waiting=2)
    is_running, gate = threading.Event(), threading.Event()

    def run() -> bool:
        is_running.set()
        return gate.wait(5.0)

    begun = asyncio.create_task(worker.run(5.0, run))
    waiting = asyncio.create_task(worker.run(5.0, divmod, 1, 1))
    await asyncio.to_thread(is_running.wait, 5.0)
    worker.close()
    gate.set()
    assert await begun
    with pytest.raises(asyncio.CancelledError):
        await waiting


async def test_what_the_model_raises_reaches_the_caller() -> None:
    worker = ModelWorker("model", max_waiting=1)
    with pytest.raises(ZeroDivisionError):
        await worker.run(5.0, divmod, 1, 0)
    worker.close()


async def test_a_call_that_takes_too_long_is_an_error_that_names_the_model() -> None:
    worker = ModelWorker("speech recognition", max_waiting=1)
    never = threading.Event()
    with pytest.raises(ModelError, match=r"speech recognition: no result within 0\.01 s"):
        await worker.run(0.01, never.wait)
    never.set()
    worker.close()


async def test_more_calls_than_may_wait_are_refused_until_one_has_ended() -> None:
    worker = ModelWorker("model", max_waiting=2)
    gate = threading.Event()
    waiting = [asyncio.create_task(worker.run(5.0, gate.wait)) for _ in range(2)]
    await asyncio.sleep(0)
    with pytest.raises(ModelError, match="2 requests are already waiting"):
        await worker.run(5.0, gate.wait)
    gate.set()
    await asyncio.gather(*waiting)
    assert await worker.run(5.0, divmod, 7, 2) == (3, 1)
    worker.close()


async def test_a_call_that_gave_up_still_counts_while_it_occupies_the_thread() -> None:
    worker = ModelWorker("model", max_waiting=1)
    gate = threading.Event()
    with pytest.raises(ModelError, match="no result"):
        await worker.run(0.01, gate.wait)
    with pytest.raises(ModelError, match="already waiting"):
        await worker.run(5.0, gate.wait)
    gate.set()
    worker.close()


async def test_a_cancelled_call_that_waits_is_never_run() -> None:
    worker = ModelWorker("model", max_waiting=2)
    gate = threading.Event()
    ran: list[str] = []
    first = asyncio.create_task(worker.run(5.0, gate.wait))
    second = asyncio.create_task(worker.run(5.0, ran.append, "second"))
    await asyncio.sleep(0)
    second.cancel()
    await asyncio.sleep(0)
    gate.set()
    await first
    await worker.run(5.0, ran.append, "third")
    assert ran == ["third"]
    worker.close()


async def test_a_closed_worker_refuses() -> None:
    worker = ModelWorker("model", max_waiting=1)
    worker.close()
    with pytest.raises(ModelError, match="closed"):
        await worker.run(5.0, divmod, 1, 1)
