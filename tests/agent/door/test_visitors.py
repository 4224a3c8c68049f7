from __future__ import annotations

import pytest

from duologue.agent.door import visitors
from duologue.agent.door.visitors import Visitors
from duologue.agent.limits import DoorLimits

LIMITS = DoorLimits(connections=4, connections_of_address=2)


def test_of_all_addresses_so_many_may_come_and_one_more_when_one_has_left() -> None:
    door = Visitors(LIMITS)
    assert [door.enter(number, f"10.0.0.{number}") for number in range(4)] == [None] * 4
    refusal = door.enter("fifth", "10.0.0.5")
    assert refusal is not None
    assert refusal[0] == 503
    door.leave(0)
    assert door.enter("fifth", "10.0.0.5") is None
    assert len(door) == 4


def test_of_one_address_fewer_may_come() -> None:
    door = Visitors(LIMITS)
    assert door.enter("a", "10.0.0.1") is None
    assert door.enter("b", "10.0.0.1") is None
    refusal = door.enter("c", "10.0.0.1")
    assert refusal is not None
    assert refusal[0] == 429
    assert door.enter("d", "10.0.0.2") is None
    door.leave("a")
    door.leave("a")
    assert door.enter("c", "10.0.0.1") is None
    assert door.enter("e", "10.0.0.1") is not None


@pytest.mark.parametrize("address", ["127.0.0.1", "::1", "127.8.8.8"])
def test_of_this_machine_itself_as_many_may_come_as_there_may_be(address: str) -> None:
    door = Visitors(LIMITS)
    assert [door.enter(number, address) for number in range(4)] == [None] * 4


def test_no_more_may_come_than_half_of_the_files_that_may_be_open() -> None:
    door = Visitors(LIMITS, open_files=4)
    assert [door.enter(n, "127.0.0.1") is None for n in range(3)] == [True, True, False]


def test_an_address_is_told_of_once_a_minute(caplog: pytest.LogCaptureFixture) -> None:
    moments_s = iter((1.0, 2.0, 60.9, 61.0, 62.0, 62.0))
    door = Visitors(LIMITS, now=lambda: next(moments_s))
    for _ in range(5):
        door.tell("10.0.0.1", "nonsense")
    door.tell("10.0.0.2", "nonsense")
    assert [record.getMessage() for record in caplog.records] == [
        "Refused 10.0.0.1: nonsense",
        "Refused 10.0.0.1: nonsense",
        "Refused 10.0.0.2: nonsense",
    ]


def test_not_all_addresses_of_the_world_are_remembered(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(visitors, "ADDRESSES_REMEMBERED", 2)
    door = Visitors(LIMITS)
    for address in ("10.0.0.1", "10.0.0.2", "10.0.0.3", "10.0.0.3", "10.0.0.1"):
        door.tell(address, "nonsense")
    assert len(caplog.records) == 4
