"""How long, how large and how much: every bound of one call in one place."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class CallLimits:
    """The bounds of one call. Those of the contract have its figures; tests have shorter ones.

    Attributes:
        initiation_s: how long a client may take to send its first message.
        receive_s: how long a client may send nothing at all (contract: 60).
        model_s: how long the language model may take to its first word, or between two
            (contract: 20).
        voice_s: how long the synthesiser may take to its next sound. Up to `model_s` of it may be
            the language model's time, so it is longer.
        send_s: how long a client may leave one event unread.
        close_s: how long the last events and the close of a call may take.
        frame_bytes: the largest message of a client.
        events_waiting: how many events may wait for a slow client; ten seconds of sound are 100.
        messages_waiting: how many messages of a client may wait for an answer.
        prompt_chars: by how many characters a client may make the prompt longer, by overriding it
            or by what is filled in.
        first_message_chars: the same of the first message; 10,000 are ten minutes of speech.
        variables: how many dynamic variables a client may send.
        variable_chars: how many characters their names and values may have in all.
        ping_s: the time between two pings.
        first_ping_s: the time to the first.
        hold_s: how long the agent does not begin to speak after the user was active.
    """

    initiation_s: float = 10.0
    receive_s: float = 60.0
    model_s: float = 20.0
    voice_s: float = 30.0
    send_s: float = 10.0
    close_s: float = 5.0
    frame_bytes: int = 1024 * 1024
    events_waiting: int = 1000
    messages_waiting: int = 64
    prompt_chars: int = 200_000
    first_message_chars: int = 10_000
    variables: int = 500
    variable_chars: int = 100_000
    ping_s: float = 5.0
    first_ping_s: float = 0.5
    hold_s: float = 2.0
