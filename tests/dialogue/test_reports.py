from __future__ import annotations

from duologue.conversation.telling.callbacks import Callbacks
from duologue.dialogue.reports import CALLBACK_OF_EVENT
from duologue.protocol.server_events import (
    AgentResponseEvent,
    AudioEvent,
    ClientToolCallEvent,
    ErrorEvent,
    InternalTentativeAgentResponseEvent,
    InternalTurnProbabilityEvent,
    UserTranscriptEvent,
    event_types,
)


def test_every_callback_that_is_named_exists() -> None:
    assert set(CALLBACK_OF_EVENT.values()) <= Callbacks.__annotations__.keys()


def test_every_event_of_the_contract_is_accounted_for() -> None:
    become_something_else = {
        AudioEvent,
        UserTranscriptEvent,
        AgentResponseEvent,
        ClientToolCallEvent,
        ErrorEvent,
        InternalTurnProbabilityEvent,
        InternalTentativeAgentResponseEvent,
    }
    assert CALLBACK_OF_EVENT.keys() | become_something_else == set(event_types())
    assert not CALLBACK_OF_EVENT.keys() & become_something_else
