from __future__ import annotations

import pytest

from duologue.connection.webrtc.frame_pace import FRAMES, FramePace

FRAME_MS = 10.0


def pace_of(*late_ms: float) -> FramePace:
    pace = FramePace()
    for number, late in enumerate(late_ms):
        pace.note(5_000.0 + number * FRAME_MS + late, FRAME_MS)
    return pace


def test_nothing_is_late_before_there_is_anything_to_compare() -> None:
    assert pace_of().late_ms == 0.0
    assert pace_of(3.0).late_ms == 0.0


def test_frames_at_the_pace_of_sound_are_not_late() -> None:
    assert pace_of(*[2.0] * 20).late_ms == pytest.approx(0.0)


def test_the_least_punctual_counts_whether_it_came_before_or_after_the_most_punctual() -> None:
    assert pace_of(0.0, 0.5, 7.0, 1.0).late_ms == pytest.approx(7.0)
    assert pace_of(7.0, 0.5, 0.0, 1.0).late_ms == pytest.approx(7.0)


def test_what_was_long_ago_is_forgotten() -> None:
    assert pace_of(30.0, *[0.0] * (FRAMES - 1)).late_ms == pytest.approx(30.0)
    assert pace_of(30.0, *[0.0] * FRAMES).late_ms == pytest.approx(0.0)


def test_frames_may_be_of_any_length() -> None:
    pace = FramePace()
    for now_ms, duration_ms in ((0.0, 10.0), (10.0, 20.0), (30.0, 10.0), (44.0, 10.0)):
        pace.note(now_ms, duration_ms)
    assert pace.late_ms == pytest.approx(4.0)
