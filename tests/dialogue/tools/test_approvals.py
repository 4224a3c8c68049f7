from __future__ import annotations

from collections import Counter
from typing import Any, Literal, TypeVar

import pytest
from hypothesis import given
from hypothesis import strategies as st

from duologue.dialogue.actions import Action, CancelApproval, Report, RequestApproval, Send
from duologue.dialogue.tools.approvals import Approvals
from duologue.errors import ApprovalUnavailable
from duologue.protocol.client_messages import McpToolApprovalResult
from duologue.protocol.server_events import McpToolCallEvent

A = TypeVar("A")
State = Literal["loading", "awaiting_approval", "success", "failure"]


def handler(event: McpToolCallEvent) -> bool:
    raise AssertionError("rules ask, but do not call")


def call(
    state: State = "awaiting_approval", call_id: str = "1", timeout_s: float = 300
) -> McpToolCallEvent:
    return McpToolCallEvent(
        service_id="files",
        tool_call_id=call_id,
        tool_name="delete",
        parameters={},
        timestamp="2025-01-01T00:00:00Z",
        state=state,
        approval_timeout_secs=timeout_s,
    )


def pending(call_id: str = "1", timeout_s: float = 300) -> Approvals:
    """A ledger with a request at 0 ms, about which the handler is being asked."""
    approvals = Approvals(handler)
    event = call(call_id=call_id, timeout_s=timeout_s)
    assert approvals.called(event, 0.0) == [RequestApproval(event=event, handler=handler)]
    return approvals


def answer(is_approved: bool, call_id: str = "1") -> Send:
    return Send(McpToolApprovalResult(tool_call_id=call_id, is_approved=is_approved))


def answer_by_hand(approvals: Approvals, call_id: str = "1", is_approved: bool = True) -> None:
    approvals.sent(approvals.message(call_id, is_approved))


def of_type(actions: list[Action], kind: type[A]) -> list[A]:
    return [action for action in actions if isinstance(action, kind)]


def errors(actions: list[Action]) -> list[str]:
    """The sentences of reports, which all name the call."""
    sentences = []
    for report in of_type(actions, Report):
        assert report.callback == "on_error"
        [error] = report.arguments
        context = {**vars(error)["context"]}
        context.pop("exception", None)
        assert context == {"tool_call_id": "1", "tool_name": "delete", "service_id": "files"}
        sentences.append(str(error))
    return sentences


@pytest.mark.parametrize("decision", [True, False])
def test_a_decision_is_the_answer(decision: bool) -> None:
    approvals = pending()
    assert approvals.is_pending("1")
    assert approvals.decided(call(), decision) == [answer(decision)]
    assert not approvals.is_pending("1")


@pytest.mark.parametrize("decision", [None, 1, 0, "yes", [True]])
def test_what_is_no_bool_is_an_error_and_a_denial(decision: object) -> None:
    actions = pending().decided(call(), decision)
    assert of_type(actions, Send) == [answer(False)]
    [sentence] = errors(actions)
    assert f"True or False, not {type(decision).__name__}" in sentence


def test_a_handler_that_raises_is_an_error_and_a_denial() -> None:
    error = ValueError("no idea")
    actions = pending().raised(call(), error)
    assert of_type(actions, Send) == [answer(False)]
    assert errors(actions) == [
        "the MCP tool 'delete': the approval handler failed: ValueError: no idea"
    ]
    [report] = of_type(actions, Report)
    assert vars(report.arguments[0])["context"]["exception"] is error


def test_other_states_ask_for_nothing() -> None:
    approvals = Approvals(handler)
    states: tuple[State, ...] = ("loading", "success", "failure")
    for state in states:
        assert approvals.called(call(state), 0.0) == []
    assert approvals.called(call(), 0.0), "a call may be loading before it awaits approval"


@pytest.mark.parametrize("state", ["loading", "success", "failure"])
def test_a_call_that_goes_on_makes_its_approval_stale(state: State) -> None:
    approvals = pending()
    assert approvals.called(call(state), 0.0) == [CancelApproval("1")]
    assert approvals.called(call(state), 0.0) == []
    late = approvals.decided(call(), True)
    assert of_type(late, Send) == []
    assert "dropped, because the call has gone on" in errors(late)[0]
    with pytest.raises(ApprovalUnavailable, match="gone on"):
        approvals.message("1", True)


def test_a_call_that_goes_on_after_its_answer_changes_nothing() -> None:
    approvals = pending()
    approvals.decided(call(), True)
    assert approvals.called(call("success"), 0.0) == []
    with pytest.raises(ApprovalUnavailable, match="answered already"):
        approvals.message("1", True)


@pytest.mark.parametrize("failure", [None, ValueError("no idea")])
def test_a_handler_that_fails_too_late_is_told_once_and_denies_nothing(
    failure: Exception | None,
) -> None:
    approvals = pending()
    approvals.called(call("failure"), 0.0)
    actions = approvals.raised(call(), failure) if failure else approvals.decided(call(), None)
    assert of_type(actions, Send) == []
    assert len(errors(actions)) == 1


@pytest.mark.parametrize("past", ["pending", "answered", "stale"])
def test_a_request_under_a_known_id_asks_nobody(past: str) -> None:
    approvals = pending()
    if past == "answered":
        approvals.decided(call(), True)
    if past == "stale":
        approvals.called(call("failure"), 0.0)
    [sentence] = errors(approvals.called(call(), 0.0))
    assert "under the same id" in sentence
    assert approvals.is_pending("1") is (past == "pending")


def test_time_that_is_over_cancels_the_handler_and_answers_nothing() -> None:
    approvals = pending(timeout_s=2.5)
    assert approvals.next_deadline_ms == 2500
    assert approvals.tick(2499) == []
    actions = approvals.tick(2500)
    assert actions[0] == CancelApproval("1")
    assert errors(actions) == [
        "the MCP tool 'delete': the approval handler did not decide within 2.5 s"
    ]
    assert of_type(actions, Send) == []
    assert approvals.next_deadline_ms is None
    assert approvals.tick(5000) == []
    assert "time for an answer was over" in errors(approvals.decided(call(), True))[0]


def test_the_earliest_deadline_is_the_next() -> None:
    approvals = pending(timeout_s=5)
    approvals.called(call(call_id="2", timeout_s=3), 1000)
    assert approvals.next_deadline_ms == 4000
    answer_by_hand(approvals, "2")
    assert approvals.next_deadline_ms == 5000


def test_without_a_handler_a_request_waits_for_an_answer_by_hand() -> None:
    approvals = Approvals()
    assert approvals.called(call(), 0.0) == []
    assert approvals.called(call(), 0.0) == []
    assert approvals.next_deadline_ms is None
    answer_by_hand(approvals)
    with pytest.raises(ApprovalUnavailable, match=r"the call '1' cannot be .* answered already"):
        approvals.message("1", False)


def test_an_answer_by_hand_takes_the_place_of_the_handlers() -> None:
    approvals = pending()
    answer_by_hand(approvals, is_approved=False)
    assert not approvals.is_pending("1")
    actions = approvals.decided(call(), True)
    assert of_type(actions, Send) == []
    assert "dropped, because it has been answered" in errors(actions)[0]


def test_an_answer_that_was_not_sent_is_none() -> None:
    approvals = pending()
    approvals.message("1", True)
    assert approvals.decided(call(), False) == [answer(False)]


def test_a_call_that_nobody_has_told_of_is_answered_once() -> None:
    approvals = Approvals(handler)
    answer_by_hand(approvals)
    with pytest.raises(ApprovalUnavailable):
        approvals.message("1", True)
    assert len(errors(approvals.called(call(), 0.0))) == 1


def test_nothing_is_answered_after_the_end() -> None:
    approvals = pending()
    approvals.close()
    assert approvals.next_deadline_ms is None
    actions = approvals.decided(call(), True)
    assert of_type(actions, Send) == []
    assert "the conversation has ended" in errors(actions)[0]


happenings = st.tuples(
    st.sampled_from(["request", "go on", "approve", "None", "raise", "hand", "wait", "close"]),
    st.sampled_from(["1", "2"]),
)


@given(st.lists(happenings, max_size=30), st.booleans())
def test_whatever_happens_nobody_is_asked_twice_and_nothing_answered_twice(
    story: list[tuple[str, str]], has_handler: bool
) -> None:
    approvals = Approvals(handler if has_handler else None)
    asked: set[str] = set()
    answers: Counter[str] = Counter()
    stale: set[str] = set()
    now_ms = 0.0
    for what, call_id in story:
        event = call(call_id=call_id, timeout_s=10)
        actions: list[Action] = []
        was_pending = {one for one in ("1", "2") if approvals.is_pending(one)}
        if what == "request":
            actions = approvals.called(event, now_ms)
        elif what == "go on":
            actions = approvals.called(call("loading", call_id), now_ms)
        elif what == "wait":
            now_ms += 6000
            actions = approvals.tick(now_ms)
        elif what == "close":
            approvals.close()
        elif what == "hand":
            try:
                answer_by_hand(approvals, call_id)
            except ApprovalUnavailable:
                assert call_id in answers or call_id in stale
            else:
                assert call_id not in stale
                answers[call_id] += 1
        elif call_id in asked:
            actions = _outcome(approvals, event, what)
        for request in of_type(actions, RequestApproval):
            assert request.event.tool_call_id not in asked | stale | set(answers)
            asked.add(request.event.tool_call_id)
        for send in of_type(actions, Send):
            message: Any = send.message
            assert message.tool_call_id in was_pending
            answers[message.tool_call_id] += 1
        stale |= {one for one in was_pending - set(answers) if not approvals.is_pending(one)}
        if approvals.next_deadline_ms is not None:
            assert approvals.next_deadline_ms > now_ms
    assert set(answers.values()) <= {1}


def _outcome(approvals: Approvals, event: McpToolCallEvent, what: str) -> list[Action]:
    if what == "raise":
        return approvals.raised(event, ValueError())
    return approvals.decided(event, True if what == "approve" else None)
