from __future__ import annotations

import threading
from typing import Any

import pytest

from duologue.conversation.senders import Senders
from duologue.dialogue.rules import Dialogue
from duologue.dialogue.tools.calls import DONE_WITHOUT_RESULT
from duologue.errors import (
    ApprovalUnavailable,
    ConversationEnded,
    FeedbackUnavailable,
    SendQueueFull,
)
from duologue.protocol.client_messages import (
    ClientMessage,
    ClientToolResult,
    Feedback,
    FileInput,
    McpToolApprovalResult,
    MultimodalMessage,
    TextInput,
)
from duologue.protocol.server_events import AgentResponseEvent


class Recorded(Senders):
    """Senders whose messages a test looks at."""

    def __init__(self) -> None:
        super().__init__(Dialogue(None))
        self.sent: list[ClientMessage] = []
        self.ended = False
        self.full = False
        self.ratings = 0
        self.written = 0
        self.approved: list[str] = []

    def is_open(self) -> bool:
        return not self.ended

    def respond(self, event_id: int) -> None:
        event = AgentResponseEvent(agent_response="Hello.", event_id=event_id)
        self._dialogue.receive(event, 0.0)

    def _send(self, message: ClientMessage) -> None:
        if self.full:
            raise SendQueueFull
        self.sent.append(message)

    def _wrote(self, text: str | None) -> None:
        self.written += 1

    def _rated(self) -> None:
        self.ratings += 1

    def _approval_sent(self, tool_call_id: str) -> None:
        self.approved.append(tool_call_id)


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


def test_the_latest_response_is_rated_once() -> None:
    senders = Recorded()
    assert not senders.can_send_feedback
    senders.respond(7)
    assert senders.can_send_feedback
    senders.send_feedback(True)
    assert not senders.can_send_feedback
    with pytest.raises(FeedbackUnavailable):
        senders.send_feedback(False)
    senders.send_feedback(False, event_id=7)
    senders.send_feedback(None)
    assert senders.can_send_feedback
    assert senders.sent == [
        Feedback(event_id=7, score="like"),
        Feedback(event_id=7, score="dislike"),
        Feedback(event_id=7, score=None),
    ]
    assert senders.ratings == 3


def test_a_rating_that_cannot_be_queued_can_be_given_later() -> None:
    senders = Recorded()
    senders.respond(7)
    senders.full = True
    with pytest.raises(SendQueueFull):
        senders.send_feedback(True)
    assert senders.can_send_feedback


def test_nothing_is_rated_after_the_end() -> None:
    senders = Recorded()
    senders.respond(7)
    senders.ended = True
    assert not senders.can_send_feedback
    with pytest.raises(ConversationEnded):
        senders.send_feedback(True, event_id=7)


@pytest.mark.parametrize(
    ("like", "event_id"), [("like", None), (1, None), (True, "7"), (True, True)]
)
def test_a_rating_is_a_bool_or_none(like: Any, event_id: Any) -> None:
    senders = Recorded()
    senders.respond(7)
    with pytest.raises(TypeError):
        senders.send_feedback(like, event_id)
    assert senders.sent == []


@pytest.mark.parametrize(
    ("text", "file_ids", "message"),
    [
        ("Look!", (), MultimodalMessage(text=TextInput(text="Look!"))),
        (
            "",
            ["a"],
            MultimodalMessage(file=FileInput(file_id="a"), files=[FileInput(file_id="a")]),
        ),
        (
            "Look!",
            ("a", "b"),
            MultimodalMessage(
                text=TextInput(text="Look!"),
                file=FileInput(file_id="a"),
                files=[FileInput(file_id="a"), FileInput(file_id="b")],
            ),
        ),
        (None, (), MultimodalMessage()),
    ],
)
def test_words_and_files_are_sent_together(
    text: str | None, file_ids: Any, message: MultimodalMessage
) -> None:
    senders = Recorded()
    senders.send_multimodal_message(text, file_ids)
    assert senders.sent == [message]
    assert senders.written == 1, "it is a turn of the user's"


@pytest.mark.parametrize(("text", "file_ids"), [(7, ()), (None, "a"), (None, [7]), (None, 7)])
def test_words_and_files_of_the_wrong_kind_are_refused(text: Any, file_ids: Any) -> None:
    senders = Recorded()
    with pytest.raises(TypeError):
        senders.send_multimodal_message(text, file_ids)
    assert (senders.sent, senders.written) == ([], 0)


def test_a_call_of_an_mcp_tool_is_allowed_or_denied() -> None:
    senders = Recorded()
    senders.send_mcp_tool_approval_result("1", True)
    senders.send_mcp_tool_approval_result("2", is_approved=False)
    assert senders.sent == [
        McpToolApprovalResult(tool_call_id="1", is_approved=True),
        McpToolApprovalResult(tool_call_id="2", is_approved=False),
    ]
    assert senders.approved == ["1", "2"]


def test_no_call_of_an_mcp_tool_is_answered_twice() -> None:
    senders = Recorded()
    senders.send_mcp_tool_approval_result("1", True)
    with pytest.raises(ApprovalUnavailable):
        senders.send_mcp_tool_approval_result("1", False)
    assert (len(senders.sent), senders.approved) == (1, ["1"])


def test_two_threads_do_not_answer_the_same_call() -> None:
    class Interrupted(Recorded):
        def _send(self, message: ClientMessage) -> None:
            if not other.ident:
                other.start()
                other.join(0.05)  # it would answer by now if it could
            super()._send(message)

    def answer() -> None:
        with pytest.raises(ApprovalUnavailable):
            senders.send_mcp_tool_approval_result("1", False)
        refused.set()

    senders, refused, other = Interrupted(), threading.Event(), threading.Thread(target=answer)
    senders.send_mcp_tool_approval_result("1", True)
    other.join(20)
    assert refused.is_set()
    assert senders.sent == [McpToolApprovalResult(tool_call_id="1", is_approved=True)]


def test_an_approval_that_cannot_be_queued_can_be_given_later() -> None:
    senders = Recorded()
    senders.full = True
    with pytest.raises(SendQueueFull):
        senders.send_mcp_tool_approval_result("1", True)
    assert senders.approved == []
    senders.full = False
    senders.send_mcp_tool_approval_result("1", True)


def test_nothing_is_approved_after_the_end() -> None:
    senders = Recorded()
    senders.ended = True
    with pytest.raises(ConversationEnded):
        senders.send_mcp_tool_approval_result("1", True)


@pytest.mark.parametrize(("call_id", "is_approved"), [(1, True), ("1", "yes"), ("1", None)])
def test_a_decision_of_the_wrong_kind_is_refused(call_id: Any, is_approved: Any) -> None:
    senders = Recorded()
    with pytest.raises(TypeError):
        senders.send_mcp_tool_approval_result(call_id, is_approved)
    assert senders.sent == []
