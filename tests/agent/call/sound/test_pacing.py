"""When sound goes out, in plain numbers."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from duologue.agent.call.sound.pacing import LEAD_MS, Pacer, Samples

RATE_HZ = 16_000


def sound(duration_ms: float) -> Samples:
    return np.arange(round(duration_ms * RATE_HZ / 1000)).astype(np.int16)


def take_all(pacer: Pacer, now_ms: float) -> list[float]:
    """The lengths in ms of all chunks that are due now."""
    lengths = []
    while (chunk := pacer.take(now_ms)) is not None:
        lengths.append(len(chunk) * 1000 / RATE_HZ)
    return lengths


def test_the_first_chunk_is_small_and_half_a_second_goes_out_at_once() -> None:
    pacer = Pacer(RATE_HZ)
    pacer.push(sound(3000))
    assert take_all(pacer, 0) == [60, 100, 100, 100, 100]


def test_after_that_one_chunk_goes_out_for_each_that_was_played() -> None:
    pacer = Pacer(RATE_HZ)
    pacer.push(sound(3000))
    take_all(pacer, 0)
    assert pacer.due_ms() == 60
    assert take_all(pacer, 59) == []
    assert take_all(pacer, 60) == [100]
    assert take_all(pacer, 260) == [100, 100]


def test_the_end_is_told_once_all_is_sent() -> None:
    pacer = Pacer(RATE_HZ)
    pacer.push(sound(130))
    take_all(pacer, 1000)
    assert pacer.ends_ms is None
    pacer.finish()
    take_all(pacer, 1010)
    assert pacer.ends_ms == 1130
    assert pacer.due_ms() is None


def test_a_short_rest_waits_for_more_until_the_client_is_nearly_dry() -> None:
    pacer = Pacer(RATE_HZ)
    pacer.push(sound(200))
    assert take_all(pacer, 0) == [60, 100]
    assert pacer.due_ms() == 80
    assert take_all(pacer, 79) == []
    assert take_all(pacer, 80) == [40]


def test_heard_is_the_time_since_the_first_chunk_but_not_more_than_was_sent() -> None:
    pacer = Pacer(RATE_HZ)
    assert pacer.heard_ms(50) == 0
    pacer.push(sound(100))
    pacer.finish()
    take_all(pacer, 1000)
    assert pacer.heard_ms(990) == 0
    assert pacer.heard_ms(1040) == 40
    assert pacer.heard_ms(9999) == 100


def test_a_client_that_ran_dry_has_heard_no_more_than_it_got() -> None:
    pacer = Pacer(RATE_HZ)
    pacer.push(sound(60))
    take_all(pacer, 0)
    pacer.push(sound(100))
    take_all(pacer, 500)
    assert pacer.heard_ms(499) == 60
    assert pacer.heard_ms(530) == 90


@given(st.lists(st.tuples(st.integers(0, 300), st.integers(0, 700)), max_size=30))
def test_no_sample_is_lost_or_sent_too_early(steps: list[tuple[int, int]]) -> None:
    pacer = Pacer(RATE_HZ)
    pushed, taken = [sound(0)], [sound(0)]
    now_ms = 0.0
    for wait_ms, length_ms in steps:
        now_ms += wait_ms
        pushed.append(sound(length_ms))
        pacer.push(pushed[-1])
        while (chunk := pacer.take(now_ms)) is not None:
            taken.append(chunk)
            ahead_ms = pacer.sent_ms - pacer.heard_ms(now_ms)
            assert ahead_ms <= LEAD_MS + 1e-6
    pacer.finish()
    while (due_ms := pacer.due_ms()) is not None:
        now_ms = max(now_ms, due_ms)
        chunk = pacer.take(now_ms)
        assert chunk is not None
        taken.append(chunk)
    assert np.array_equal(np.concatenate(taken), np.concatenate(pushed))
