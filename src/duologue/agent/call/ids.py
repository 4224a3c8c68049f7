"""The names of things in one conversation: the conversation's own id and its events' ids."""

from __future__ import annotations

import secrets
import string
from collections.abc import Callable
from itertools import count

_CHARACTERS = string.ascii_lowercase + string.digits
_RANDOM_CHARACTERS = 26
"""26 of 36 characters are 134 bits: nobody guesses one, and no two are equal."""

EventIds = Callable[[], int]
"""Gives the next event id of a conversation: 1, 2, 3, …, whatever it is for.

Every kind of event shares the one sequence. So an interruption has a higher id than the response
it ends and a lower one than the next, which is what both official clients need: ElevenLabs'
JavaScript client drops sound below the id of the last interruption, their Python SDK sound at or
below it.
"""


def new_conversation_id() -> str:
    """An id of `conv_` and letters and digits, as clients look for in the names of rooms."""
    return "conv_" + "".join(secrets.choice(_CHARACTERS) for _ in range(_RANDOM_CHARACTERS))


def new_event_ids() -> EventIds:
    """A sequence of event ids for one conversation."""
    return count(1).__next__
