"""At 100 Hz, a frame of 10 ms is one sample: what was played are numbers from 1 on."""

from __future__ import annotations

import numpy as np
import pytest

from duologue.audio.processing.echo_reference import (
    FRAMES_PER_SECOND,
    IN_HAND_S,
    LATE_AT_MOST,
    LATE_ON_END,
    MOST_IN_HAND_S,
    SETTLING_FRAMES,
    SILENT_AT_MOST,
    SILENT_WITHIN,
    EchoReference,
)

SILENCE = 0
FRAME_S = 0.01


class Playing:
    """A speaker that plays the numbers, and a microphone that hears something all the time."""

    def __init__(self) -> None:
        self.reference = EchoReference(FRAMES_PER_SECOND)
        self.number = 0

    def play(self, frames: int = 1) -> None:
        for _ in range(frames):
            self.number += 1
            self.reference.played(np.array([self.number], dtype=np.int16))

    def hear(self, frames: int = 1) -> list[int]:
        return [int(self.reference.next()[0]) for _ in range(frames)]

    def in_turns(self, frames: int) -> list[int]:
        heard = []
        for _ in range(frames):
            self.play()
            heard += self.hear()
        return heard


@pytest.fixture
def playing() -> Playing:
    """Both devices have called in turns so far."""
    playing = Playing()
    assert playing.in_turns(50) == list(range(50))
    return playing


def test_what_is_played_is_given_in_step_with_what_is_heard(playing: Playing) -> None:
    assert playing.in_turns(300) == list(range(50, 350))


def test_a_microphone_that_comes_late_and_then_at_once_gets_what_belongs_to_it(
    playing: Playing,
) -> None:
    playing.play(10)
    assert playing.hear(10) == list(range(50, 60))


def test_what_a_speaker_brings_late_and_then_at_once_is_dropped_so_that_the_rest_stays(
    playing: Playing,
) -> None:
    assert playing.hear(10) == [50] + [SILENCE] * 9
    playing.play(10)
    assert playing.in_turns(3) == [60, 61, 62]


def test_what_follows_a_standstill_of_the_speaker_comes_as_much_later(playing: Playing) -> None:
    assert playing.hear(8) == [50] + [SILENCE] * 7
    # It goes on after having played silence for 8 frames, which is known 5 frames later.
    assert playing.in_turns(5) == [51, 52, 53, 54, 55]
    playing.reference.lost(8 * FRAME_S)
    assert playing.in_turns(4) == [SILENCE, 56, 57, 58]


def test_a_standstill_that_was_shorter_than_it_seemed_takes_back_what_it_gave(
    playing: Playing,
) -> None:
    assert playing.hear(8) == [50] + [SILENCE] * 7
    playing.play(3)  # what was not lost is made up for at once
    playing.reference.lost(5 * FRAME_S)
    assert playing.in_turns(3) == [53, 54, 55]  # and not 51 and 52


def test_a_speaker_that_is_late_once_leaves_the_rest_in_its_place(playing: Playing) -> None:
    playing.hear(1)  # what was in hand for this
    assert playing.hear(1) == [SILENCE]
    playing.play()
    playing.play()
    assert playing.in_turns(10) == list(range(52, 62))


@pytest.mark.parametrize("at_once", [1, 2, 4])
@pytest.mark.parametrize("still", range(1, 12))
def test_after_a_standstill_silence_is_over_however_much_a_speaker_brings_at_once(
    at_once: int, still: int
) -> None:
    playing = Playing()

    def in_turns(calls: int) -> list[int]:
        heard = []
        for _ in range(calls):
            numbers = playing.number + 1 + np.arange(at_once)
            playing.number += at_once
            playing.reference.played(numbers.astype(np.int16))
            heard += playing.hear(at_once)
        return heard

    in_turns(50)
    playing.hear(still)
    in_turns(50)
    after = in_turns(50)
    assert after == list(range(after[0], after[0] + len(after)))


def test_a_speaker_that_starts_late_is_waited_for_before_anything_sounds() -> None:
    starting = Playing()
    assert starting.hear(2) == [SILENCE] * 2
    for _ in range(10):
        starting.reference.played(np.array([SILENCE], dtype=np.int16))
        assert starting.hear(1) == [SILENCE]
    assert starting.in_turns(4) == [1, 2, 3, 4]
    assert starting.hear(1) == [SILENCE]
    starting.play(2)
    assert starting.in_turns(2) == [6, 7]  # 5 came too late


def test_a_speaker_whose_turn_comes_later_is_waited_for_from_then_on(playing: Playing) -> None:
    playing.hear(1)
    heard = []
    for _ in range(2 * SETTLING_FRAMES):
        heard += playing.hear(1)
        playing.play()
    assert heard.count(SILENCE) == LATE_ON_END + 1
    assert heard[-1] == playing.number - 1


def test_so_is_a_speaker_that_is_late_every_other_time(playing: Playing) -> None:
    heard = []
    for _ in range(2 * SETTLING_FRAMES):
        heard += playing.hear(2)
        playing.play(2)
    assert LATE_AT_MOST < heard.count(SILENCE) <= SETTLING_FRAMES
    assert heard[-1] == playing.number - 2


def test_devices_that_call_in_turns_leave_no_doubt(playing: Playing) -> None:
    for _ in range(300):
        playing.in_turns(1)
        assert not playing.reference.is_doubtful


def test_much_silence_in_place_of_what_comes_late_is_doubtful(playing: Playing) -> None:
    playing.hear(1 + SILENT_AT_MOST)
    assert not playing.reference.is_doubtful
    playing.hear(1)
    assert playing.reference.is_doubtful
    playing.play(2 + SILENT_AT_MOST)
    playing.in_turns(SILENT_WITHIN)
    assert not playing.reference.is_doubtful


def test_before_anything_has_sounded_nothing_is_doubtful() -> None:
    starting = Playing()
    starting.hear(3)
    assert not starting.reference.is_doubtful


def test_so_is_a_move_to_wait_for_a_speaker(playing: Playing) -> None:
    playing.in_turns(SETTLING_FRAMES // 2)  # from now on late calls are counted anew
    for _ in range(LATE_AT_MOST):
        playing.hear(2)
        playing.play(2)
    playing.in_turns(SILENT_WITHIN)
    playing.hear(2)
    assert not playing.reference.is_doubtful
    playing.play(2)
    playing.hear(1)
    assert playing.reference.is_doubtful
    playing.in_turns(1)
    assert not playing.reference.is_doubtful


def test_so_is_a_move_after_a_speaker_that_got_ahead(playing: Playing) -> None:
    playing.play(10)
    doubts = []
    for _ in range(2 * SETTLING_FRAMES):
        playing.in_turns(1)
        doubts.append(playing.reference.is_doubtful)
    assert doubts.count(True) == 1


def test_what_came_too_late_for_its_frame_is_told(playing: Playing) -> None:
    playing.hear(2)
    playing.play(2)
    assert playing.hear(1) == [52]
    assert list(playing.reference.left_out) == [51]
    playing.in_turns(1)
    assert not len(playing.reference.left_out)


def test_a_standstill_of_both_is_none(playing: Playing) -> None:
    playing.reference.lost(10 * FRAME_S)
    playing.play()
    assert playing.hear(12) == [50] + [SILENCE] * 10 + [51]


def test_a_speaker_that_was_away_is_taken_as_it_comes(playing: Playing) -> None:
    playing.hear(300)
    assert playing.in_turns(10) == list(range(51, 61))


def test_a_faster_speaker_does_not_get_far_ahead(playing: Playing) -> None:
    most = round((MOST_IN_HAND_S + IN_HAND_S) / FRAME_S)
    for _ in range(20):  # 1 %: fifty times as much as two clocks differ
        playing.play()
        for heard in playing.in_turns(SETTLING_FRAMES):
            assert playing.number - heard <= most + SETTLING_FRAMES
        assert playing.number - playing.in_turns(1)[0] <= most


def test_a_slower_speaker_is_heard_all_the_same(playing: Playing) -> None:
    for _ in range(20):
        playing.hear(1)
        playing.in_turns(SETTLING_FRAMES + LATE_AT_MOST)
        assert SILENCE not in playing.in_turns(SETTLING_FRAMES)


@pytest.mark.parametrize("sample_rate_hz", [8_000, 22_050, 44_100, 48_000])
def test_no_rate_runs_away(sample_rate_hz: int) -> None:
    reference = EchoReference(sample_rate_hz)
    played = np.arange(sample_rate_hz, dtype=np.int64).astype(np.int16)
    for start in range(0, sample_rate_hz, 50):
        reference.played(played[start : start + 50])
    frames = [reference.next() for _ in range(FRAMES_PER_SECOND)]
    assert {len(frame) for frame in frames} == {reference.frame_size}
    last = int(frames[-1][-1]) & 0xFFFF
    assert sample_rate_hz - last == pytest.approx(sample_rate_hz * IN_HAND_S, abs=3)


@pytest.mark.parametrize("playback_hz", [16_000, 22_050, 48_000])
@pytest.mark.parametrize("capture_hz", [11_025, 16_000, 22_050, 44_100])
def test_at_any_rates_devices_on_time_leave_no_gap(capture_hz: int, playback_hz: int) -> None:
    heard_frame = capture_hz // FRAMES_PER_SECOND
    reference = EchoReference(playback_hz, heard_frame / capture_hz)
    sounding = np.ones(playback_hz // 100, dtype=np.int16)
    given = []
    played = heard = 0
    while heard < 30 * capture_hz:
        while played * capture_hz <= heard * playback_hz:
            reference.played(sounding)
            played += len(sounding)
        heard += heard_frame
        given.append(reference.next())
    assert {len(frame) for frame in given} == {reference.frame_size}
    assert all(frame.all() for frame in given[5:])
