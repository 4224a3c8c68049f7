"""What the start of a session makes, and its conversation goes on with."""

from __future__ import annotations

import ssl
from dataclasses import dataclass
from typing import Final

from duologue.connection.base import Connection
from duologue.conversation.outbox import Outbox
from duologue.conversation.telling.callbacks import CallbackQueue
from duologue.dialogue.actions import Report
from duologue.dialogue.rules import Dialogue
from duologue.dialogue.values import Status
from duologue.protocol.client_messages import ClientMessage

_ORDER: Final = tuple(Status)


class StatusReporter:
    """Holds a session's status, which only ever moves forward, and reports each change."""

    def __init__(self, callbacks: CallbackQueue) -> None:
        self._callbacks = callbacks
        self.status = Status.CONNECTING
        callbacks.put(Report.of("on_status_change", self.status))

    def advance(self, status: Status) -> None:
        """Move on to a later status; to an earlier one or the same, do nothing."""
        if _ORDER.index(status) <= _ORDER.index(self.status):
            return
        self.status = status
        self._callbacks.put(Report.of("on_status_change", status))


@dataclass(frozen=True, kw_only=True)
class SessionParts:
    """What the start of a session has made, and a conversation goes on with.

    Files are uploaded to `upload_origin`; None lets none out.
    """

    conversation_id: str
    opening: tuple[ClientMessage, ...]
    connection: Connection
    dialogue: Dialogue
    callbacks: CallbackQueue
    status: StatusReporter
    outbox: Outbox
    upload_origin: str | None = None
    ssl_context: ssl.SSLContext | None = None
