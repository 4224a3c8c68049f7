from __future__ import annotations

import pytest

from duologue.audio.devices.stalls import SETTLING_S, LostTime

CALL_S = 0.01
CERTAIN_AFTER_S = 0.05


class Device:
    """A device that calls, whenever the test says."""

    def __init__(self) -> None:
        self.lost_time = LostTime(certain_after_s=CERTAIN_AFTER_S, noteworthy_s=0.002)
        self.now_s = 100.0

    def calls(self, count: int, *, every_s: float = CALL_S, late_s: float = 0.0) -> float:
        """Call so often, every third time too late; give the time that was reported as lost."""
        lost_s = 0.0
        for call in range(count):
            self.now_s += every_s
            lost_s += self.lost_time.before(CALL_S, self.now_s + (0 if call % 3 else late_s))
        return lost_s


@pytest.fixture
def device() -> Device:
    device = Device()
    device.calls(3, every_s=0.0)  # it fills its buffer
    assert device.calls(round(SETTLING_S / CALL_S)) == 0
    return device


def test_calls_on_time_have_lost_nothing(device: Device) -> None:
    assert device.calls(1000) == 0


def test_calls_that_are_late_now_and_then_have_lost_nothing(device: Device) -> None:
    assert device.calls(1000, late_s=0.02) == 0


def test_a_stall_is_lost_time(device: Device) -> None:
    device.now_s += 0.07
    assert device.calls(10) == pytest.approx(0.07)
    assert device.calls(1000) == 0


def test_what_is_made_up_for_is_not_lost(device: Device) -> None:
    device.now_s += 0.07
    lost_s = device.calls(3, every_s=0.0)
    assert lost_s + device.calls(100) == pytest.approx(0.04)


def test_a_stall_that_is_made_up_for_at_once_is_none(device: Device) -> None:
    device.now_s += 0.03
    assert device.calls(3, every_s=0.0) + device.calls(100) == pytest.approx(0, abs=1e-9)


def test_a_long_block_that_fills_its_own_gap_has_lost_nothing(device: Device) -> None:
    device.now_s += 0.3
    assert device.lost_time.before(0.3, device.now_s) == 0
    assert device.calls(100) == pytest.approx(0, abs=1e-9)


def test_a_call_without_sound_has_lost_nothing(device: Device) -> None:
    assert device.lost_time.before(0.0, device.now_s) == 0
    assert device.calls(100) == 0


def test_each_stall_counts(device: Device) -> None:
    lost_s = 0.0
    for _ in range(10):
        device.now_s += 0.02
        lost_s += device.calls(30)
    assert lost_s == pytest.approx(0.2)


@pytest.mark.parametrize("drift", [1e-4, -1e-4])
def test_a_clock_that_drifts_has_lost_nothing(device: Device, drift: float) -> None:
    assert device.calls(60_000, every_s=CALL_S * (1 + drift)) == 0


def test_a_call_that_is_late_leaves_a_doubt_at_once(device: Device) -> None:
    device.now_s += 0.03
    device.calls(1)
    assert device.lost_time.is_doubtful


def test_a_call_that_is_a_little_late_does_not(device: Device) -> None:
    device.now_s += 0.015
    device.calls(1)
    assert not device.lost_time.is_doubtful


def test_the_doubt_is_over_once_calls_come_as_usual(device: Device) -> None:
    device.now_s += 0.1
    device.calls(30)
    assert not device.lost_time.is_doubtful


def test_a_device_that_always_calls_several_times_at_once_leaves_no_doubt(device: Device) -> None:
    doubtful = []
    for _ in range(100):
        device.now_s += 0.04
        device.calls(1, every_s=0)
        doubtful.append(device.lost_time.is_doubtful)
        device.calls(3, every_s=0)
    assert any(doubtful)
    assert not any(doubtful[50:])


def test_after_a_standstill_another_one_leaves_a_doubt(device: Device) -> None:
    for _ in range(10):
        device.now_s += 0.1
        device.calls(1)
        assert device.lost_time.is_doubtful
        device.calls(200)
