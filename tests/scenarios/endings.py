"""Scenarios of endings and errors."""

from __future__ import annotations

import json
from dataclasses import replace

from duologue.dialogue.values import Disconnection, ErrorReport
from duologue.protocol.codec import Mended
from duologue.protocol.server_events import (
    AgentToolResponseEvent,
    AgentToolResponseFullPayloadEvent,
    ErrorEvent,
    ServerEvent,
)
from tests.scenarios.scenario import Closes, Moment, PlayedOut, Scenario
from tests.scenarios.turns import GREETING, LISTENING, asked, said

NOT_RATEABLE = ("on_can_send_feedback_change", False)

END_CALL = AgentToolResponseEvent(
    tool_name="end_call",
    tool_call_id="call_1",
    tool_type="system",
    is_error=False,
    is_called=True,
    event_id=2,
)
FAILED_END_CALL = AgentToolResponseEvent(
    tool_name="end_call",
    tool_call_id="call_1",
    tool_type="system",
    is_error=True,
    is_called=True,
    event_id=2,
)
DETAILED_END_CALL = AgentToolResponseFullPayloadEvent(
    tool_name="end_call",
    tool_call_id="call_1",
    tool_type="system",
    is_error=False,
    is_called=True,
    event_id=2,
    full_tool_result="bye",
)
OTHER_TOOL = AgentToolResponseEvent(
    tool_name="look_up",
    tool_call_id="call_2",
    tool_type="webhook",
    is_error=False,
    is_called=True,
    event_id=2,
)
HUNG_UP = Disconnection(
    reason="agent",
    context={"type": "end_call", "reason": "the agent ended the call with its tool"},
)
CLOSED = Disconnection.by_close(1000, None)
LEFT = Disconnection.by_departure("the agent left (CLIENT_INITIATED)")
QUOTA = "received 1002 (protocol error) This request exceeds your quota limit."
ERROR = ErrorEvent(code=1011, message="no model", error_type="llm", debug_message="d", details={})


def too_long(message: str) -> Disconnection:
    """The call has reached its longest duration."""
    return Disconnection(reason="error", message=message, context={"type": "max_duration_exceeded"})


def error_context(event: ErrorEvent) -> dict[str, object]:
    """What `on_error` is told besides the message."""
    return {
        "error_type": event.error_type,
        "code": event.code,
        "debug_message": event.debug_message,
        "details": event.details,
    }


CONTEXT = error_context(ERROR)


def mended_error() -> Mended[ServerEvent]:
    """What `on_debug` is told of an error whose fields are not where they should be."""
    error = ErrorEvent(message=QUOTA, code="quota", other={"retry": 5})
    note = "the error's fields came beside `type`: 'message', 'code', 'retry'"
    return Mended(message=error, notes=(note,))


def quota_context() -> dict[str, object]:
    """What `on_error` is told of that error besides the message: all else that it says."""
    return {**error_context(ErrorEvent(code="quota")), "retry": 5}


SCENARIOS = {
    "the agent hangs up in silence": Scenario(
        moments=(Moment(END_CALL, (("on_agent_tool_response", END_CALL),)),),
        end=HUNG_UP,
    ),
    "the agent hangs up with details": Scenario(
        moments=(Moment(DETAILED_END_CALL, (("on_agent_tool_response", DETAILED_END_CALL),)),),
        end=HUNG_UP,
    ),
    "the agent hangs up after its last words": Scenario(
        moments=(
            *GREETING,
            Moment(END_CALL, (("on_agent_tool_response", END_CALL),)),
            Moment(PlayedOut((1000,)), (LISTENING, NOT_RATEABLE)),
        ),
        end=HUNG_UP,
    ),
    "the server closes in silence": Scenario(
        moments=(Moment(Closes()),), end=CLOSED, end_in_a_room=LEFT
    ),
    "the server closes right after its last words": Scenario(
        moments=(
            *GREETING,
            Moment(Closes()),
            Moment(PlayedOut((1000,)), (LISTENING, NOT_RATEABLE)),
        ),
        end=CLOSED,
        end_in_a_room=LEFT,
    ),
    "the agent hangs up, and the server closes before its last words are heard": Scenario(
        moments=(
            *GREETING,
            Moment(END_CALL, (("on_agent_tool_response", END_CALL),)),
            Moment(Closes()),
            Moment(PlayedOut((1000,)), (LISTENING, NOT_RATEABLE)),
        ),
        end=replace(HUNG_UP, close_code=1000),
        end_in_a_room=HUNG_UP,
    ),
    "the server names an error beside the type, and closes as if all were well": Scenario(
        moments=(
            *GREETING,
            Moment(
                json.dumps({"type": "error", "message": QUOTA, "code": "quota", "retry": 5}),
                (
                    ("on_debug", mended_error()),
                    ("on_error", ErrorReport(message=QUOTA, context=quota_context())),
                ),
            ),
            Moment(Closes(), (LISTENING, NOT_RATEABLE)),
        ),
        end=replace(CLOSED, reason="error", message=QUOTA),
        end_in_a_room=replace(LEFT, reason="error", message=QUOTA),
    ),
    "an error after which the conversation goes on": Scenario(
        moments=(
            *GREETING,
            Moment(ERROR, (("on_error", ErrorReport(message="no model", context=CONTEXT)),)),
            Moment(PlayedOut((1000,)), (LISTENING,)),
            asked("Are you there?", 2),
            said("Yes. Goodbye.", 2),
            Moment(Closes(), (NOT_RATEABLE,)),
        ),
        end=CLOSED,
        end_in_a_room=LEFT,
    ),
    "the agent fails to hang up": Scenario(
        moments=(
            *GREETING,
            Moment(FAILED_END_CALL, (("on_agent_tool_response", FAILED_END_CALL),)),
            Moment(OTHER_TOOL, (("on_agent_tool_response", OTHER_TOOL),)),
            Moment(PlayedOut((1000,)), (LISTENING,)),
            said("I am still here.", 2),
        )
    ),
    "the longest duration": Scenario(
        moments=(
            *GREETING,
            Moment(
                ErrorEvent(error_type="max_duration_exceeded", message="time is up"),
                (LISTENING, NOT_RATEABLE),
            ),
        ),
        end=too_long("time is up"),
    ),
    "the longest duration without a word": Scenario(
        moments=(Moment(ErrorEvent(error_type="max_duration_exceeded")),),
        end=too_long("the call reached its longest duration"),
    ),
    "errors": Scenario(
        moments=(
            Moment(
                ERROR,
                (("on_error", ErrorReport(message="no model", context=error_context(ERROR))),),
            ),
            Moment(
                '{"type": "error"}',
                (
                    (
                        "on_error",
                        ErrorReport(
                            message="the server reported an error",
                            context=error_context(ErrorEvent()),
                        ),
                    ),
                ),
            ),
        )
    ),
}
