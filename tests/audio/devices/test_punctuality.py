from __future__ import annotations

import pytest

from duologue.audio.devices.punctuality import Punctuality


def late_calls(*times_ms: float, duration_ms: float = 10) -> int:
    punctuality = Punctuality()
    for time_ms in times_ms:
        punctuality.note(time_ms / 1000, duration_ms / 1000)
    return punctuality.late_calls


def test_the_first_call_is_never_late() -> None:
    assert late_calls() == late_calls(5000) == 0


@pytest.mark.parametrize("pause_ms", [0, 1, 10, 29])
def test_calls_about_as_long_apart_as_their_sound_are_in_time(pause_ms: float) -> None:
    assert late_calls(0, pause_ms, 2 * pause_ms) == 0


@pytest.mark.parametrize("pause_ms", [31, 250, 5000])
def test_a_call_more_than_20_ms_after_the_sound_before_is_over_is_late(pause_ms: float) -> None:
    assert late_calls(0, 10, 10 + pause_ms, 20 + pause_ms) == 1


def test_longer_blocks_may_be_longer_apart() -> None:
    assert late_calls(0, 100, 200, duration_ms=100) == 0
    assert late_calls(0, 100, 221, duration_ms=100) == 1


def test_calls_that_catch_up_are_not_late() -> None:
    assert late_calls(0, 200, 200, 201, 210) == 1
