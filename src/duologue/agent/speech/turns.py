"""When the agent takes its turn, and how it is interrupted: the numbers, and why these."""

from __future__ import annotations

from enum import StrEnum

from livekit.agents import APIConnectOptions, TurnHandlingOptions, inference
from livekit.agents.voice.agent_session import SessionConnectOptions
from livekit.agents.voice.turn import TurnDetectionMode

MIN_SPEECH_S = 0.05
"""Two windows of the detector: one alone is often a click."""
ACTIVATION_THRESHOLD = 0.5
DEACTIVATION_THRESHOLD = 0.35
"""Both are Silero's own: the soft end of a word is less certain than its beginning."""
MIN_SILENCE_S = 0.25
"""The least that the end-of-turn model accepts. With the soft end of the last word, the end of
speech is seen 0.33 s after it."""


class Eagerness(StrEnum):
    """How soon the agent takes its turn, in the words of the protocol."""

    PATIENT = "patient"
    NORMAL = "normal"
    EAGER = "eager"


MIN_DELAY_S = {Eagerness.PATIENT: 0.8, Eagerness.NORMAL: 0.4, Eagerness.EAGER: 0.25}
"""From the end of speech to the agent's turn, where the melody says that the sentence is over.
Recognition, the language model and the first clause of the voice are at work meanwhile, so a
lower value gains less than it seems, and cuts in at shorter pauses."""
MAX_DELAY_S = {Eagerness.PATIENT: 2.0, Eagerness.NORMAL: 0.9, Eagerness.EAGER: 0.6}
"""The same, where the melody says that more will follow. It often says so of monotonous voices;
at 0.9 s they are answered after some 1.1 s."""

INTERRUPTION_S = 0.15
"""Voice over the agent's of this length, in whole windows of the detector 160 ms, interrupts
it. Through an echo canceller a voice comes with gaps, and its first 100 ms are often lost: of 114
sentences over an agent's echo, 8 dB louder than it, half are noticed within 0.27 s; with 0.2 s here
it would be 0.33 s. The echo alone is not noticed more often with the lower value. (Measured by
benchmarks/barge_in_detection.py.)"""

LANGUAGE_MODEL_OPTIONS = APIConnectOptions(max_retry=1, retry_interval=0.5, timeout=10.0)
"""`timeout` holds for each wait: for the connection, the first token, and every token after it."""


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
        # Named, because the default may be a service in the cloud.
        turn_detection=end_of_turn or inference.TurnDetector(version="v1-mini"),
        endpointing={
            "mode": "fixed",
            "min_delay": MIN_DELAY_S[eagerness],
            "max_delay": MAX_DELAY_S[eagerness],
        },
        interruption={
            # The default may be "adaptive", a service in the cloud.
            "mode": "vad",
            "min_duration": INTERRUPTION_S,
            # What was interrupted is gone: the client has thrown the sound away.
            "resume_false_interruption": False,
        },
        # Begin the answer on the guess of what was said, while waiting for the end of the turn.
        preemptive_generation={"enabled": True, "preemptive_tts": True},
    )


def connect_options() -> SessionConnectOptions:
    """Return how often and how long a session tries: a call whose model failed is over."""
    return SessionConnectOptions(
        llm_conn_options=LANGUAGE_MODEL_OPTIONS, max_unrecoverable_errors=0
    )
