"""How long, how large and how many: every bound of what strangers send, in one place.

`DoorLimits` are those of connections, before it is known what they are for; `CallLimits` those of
one call. What goes beyond is refused with a code and a sentence, and told in the log; what is
refused at the door, once a minute for each address.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

HANG_UP_LIMIT_S: Final = 3.0
"""How long calls may take to end when the server is stopped, before their sockets are closed."""


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
        sound_ahead_s: by how much more sound a client may send than time has passed; it is spoken
            at the pace of speech, but for what a client that was held up catches up with.
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
    sound_ahead_s: float = 60.0
    prompt_chars: int = 200_000
    first_message_chars: int = 10_000
    variables: int = 500
    variable_chars: int = 100_000
    ping_s: float = 5.0
    first_ping_s: float = 0.5
    hold_s: float = 2.0


@dataclass(frozen=True)
class DoorLimits:
    """The bounds of the server's connections.

    Attributes:
        head_s: how long the head of a request (its line and headers) may take; then 408. A
            connection that has sent nothing is closed.
        head_bytes: how large it may be; else 431.
        headers: how many it may have; else 431.
        connections: how many there may be at once, of all addresses; one more gets 503. At most
            half as many as the process may open files.
        connections_of_address: the same of one address other than this machine's own, from which
            proxies call; one more gets 429.
        frames_per_s: how many frames of a WebSocket may come in the long run, pings and parts of
            messages included; else 1008. Sound in chunks of 5 ms is 200.
        frames_at_once: how many more may come together: a client that was held up catches up.
        bytes_per_s: the same for bytes. The largest sound, 48,000 samples a second, takes 130,000.
        bytes_at_once: as `frames_at_once`. The largest message has to fit in.
        unread_bytes: how much a client may leave unread before it is cut off.
    """

    head_s: float = 10.0
    head_bytes: int = 16 * 1024
    headers: int = 100
    connections: int = 2000
    connections_of_address: int = 100
    frames_per_s: float = 500.0
    frames_at_once: int = 2000
    bytes_per_s: float = 512 * 1024.0
    bytes_at_once: int = 4 * 1024 * 1024
    unread_bytes: int = 4 * 1024 * 1024
