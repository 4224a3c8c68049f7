"""A field that is expected has a value without it, and is written whatever that value is."""

from __future__ import annotations

import msgspec

from duologue.protocol.fields import expected


class Event(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    times: list[int] = expected([])
    is_called: bool = expected(True)
    event_id: int | None = expected()
    optional: int | None = None


def test_what_is_expected_has_its_value_without_it() -> None:
    assert msgspec.json.decode("{}", type=Event) == Event(
        times=[], is_called=True, event_id=None, optional=None
    )


def test_what_is_expected_is_always_written() -> None:
    assert msgspec.to_builtins(Event()) == {"times": [], "is_called": True, "event_id": None}


def test_no_two_events_share_a_value_that_can_change() -> None:
    Event().times.append(1)
    assert Event().times == []
