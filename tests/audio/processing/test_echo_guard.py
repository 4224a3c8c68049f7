from __future__ import annotations

import numpy as np
import pytest

from duologue.audio.processing.echo_guard import DOUBTFUL_FRAMES, ECHO_WITHIN_FRAMES, EchoGuard
from duologue.audio.samples import Samples, silence

FRAME = 160
COUPLING = 0.5
"""In a room, what is played comes back half as loud."""
NOTHING = silence(0)


def tone(level: float) -> Samples:
    return np.full(FRAME, round(level), dtype=np.int16)


class Room:
    """A guard in a room; what is played in a frame is heard so many frames later."""

    def __init__(self, delay_frames: int = 6) -> None:
        self.guard = EchoGuard()
        self._on_its_way = [0.0] * delay_frames

    def plays(self, *levels: float, user: float = 0.0) -> list[bool]:
        """Which frames are held back, if the canceller lets everything through."""
        held_back = []
        for level in levels:
            self._on_its_way.append(COUPLING * level)
            heard = tone(self._on_its_way.pop(0) + user)
            self.guard.hear(tone(level), heard)
            held_back.append(self.guard.may_be_echo(heard, NOTHING))
        return held_back


def syllables(frames: int) -> list[float]:
    """Loud and quiet as speech is, up to 8000."""
    return [1000 + 7000 * abs(np.sin(frame / 8)) for frame in range(frames)]


@pytest.fixture(params=[0, 6, 30])
def room(request: pytest.FixtureRequest) -> Room:
    room = Room(request.param)
    assert not any(room.plays(*syllables(300)))
    return room


def test_nothing_is_held_back_unless_there_is_doubt(room: Room) -> None:
    assert not any(room.plays(*syllables(500)))


def test_in_doubt_the_echo_is_held_back(room: Room) -> None:
    room.guard.doubt()
    held_back = room.plays(*syllables(DOUBTFUL_FRAMES))
    assert np.mean(held_back) > 0.95


def test_in_doubt_a_user_who_is_louder_than_the_echo_is_not(room: Room) -> None:
    room.guard.doubt()
    assert not any(room.plays(*syllables(100), user=8000))


def test_a_user_who_is_not_is_held_back(room: Room) -> None:
    room.guard.doubt()
    assert all(room.plays(*[8000] * 20, user=-2000))


def test_the_doubt_ends(room: Room) -> None:
    room.guard.doubt()
    room.plays(*syllables(DOUBTFUL_FRAMES))
    assert not any(room.plays(*syllables(100)))


def test_a_silent_agent_holds_nobody_back(room: Room) -> None:
    room.guard.doubt()
    room.plays(*[0.0] * (ECHO_WITHIN_FRAMES + 30))
    assert not any(room.plays(*[0.0] * 100, user=50))


def test_the_doubt_waits_for_an_agent_that_is_silent(room: Room) -> None:
    room.guard.doubt()
    room.plays(*[0.0] * 10 * DOUBTFUL_FRAMES)
    assert np.mean(room.plays(*syllables(200))) > 0.8


def test_what_is_played_ahead_of_its_frame_may_be_heard_already(room: Room) -> None:
    room.plays(*[1000.0] * 2 * ECHO_WITHIN_FRAMES)
    room.guard.doubt()
    heard = tone(COUPLING * 6000)
    room.guard.hear(tone(1000), heard)
    assert not room.guard.may_be_echo(heard, NOTHING)
    assert room.guard.may_be_echo(heard, np.concatenate((tone(1000), tone(8000), tone(1000)[:50])))


def test_what_is_in_no_frame_of_what_was_played_has_an_echo_all_the_same(room: Room) -> None:
    room.plays(*[0.0] * 2 * ECHO_WITHIN_FRAMES)
    room.guard.doubt()
    room.guard.hear(tone(0), tone(0), tone(8000))
    for _ in range(ECHO_WITHIN_FRAMES - 1):
        heard = tone(COUPLING * 7000)
        room.guard.hear(tone(0), heard)
        assert room.guard.may_be_echo(heard, NOTHING)
    room.guard.hear(tone(0), heard)
    assert not room.guard.may_be_echo(heard, NOTHING)


def test_before_the_echo_was_heard_nothing_is_held_back() -> None:
    room = Room(0)
    room.guard.doubt()
    assert not any(room.plays(*syllables(ECHO_WITHIN_FRAMES - 1)))


def test_what_is_not_heard_yet_as_a_call_begins_does_not_count() -> None:
    guard = EchoGuard()
    for _ in range(2 * ECHO_WITHIN_FRAMES):
        guard.hear(tone(8000), tone(10))
    for _ in range(2 * ECHO_WITHIN_FRAMES):
        guard.hear(tone(8000), tone(COUPLING * 8000))
    guard.doubt()
    assert guard.may_be_echo(tone(COUPLING * 7000), NOTHING)


def test_a_microphone_that_was_switched_off_at_first_is_learned_later() -> None:
    guard = EchoGuard()
    for _ in range(1000):
        guard.hear(tone(8000), tone(0))
    for _ in range(1000):
        guard.hear(tone(8000), tone(COUPLING * 8000))
    guard.doubt()
    assert guard.may_be_echo(tone(COUPLING * 7000), NOTHING)


@pytest.mark.parametrize("delay_frames", [0, 6, 12, 25])
def test_a_word_that_dies_away_before_a_pause_makes_the_echo_no_louder(delay_frames: int) -> None:
    room = Room(delay_frames)
    for _ in range(3):
        word = [*[8000.0] * 100, *(8000 * 0.7**frame for frame in range(30))]
        room.plays(*word, *[0.0] * 150)
    room.plays(*[8000.0] * 60)
    room.guard.doubt()
    assert not any(room.plays(*[8000.0] * 50, user=8000))


def test_with_another_speaker_it_is_learned_anew(room: Room) -> None:
    room.guard.learn_anew()
    for level in syllables(200):  # four times as loud
        room.guard.hear(tone(level), tone(4 * COUPLING * level))
    room.guard.doubt()
    louder = tone(4 * COUPLING * 7000)
    room.guard.hear(tone(8000), louder)
    assert room.guard.may_be_echo(louder, NOTHING)


def test_what_gain_control_brings_up_is_held_back_as_well(room: Room) -> None:
    room.guard.doubt()
    room.guard.hear(tone(4000), tone(COUPLING * 3000))
    assert room.guard.may_be_echo(tone(20_000), NOTHING)


def test_at_different_rates_a_frame_is_as_long_as_that_of_what_is_played() -> None:
    guard = EchoGuard()
    pulses = np.zeros(480, dtype=np.int16)
    pulses[::240] = 16_000
    for _ in range(2 * ECHO_WITHIN_FRAMES):
        guard.hear(pulses, tone(500))
    guard.doubt()
    louder = tone(600)  # of no single pulse it would be the echo
    guard.hear(pulses, louder)
    assert not guard.may_be_echo(louder, pulses[:250])


def test_it_follows_a_speaker_that_is_turned_up(room: Room) -> None:
    louder = [4 * level for level in syllables(600)]
    for level in louder:  # at the speaker itself, so that nobody is told
        room.guard.hear(tone(level / 4), tone(COUPLING * level))
    room.guard.doubt()
    heard = tone(4 * COUPLING * 7000)
    room.guard.hear(tone(8000), heard)
    assert room.guard.may_be_echo(heard, NOTHING)
