from __future__ import annotations

import asyncio
import logging

import pytest

from duologue.conversation.takedown import take_each


async def test_every_step_is_taken_in_order_whatever_others_do(
    caplog: pytest.LogCaptureFixture,
) -> None:
    taken: list[str] = []

    async def fail() -> None:
        taken.append("fail")
        raise OSError("stuck")

    async def be_cancelled() -> None:
        taken.append("cancelled")
        raise asyncio.CancelledError

    async def last() -> None:
        taken.append("last")

    await take_each(fail, be_cancelled, last)
    assert taken == ["fail", "cancelled", "last"]
    assert [(record.levelno, record.exc_info is None) for record in caplog.records] == [
        (logging.ERROR, False),
        (logging.WARNING, True),
    ]
