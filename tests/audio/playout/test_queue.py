from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from duologue.audio.playout.queue import PlayoutQueue
from duologue.audio.samples import Samples, silence
from tests.audio.signals import tone

RATE_HZ = 16_000


def flat(frames: int, value: int = 1000) -> Samples:
    return np.full(frames, value, dtype=np.int16)


def taken(queue: PlayoutQueue, frames: int) -> list[tuple[int | None, int]]:
    return [(run.event_id, len(run.samples)) for run in queue.take(frames)]


def test_samples_come_out_in_order_with_their_events() -> None:
    queue = PlayoutQueue(RATE_HZ, 10_000)
    queue.put(flat(100), RATE_HZ, 1)
    queue.put(flat(100), RATE_HZ, 2)
    assert taken(queue, 150) == [(1, 100), (2, 50)]
    assert queue.waiting_frames == 50
    assert taken(queue, 150) == [(2, 50)]
    assert taken(queue, 150) == []


@settings(deadline=None)
@given(
    st.lists(st.tuples(st.sampled_from([8000, 16_000, 22_050, 48_000]), st.integers(0, 2000))),
    st.integers(1, 1000),
)
def test_nothing_is_lost_whatever_the_rates(puts: list[tuple[int, int]], block: int) -> None:
    queue = PlayoutQueue(RATE_HZ, 1_000_000)
    for event_id, (rate_hz, frames) in enumerate(puts):
        queue.put(flat(frames), rate_hz, event_id)
    waiting = queue.waiting_frames
    total = 0
    while runs := queue.take(block):
        total += sum(len(run.samples) for run in runs)
    expected = sum(frames * RATE_HZ / rate_hz for rate_hz, frames in puts)
    assert abs(total - expected) <= len(puts)
    assert abs(total - waiting) <= 1


def test_the_end_of_an_answer_is_not_left_in_the_resampler() -> None:
    queue = PlayoutQueue(RATE_HZ, 1_000_000)
    queue.put(tone(500, 48_000), 48_000, 1)
    samples = np.concatenate([run.samples for run in queue.take(20_000)])
    assert len(samples) == 8000
    assert np.abs(samples.astype(int) - tone(500, RATE_HZ)).max() < 300


def test_after_it_ran_dry_the_next_sound_is_whole_again() -> None:
    queue = PlayoutQueue(RATE_HZ, 1_000_000)
    for event_id in (1, 2):
        queue.put(tone(500, 48_000), 48_000, event_id)
        runs = queue.take(20_000)
        assert {run.event_id for run in runs} == {event_id}
        samples = np.concatenate([run.samples for run in runs]).astype(int)
        assert np.abs(samples - tone(500, RATE_HZ)).max() < 300


def test_beyond_its_capacity_what_arrives_is_dropped() -> None:
    queue = PlayoutQueue(RATE_HZ, 150)
    assert queue.put(flat(100, 1), RATE_HZ, 1) == 0
    assert queue.put(flat(100, 2), RATE_HZ, 2) == 50
    assert queue.put(flat(100, 3), RATE_HZ, 3) == 100
    assert taken(queue, 1000) == [(1, 100), (2, 50)]


def test_fading_out_leaves_a_ramp_to_zero_and_nothing_else() -> None:
    queue = PlayoutQueue(RATE_HZ, 10_000)
    queue.put(flat(50), RATE_HZ, 1)
    queue.put(flat(5000), RATE_HZ, 2)
    queue.fade_out(100)
    assert queue.waiting_frames == 100
    runs = queue.take(1000)
    assert [(run.event_id, len(run.samples), run.is_fade) for run in runs] == [
        (1, 50, True),
        (2, 50, True),
    ]
    faded = np.concatenate([run.samples for run in runs]).astype(int)
    assert (faded[0], faded[-1]) == (1000, 0)
    assert (np.diff(faded) <= 0).all()


def test_fading_out_an_empty_queue_leaves_it_empty() -> None:
    queue = PlayoutQueue(RATE_HZ, 10_000)
    queue.fade_out(100)
    assert queue.take(10) == []


def test_fading_out_forgets_what_the_resampler_holds() -> None:
    queue = PlayoutQueue(RATE_HZ, 1_000_000)
    queue.put(tone(1000, 48_000), 48_000, 1)
    queue.fade_out(128)
    assert queue.waiting_frames == 128
    queue.take(128)
    queue.put(silence(4800), 48_000, 2)
    assert not np.concatenate([run.samples for run in queue.take(10_000)]).any()
