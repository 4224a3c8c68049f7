from __future__ import annotations

import asyncio
import time
from unittest.mock import create_autospec

from duologue.conversation.clock import clock_of
from duologue.testing.virtual_clock import VirtualClock


def test_a_loop_of_asyncios_own_is_asked_itself() -> None:
    clock = VirtualClock()
    with asyncio.Runner(loop_factory=clock.new_event_loop) as runner:
        loop = runner.get_loop()
        clock.advance(7)
        assert clock_of(loop)() == loop.time() == 7


def test_a_loop_that_keeps_what_it_has_read_is_not_asked() -> None:
    not_of_asyncio = create_autospec(asyncio.AbstractEventLoop, instance=True)
    assert clock_of(not_of_asyncio) is time.monotonic
