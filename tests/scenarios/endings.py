"""Scenarios of endings and errors."""

from __future__ import annotations

from duologue.dialogue.values import Disconnection, ErrorReport
from duologue.protocol.server_events import (
    AgentToolResponseEvent,
    AgentToolResponseFullPayloadEvent,
    ErrorEvent,
)
from tests.scenarios.scenario import Moment, PlayedOut, Scenario
from tests.scenarios.turns import GREETING, LISTENING, said

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
