from __future__ import annotations

from typing import Any

import pytest

from duologue.conversation.senders import Senders
from duologue.dialogue.tool_calls import DONE_WITHOUT_RESULT
from duologue.protocol.client_messages import ClientMessage, ClientToolResult


class Recorded(Senders):
    """Senders whose messages a test looks at."""

    def __init__(self) -> None:
        self.sent: list[ClientMessage] = []

    def _send(self, message: ClientMessage) -> None:
        self.sent.append(message)


def test_a_result_becomes_text_as_a_tools_does() -> None:
    senders = Recorded()
    senders.send_client_tool_result("1", None)
    senders.send_client_tool_result("2", {"degrees": 21})
    senders.send_client_tool_result("3", "no such city", is_error=True)
    assert senders.sent == [
        ClientToolResult(tool_call_id="1", result=DONE_WITHOUT_RESULT, is_error=False),
        ClientToolResult(tool_call_id="2", result='{"degrees":21}', is_error=False),
        ClientToolResult(tool_call_id="3", result="no such city", is_error=True),
    ]


@pytest.mark.parametrize(
    ("call_id", "result", "exception"),
    [(1, "done", TypeError), ("1", [object()], TypeError), ("1", "\ud800", ValueError)],
)
def test_a_result_that_cannot_be_sent_is_refused(
    call_id: Any, result: object, exception: type[Exception]
) -> None:
    senders = Recorded()
    with pytest.raises(exception):
        senders.send_client_tool_result(call_id, result)
    assert senders.sent == []
