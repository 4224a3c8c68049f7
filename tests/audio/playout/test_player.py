from __future__ import annotations

import threading

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from duologue.audio.playout.player import MAX_QUEUED_MS, REMEMBERED_EVENTS, Playout
from duologue.audio.samples import Samples, samples_from_bytes, silence
from tests.audio.signals import tone

RATE_HZ = 16_000
BLOCK = 320  # 20 ms


def flat(duration_ms: int, value: int = 10_000) -> Samples:
    return np.full(duration_ms * RATE_HZ // 1000, value, dtype=np.int16)


class Listener:
    """A play-out with a sink that pulls blocks of 20 ms, and a clock that moves with it."""

    def __init__(self) -> None:
        self.time_s = 0.0
        self.changes: list[tuple[bool, float]] = []
        self.audible: list[tuple[int | None, float]] = []
        self.playout = Playout(
            RATE_HZ,
            on_change=lambda playing, at_s: self.changes.append((playing, round(at_s, 4))),
            on_audible=lambda event_id, at_s: self.audible.append((event_id, round(at_s, 4))),
            clock=lambda: self.time_s,
        )

    def enqueue(self, samples: Samples, event_id: int | None = 1) -> None:
        self.playout.enqueue(samples, RATE_HZ, event_id)

    def listen(self, duration_ms: int) -> Samples:
        blocks = []
        for _ in range(duration_ms // 20):
            blocks.append(samples_from_bytes(self.playout.render(BLOCK)))
            self.time_s += 0.02
        return np.concatenate(blocks)


@pytest.fixture
def listener() -> Listener:
    return Listener()


def test_with_nothing_to_play_it_renders_silence(listener: Listener) -> None:
    assert not listener.listen(100).any()
    assert listener.changes == []


@pytest.mark.parametrize("frames", [1, 7, 441, 480, 4096])
def test_it_renders_exactly_as_many_samples_as_asked(listener: Listener, frames: int) -> None:
    listener.enqueue(flat(10))
    for _ in range(3):
        assert len(listener.playout.render(frames)) == 2 * frames


def test_sound_is_played_as_it_came(listener: Listener) -> None:
    listener.enqueue(tone(110, RATE_HZ))
    heard = listener.listen(200)
    assert heard[: 110 * 16].tolist() == tone(110, RATE_HZ).tolist()
    assert not heard[110 * 16 :].any()


@pytest.mark.parametrize("rate_hz", [8000, 22_050, 24_000, 48_000])
def test_sound_of_another_rate_is_converted_whole(listener: Listener, rate_hz: int) -> None:
    sound = tone(400, rate_hz)
    for at in range(0, len(sound), 333):
        listener.playout.enqueue(sound[at : at + 333], rate_hz, 1)
    heard = listener.listen(500).astype(int)
    assert np.abs(heard[: 400 * 16] - tone(400, RATE_HZ)).max() < 300
    assert listener.playout.total_played_ms == pytest.approx(400, abs=0.1)


def test_it_tells_when_it_begins_to_play_and_runs_dry(listener: Listener) -> None:
    listener.listen(40)
    listener.enqueue(flat(50))
    assert not listener.playout.is_playing
    listener.listen(20)
    assert listener.playout.is_playing
    listener.listen(80)
    assert not listener.playout.is_playing
    assert listener.changes == [(True, 0.04), (False, 0.09)]


def test_sound_that_ends_with_a_block_has_run_dry_with_the_next(listener: Listener) -> None:
    listener.enqueue(flat(60))
    listener.listen(60)
    assert listener.changes == [(True, 0.0)]
    listener.listen(20)
    assert listener.changes == [(True, 0.0), (False, 0.06)]


def test_the_first_audible_sample_of_an_utterance_is_reported(listener: Listener) -> None:
    listener.listen(20)
    quiet_then_loud = np.concatenate((flat(30, value=200), flat(30, value=-201)))
    listener.enqueue(quiet_then_loud, event_id=7)
    listener.listen(100)
    assert listener.audible == [(7, 0.05)]


def test_further_events_of_an_utterance_are_not_reported(listener: Listener) -> None:
    for event_id in (1, 2, 3):
        listener.enqueue(flat(40), event_id)
    listener.listen(300)
    listener.enqueue(flat(60), event_id=4)
    listener.listen(100)
    assert listener.audible == [(1, 0.0)]
    assert (listener.playout.underruns, listener.playout.underrun_ms) == (1, 180.0)


def test_after_300_ms_without_sound_a_new_utterance_is_reported(listener: Listener) -> None:
    listener.enqueue(flat(60), event_id=1)
    listener.listen(380)
    listener.enqueue(flat(60), event_id=2)
    listener.listen(40)
    assert listener.audible == [(1, 0.0), (2, 0.38)]
    assert (listener.playout.underruns, listener.playout.underrun_ms) == (0, 0.0)


@pytest.mark.parametrize("gap_ms", [100, 400, 5000])
def test_a_gap_within_one_event_is_an_underrun_however_long_it_is(
    listener: Listener, gap_ms: int
) -> None:
    listener.enqueue(flat(60), event_id=1)
    listener.listen(60 + gap_ms)
    listener.enqueue(flat(60), event_id=1)
    listener.listen(40)
    assert (listener.playout.underruns, listener.playout.underrun_ms) == (1, gap_ms)


def test_what_follows_an_interruption_is_no_underrun_whatever_its_id(listener: Listener) -> None:
    listener.enqueue(flat(1000), event_id=1)
    listener.listen(100)
    listener.playout.interrupt()
    listener.listen(1000)
    listener.enqueue(flat(60), event_id=1)
    listener.listen(40)
    assert listener.playout.underruns == 0


def test_after_an_interruption_a_new_utterance_is_reported(listener: Listener) -> None:
    listener.enqueue(flat(1000), event_id=1)
    listener.listen(100)
    listener.playout.interrupt()
    listener.enqueue(flat(100), event_id=2)
    listener.listen(100)
    assert listener.audible == [(1, 0.0), (2, 0.12)]  # the block after that of the fade


@given(st.integers(0, 30), st.sampled_from([8000, 16_000, 48_000]))
@settings(deadline=None)
def test_an_interruption_is_silent_within_20_ms_and_without_a_click(
    blocks_before: int, rate_hz: int
) -> None:
    listener = Listener()
    listener.playout.enqueue(tone(1000, rate_hz, hz=200), rate_hz, 1)
    before = listener.listen(20 * (blocks_before + 1))
    listener.playout.interrupt()
    after = listener.listen(100)
    assert not after[10 * 16 :].any()
    steepest_of_the_tone = 2 * np.pi * 200 / RATE_HZ * np.abs(tone(100, RATE_HZ).astype(int)).max()
    around = np.concatenate((before[-1:], after)).astype(int)
    assert np.abs(np.diff(around)).max() <= 1.3 * steepest_of_the_tone


def test_what_had_not_begun_as_it_was_interrupted_is_not_heard(listener: Listener) -> None:
    listener.enqueue(flat(20))
    listener.listen(20)
    listener.playout.interrupt()
    assert not listener.listen(200).any()
    assert listener.playout.played_ms(1) == 0
    assert listener.changes == [(False, 0.02)]


def test_what_follows_a_fade_is_not_heard_if_it_is_interrupted_as_well(listener: Listener) -> None:
    listener.enqueue(flat(1000), event_id=1)
    listener.listen(100)
    listener.playout.interrupt()
    listener.enqueue(flat(1000), event_id=2)
    listener.playout.interrupt()
    listener.listen(200)
    assert (listener.playout.played_ms(1), listener.playout.played_ms(2)) == (105, 0)


def test_a_short_piece_waits_for_the_next_one(listener: Listener) -> None:
    listener.enqueue(flat(20))
    assert not listener.listen(20).any()
    listener.enqueue(flat(40))
    assert listener.listen(60).all()
    assert listener.changes == [(True, 0.02)]
    assert listener.playout.underruns == 0


def test_a_piece_that_nothing_follows_is_heard_all_the_same(listener: Listener) -> None:
    listener.enqueue(flat(20))
    listener.listen(100)
    assert listener.changes == [(True, 0.06), (False, 0.08)]
    assert listener.playout.played_ms(1) == 20


def test_where_it_has_run_dry_it_begins_again_once_enough_waits(listener: Listener) -> None:
    listener.enqueue(flat(100))
    listener.listen(120)
    listener.enqueue(flat(40))
    listener.listen(20)
    assert not listener.playout.is_playing
    listener.enqueue(flat(20))
    listener.listen(20)
    assert listener.playout.is_playing
    assert (listener.playout.underruns, listener.playout.underrun_ms) == (1, 40.0)


@given(
    pieces=st.lists(
        st.tuples(
            st.integers(1, 120),  # ms of sound
            st.integers(1, 120),  # ms of listening until the next
            st.sampled_from(["nothing", "interrupt", "louder", "quieter", "silent"]),
        ),
        min_size=1,
        max_size=12,
    ),
    frames=st.integers(50, 700),
    phase=st.integers(0, 79),
)
@settings(deadline=None, max_examples=40)
def test_whatever_happens_nothing_is_steeper_than_the_sound_and_its_fades(
    pieces: list[tuple[int, int, str]], frames: int, phase: int
) -> None:
    """Sound that is cut off anywhere, resumed anywhere, interrupted, and changed in volume."""
    playout = Playout(RATE_HZ)
    amplitude, hz = 10_000, 200
    times = (phase + np.arange(5 * RATE_HZ)) / RATE_HZ
    signal = (amplitude * np.sin(2 * np.pi * hz * times)).astype(np.int16)
    signal[:80] = signal[:80] * (np.arange(80) / 80)  # the sound's own beginning is no step
    volumes = {"louder": 1.0, "quieter": 0.3, "silent": 0.0}
    heard, position = [silence(1)], 0
    for sound_ms, listened_ms, happens in pieces:
        piece = signal[position : position + sound_ms * 16]
        position += len(piece)
        playout.enqueue(piece, RATE_HZ, 1)
        blocks = -(-listened_ms * 16 // frames)
        heard.extend(samples_from_bytes(playout.render(frames)) for _ in range(blocks))
        if happens == "interrupt":
            playout.interrupt()
            position += -(phase + position) % 80  # a new answer begins at zero
        elif happens in volumes:
            playout.set_volume(volumes[happens])
    heard.extend(samples_from_bytes(playout.render(frames)) for _ in range(2000 // frames + 1))
    steepest_of_sound = 2 * np.pi * hz / RATE_HZ * amplitude
    steepest_of_fades = amplitude * (1 / 80 + 1 / 80 + 1 / 79 + 1 / 160)
    steps = np.abs(np.diff(np.concatenate(heard).astype(int)))
    assert steps.max() <= steepest_of_sound + steepest_of_fades + 3


def test_what_was_interrupted_is_not_played_later(listener: Listener) -> None:
    listener.playout.enqueue(tone(1000, 48_000), 48_000, 1)
    listener.listen(100)
    listener.playout.interrupt()
    assert listener.playout.queued_ms == 5.0
    listener.listen(100)
    listener.playout.enqueue(silence(48_000), 48_000, 2)
    assert not listener.listen(1000).any()
    assert listener.playout.played_ms(1) == 105.0


def test_interrupting_silence_changes_nothing(listener: Listener) -> None:
    listener.playout.interrupt()
    assert not listener.listen(40).any()
    assert listener.changes == []


def test_sound_that_stops_off_zero_decays_without_a_click(listener: Listener) -> None:
    listener.enqueue(flat(30, value=8000))
    heard = listener.listen(60).astype(int)
    assert np.abs(np.diff(heard)).max() <= 8000 / 79 + 1
    assert not heard[35 * 16 :].any()


def test_it_decays_also_if_the_sound_stops_with_a_block(listener: Listener) -> None:
    listener.enqueue(flat(20, value=8000))
    heard = listener.listen(60).astype(int)
    assert np.abs(np.diff(heard)).max() <= 8000 / 79 + 1
    assert not heard[25 * 16 :].any()


def test_volume_is_approached_without_a_click_and_kept(listener: Listener) -> None:
    listener.enqueue(flat(1000))
    listener.listen(100)
    listener.playout.set_volume(0.5)
    heard = listener.listen(100).astype(int)
    assert np.abs(np.diff(heard)).max() <= 10_000 / 160 + 1
    assert heard[-1] == 5000
    assert listener.listen(100)[0] == 5000


@pytest.mark.parametrize(("volume", "heard"), [(-3.0, 0), (0.25, 2500), (9.0, 10_000)])
def test_volume_is_clamped(listener: Listener, volume: float, heard: int) -> None:
    listener.playout.set_volume(volume)
    listener.enqueue(flat(100))
    assert listener.listen(60)[-1] == heard


@pytest.mark.parametrize("volume", [float("nan"), float("inf")])
def test_a_volume_that_is_no_finite_number_is_refused(listener: Listener, volume: float) -> None:
    with pytest.raises(ValueError, match="a volume is a number from 0 to 1"):
        listener.playout.set_volume(volume)


def test_an_agent_turned_down_is_still_reported_as_audible(listener: Listener) -> None:
    listener.playout.set_volume(0.0)
    listener.listen(40)
    listener.enqueue(flat(60))
    assert not listener.listen(60).any()
    assert listener.audible == [(1, 0.04)]


def test_the_level_is_that_of_what_is_heard(listener: Listener) -> None:
    listener.enqueue(flat(1000, value=16_384))
    listener.listen(100)
    assert listener.playout.level() == 0.5
    listener.playout.set_volume(0.5)
    listener.listen(100)
    assert listener.playout.level() == 0.25
    listener.listen(2000)
    assert listener.playout.level() == 0.0


def spectrum_after_a_second(listener: Listener) -> bytes:
    """The last of 50 readings, each smoothed with the one before."""
    for _ in range(50):
        listener.listen(20)
        spectrum = listener.playout.voice_range_data()
    return spectrum


def test_the_spectrum_is_that_of_what_is_heard(listener: Listener) -> None:
    assert listener.playout.voice_range_data() == bytes(1024)
    listener.enqueue(tone(3000, RATE_HZ, hz=1000))
    loud = max(spectrum_after_a_second(listener))
    listener.playout.set_volume(0.01)
    quiet = max(spectrum_after_a_second(listener))
    assert loud == 255  # -19 dB, of which -30 dB would be enough
    assert 130 < quiet < 150  # -60 dB would be 147, but the tone is between two bytes
    listener.playout.set_volume(0.0)
    assert spectrum_after_a_second(listener) == bytes(1024)


def test_it_counts_what_was_played_of_each_event(listener: Listener) -> None:
    listener.enqueue(flat(50), event_id=1)
    listener.enqueue(flat(100), event_id=None)
    assert listener.playout.queued_ms == 150.0
    listener.listen(80)
    playout = listener.playout
    assert (playout.played_ms(1), playout.played_ms(None), playout.played_ms(9)) == (50, 30, 0)
    assert (playout.total_played_ms, playout.queued_ms) == (80, 70)


def test_only_the_latest_events_are_remembered(listener: Listener) -> None:
    for event_id in range(REMEMBERED_EVENTS + 10):
        listener.enqueue(flat(1), event_id)
    listener.listen(400)
    assert listener.playout.played_ms(9) == 0
    assert listener.playout.played_ms(10) == 1


def test_beyond_ten_minutes_what_arrives_is_dropped_and_counted(listener: Listener) -> None:
    for event_id in range(11):
        listener.enqueue(silence(60 * RATE_HZ), event_id)
    assert listener.playout.queued_ms == MAX_QUEUED_MS == 600_000
    assert listener.playout.dropped_ms == 60_000


def test_a_callback_that_raises_is_logged_and_the_sound_goes_on(
    caplog: pytest.LogCaptureFixture,
) -> None:
    def fail(playing: bool, at_s: float) -> None:
        raise LookupError("of the callback")

    playout = Playout(RATE_HZ, on_change=fail)
    playout.enqueue(flat(60), RATE_HZ, 1)
    assert samples_from_bytes(playout.render(BLOCK)).tolist() == flat(20).tolist()
    assert "of the callback" in caplog.text


def test_callbacks_may_use_the_playout() -> None:
    interrupted: list[int | None] = []

    def interrupt(event_id: int | None, at_s: float) -> None:
        playout.interrupt()
        interrupted.append(event_id)

    playout = Playout(RATE_HZ, on_audible=interrupt)
    playout.enqueue(flat(1000), RATE_HZ, 1)
    playout.render(BLOCK)
    assert interrupted == [1]
    assert playout.queued_ms == 5.0


def test_a_rate_of_zero_is_refused(listener: Listener) -> None:
    with pytest.raises(ValueError, match="not 0"):
        listener.playout.enqueue(flat(10), 0, 1)


def test_all_that_is_enqueued_while_rendering_is_played_once() -> None:
    playout = Playout(RATE_HZ)
    sounds = 200

    def enqueue() -> None:
        for event_id in range(sounds):
            playout.enqueue(flat(30), RATE_HZ, event_id)

    thread = threading.Thread(target=enqueue)
    thread.start()
    while thread.is_alive():
        playout.render(BLOCK)
    thread.join()
    while playout.queued_ms:
        playout.render(BLOCK)
    assert playout.total_played_ms == sounds * 30
