"""How the types of messages say which of their fields they can do without."""

from __future__ import annotations

import copy
from typing import Any

import msgspec


def expected(otherwise: Any = None) -> Any:
    """A field that the contract requires, and without which an event is acted on all the same.

    It is always written, whatever its value: the official clients may ask for it.

    Args:
        otherwise: what stands in the event if the field is missing, null or not to be understood.
    """
    return msgspec.field(default_factory=lambda: copy.copy(otherwise))
