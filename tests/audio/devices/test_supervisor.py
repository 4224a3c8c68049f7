from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

import duologue.audio.devices.supervisor as module
from duologue.audio.devices.supervisor import DeviceActions, DeviceChoice, DeviceSupervisor
from duologue.dialogue.values import DeviceChange
from duologue.errors import DeviceError
from tests.audio.fake_devices import FakeMachine, soon


class Reports:
    """What a supervisor has told."""

    def __init__(self) -> None:
        self.changes: list[DeviceChange] = []
        self.failures: list[Exception] = []


@contextmanager
def supervised(
    machine: FakeMachine, device_id: str | None = None, *, check_every_s: float = 0.01
) -> Iterator[tuple[DeviceSupervisor, Reports]]:
    reports = Reports()
    supervisor = DeviceSupervisor(
        "microphone",
        choice(device_id),
        DeviceActions(open=machine.open, substitute=machine.substitute, use=machine.use),
        changed=reports.changes.append,
        failed=reports.failures.append,
        check_every_s=check_every_s,
    )
    supervisor.start()
    try:
        yield supervisor, reports
    finally:
        supervisor.stop()
        assert machine.running == []


def choice(device_id: str | None) -> DeviceChoice:
    return DeviceChoice(device_id, 16_000)


def change(device_id: str | None, reason: str | None = None) -> DeviceChange:
    return DeviceChange(kind="microphone", device_id=device_id, reason=reason)


@pytest.mark.parametrize("device_id", ["one", None])
def test_the_chosen_device_is_used_and_nothing_is_told(device_id: str | None) -> None:
    machine = FakeMachine("one")
    with supervised(machine, device_id) as (_, reports):
        assert machine.used == [device_id]
    assert (reports.changes, reports.failures) == ([], [])


def test_of_a_device_that_does_not_exist_the_default_takes_the_place_and_this_is_told() -> None:
    machine = FakeMachine()
    with supervised(machine, "one") as (_, reports):
        assert machine.used == [None]
        assert reports.changes == [change(None, "there is no 'one'")]


def test_without_any_device_the_start_fails() -> None:
    machine = FakeMachine(default=False)
    with pytest.raises(DeviceError, match="this machine has none"), supervised(machine):
        pass
    assert machine.running == []


def test_it_is_started_once() -> None:
    with supervised(FakeMachine()) as (supervisor, _), pytest.raises(RuntimeError, match="before"):
        supervisor.start()


def test_another_device_is_opened_before_the_one_in_use_is_closed() -> None:
    machine = FakeMachine("one", "two")
    with supervised(machine, "one") as (supervisor, reports):
        supervisor.switch(choice("two"))
        assert machine.used == ["one", "two"]
        assert machine.running == ["two"]
        assert reports.changes == [change("two")]


def test_switching_to_a_device_that_does_not_exist_takes_the_default_and_tells() -> None:
    machine = FakeMachine("one")
    with supervised(machine, "one") as (supervisor, reports):
        supervisor.switch(choice("two"))
        assert machine.used == ["one", None]
        assert reports.changes == [change(None, "there is no 'two'")]


def test_if_the_other_device_cannot_be_opened_the_one_in_use_stays() -> None:
    machine = FakeMachine("one", default=False)
    with supervised(machine, "one") as (supervisor, reports):
        with pytest.raises(DeviceError, match="this machine has none"):
            supervisor.switch(choice(None))
        assert machine.used == machine.running == ["one"]
        assert reports.changes == []


def test_switches_at_once_come_one_after_another() -> None:
    machine = FakeMachine("one", "two", "three")
    with supervised(machine, "one") as (supervisor, _):
        threads = [
            threading.Thread(target=supervisor.switch, args=(choice(device_id),))
            for device_id in ("two", "three") * 10
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(machine.used) == 21
        assert machine.running == [machine.used[-1]]


def test_when_the_chosen_device_is_lost_the_default_takes_its_place() -> None:
    machine = FakeMachine("one")
    with supervised(machine, "one", check_every_s=60) as (_, reports):
        machine.lose("one")
        soon(lambda: reports.changes)
        assert machine.used == ["one", "substitute", None]
        assert machine.running == [None]
        assert [str(error) for error in reports.failures] == ["one has gone"]
        assert reports.changes == [change(None, "one has gone")]


def test_when_the_chosen_device_comes_back_it_is_used_again() -> None:
    machine = FakeMachine("one")
    with supervised(machine, "one") as (_, reports):
        machine.lose("one")
        soon(lambda: machine.used[-1] is None)
        machine.device_ids.add("one")
        soon(lambda: len(reports.changes) == 2)
        assert machine.running == ["one"]
        assert reports.changes[1] == change("one")


def test_without_any_device_a_substitute_keeps_time_until_there_is_one() -> None:
    machine = FakeMachine()
    with supervised(machine) as (_, reports):
        machine.lose(None)
        soon(lambda: reports.changes)
        assert machine.running == ["substitute"]
        assert not reports.changes[0].available
        machine.has_default = True
        soon(lambda: len(reports.changes) == 2)
        assert reports.changes[1] == change(None)
        assert machine.running == [None]


def test_a_device_that_was_given_up_is_not_lost_once_more() -> None:
    machine = FakeMachine("one", "two")
    with supervised(machine, "one") as (supervisor, reports):
        old = machine.in_use[-1]
        supervisor.switch(choice("two"))
        old.failed(DeviceError("one has gone"))
        assert reports.failures == []
        assert machine.running == ["two"]


def test_a_device_that_hangs_as_it_is_opened_does_not_keep_time_from_going_on(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "STOP_LIMIT_S", 0.05)
    machine = FakeMachine("one")
    with supervised(machine, "one", check_every_s=60) as (supervisor, reports):
        machine.hangs.set()
        machine.lose("one")
        soon(lambda: machine.used[-1] == "substitute")
        assert len(reports.failures) == 1
        supervisor.stop()
        assert machine.running == ["substitute"]  # the device still hangs
        soon(lambda: machine.running == [])


def test_after_the_end_nothing_is_changed() -> None:
    machine = FakeMachine("one")
    with supervised(machine) as (supervisor, _):
        supervisor.stop()
        supervisor.stop()
        with pytest.raises(DeviceError, match="it has been stopped"):
            supervisor.switch(choice("one"))
    assert machine.used == [None]
