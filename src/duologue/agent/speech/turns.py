"""When the agent takes its turn, and how it is interrupted: the numbers, and why these."""

from __future__ import annotations

from enum import StrEnum

from livekit.agents import APIConnectOptions, TurnHandlingOptions, inference
from livekit.agents.voice.agent_session import SessionConnectOptions
from livekit.agents.voice.turn import TurnDetectionMode

MIN_SPEECH_S = 0.05
ACTIVATION_THRESHOLD = 0.5
DEACTIVATION_THRESHOLD = 0.35
MIN_SILENCE_S = 0.25
"""The least that the end-of-turn model accepts."""


class Eagerness(StrEnum):
    """How soon the agent takes its turn, in the words of the protocol."""

    PATIENT = "patient"
    NORMAL = "normal"
    EAGER = "eager"


MIN_DELAY_S = {Eagerness.PATIENT: 0.8, Eagerness.NORMAL: 0.3, Eagerness.EAGER: 0.2}
MAX_DELAY_S = {Eagerness.PATIENT: 2.5, Eagerness.NORMAL: 1.4, Eagerness.EAGER: 0.8}


def turn_handling(
    eagerness: Eagerness, end_of_turn: TurnDetectionMode | None = None
) -> TurnHandlingOptions:
    """Return what an `AgentSession` needs to take turns on this machine alone.

    Args:
        eagerness: how soon the agent takes its turn.
        end_of_turn: what decides that the user has finished; None is the model that comes with
            livekit-agents, which listens to the melody of the speech.
    """
    return TurnHandlingOptions(
        turn_detection=end_of_turn or inference.TurnDetector(version="v1-mini"),
        endpointing={
            "mode": "fixed",
            "min_delay": MIN_DELAY_S[eagerness],
            "max_delay": MAX_DELAY_S[eagerness],
        },
        interruption={
            "mode": "vad",
            "min_duration": 0.2,
            "resume_false_interruption": False,
        },
        preemptive_generation={"enabled": True, "preemptive_tts": True},
    )


def connect_options() -> SessionConnectOptions:
    return SessionConnectOptions(
        llm_conn_options=APIConnectOptions(max_retry=1, timeout=10.0), max_unrecoverable_errors=0
    )
