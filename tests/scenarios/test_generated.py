"""Whatever happens, the client does what the rules alone lead to, and nothing after the end."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from duologue.protocol.server_events import (
    AgentResponseEvent,
    ErrorEvent,
    InterruptionEvent,
    PingEvent,
    ServerEvent,
    UserTranscriptEvent,
)
from duologue.testing import MemoryAgent, VirtualClock
from tests.scenarios.by_client import perform
from tests.scenarios.by_rules import Performance
from tests.scenarios.endings import END_CALL, FAILED_END_CALL
from tests.scenarios.requests import TOOLS, call
from tests.scenarios.scenario import Moment, PlayedOut, Scenario, sound

EVENT_IDS = st.integers(1, 6)
EVENTS: st.SearchStrategy[ServerEvent] = st.one_of(
    st.builds(sound, EVENT_IDS),
    st.builds(InterruptionEvent, event_id=EVENT_IDS | st.none()),
    st.builds(PingEvent, event_id=EVENT_IDS),
    st.builds(UserTranscriptEvent, user_transcript=st.text(max_size=3), event_id=EVENT_IDS),
    st.builds(AgentResponseEvent, agent_response=st.text(max_size=3), event_id=EVENT_IDS),
    st.sampled_from([call("get_weather", city="Lyon"), call("get_time"), call("sing")]),
    st.sampled_from([END_CALL, FAILED_END_CALL]),
    st.builds(ErrorEvent, error_type=st.sampled_from([None, "max_duration_exceeded"])),
)
PLAYED_OUT = st.just(PlayedOut(()))


def foreseen(happenings: list[ServerEvent | PlayedOut], *, text_only: bool) -> Scenario:
    """A scenario of these happenings, up to the end, with what the rules lead to."""
    scenario = Scenario(moments=(), text_only=text_only, tools=TOOLS)
    rules = Performance(scenario)
    moments: list[Moment] = []
    for now_ms, happening in enumerate(happenings):
        reports, sends = len(rules.reports), len(rules.sends)
        rules.live(happening, float(now_ms))
        if isinstance(happening, PlayedOut):
            happening = PlayedOut(rules.heard[-1])
        moments.append(
            Moment(happening, tuple(rules.reports[reports:]), tuple(rules.sends[sends:]))
        )
        if rules.end is not None:
            break
    return replace(scenario, moments=tuple(moments), end=rules.end)


@settings(deadline=None)
@given(st.lists(EVENTS | PLAYED_OUT, max_size=20), st.booleans())
def test_a_client_does_what_the_rules_lead_to(
    happenings: list[ServerEvent | PlayedOut], text_only: bool
) -> None:
    if text_only:
        happenings = [event for event in happenings if not isinstance(event, PlayedOut)]
    scenario = foreseen(happenings, text_only=text_only)
    assert VirtualClock().run(perform(scenario, MemoryAgent)) == scenario.expected
