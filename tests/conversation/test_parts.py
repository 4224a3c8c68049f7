from __future__ import annotations

from duologue.conversation.parts import StatusReporter
from duologue.conversation.telling.callbacks import CallbackQueue
from duologue.dialogue.values import Status
from tests.conversation.fakes import Log


async def test_every_status_is_reported_from_the_first_on() -> None:
    log = Log()
    callbacks = CallbackQueue(log.options("on_status_change"))
    reporter = StatusReporter(callbacks)
    reporter.advance(Status.CONNECTED)
    await callbacks.close(5)
    assert reporter.status is Status.CONNECTED
    assert log.of("on_status_change") == [Status.CONNECTING, Status.CONNECTED]
