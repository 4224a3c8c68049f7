from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from duologue.audio.playout.seams import SEAM_MS, Seams
from duologue.audio.samples import Samples, samples_from_floats, silence

RATE_HZ = 16_000
SEAM = SEAM_MS * RATE_HZ // 1000


def flat(frames: int, value: int = 8000) -> Samples:
    return np.full(frames, value, dtype=np.int16)


def test_sound_passes_as_it_is_and_silence_follows_what_ends_at_zero() -> None:
    sound = np.concatenate((flat(100), silence(1)))
    seams = Seams(RATE_HZ)
    assert seams.join(sound, 120).tolist() == [*sound.tolist(), *[0] * 19]
    assert seams.join(sound, 101).tolist() == sound.tolist()


def test_what_ends_off_zero_decays_and_what_follows_fades_in() -> None:
    seams = Seams(RATE_HZ)
    ending = seams.join(flat(100), 400).astype(int)
    assert 0 < ending[100] < 8000
    assert not ending[100 + SEAM :].any()
    resuming = seams.join(flat(400), 400).astype(int)
    assert resuming[0] == 100
    assert set(resuming[SEAM:]) == {8000}


@given(st.lists(st.tuples(st.integers(0, 300), st.integers(0, 300)), min_size=1, max_size=30))
def test_however_sound_is_cut_there_is_no_step(cuts: list[tuple[int, int]]) -> None:
    seams = Seams(RATE_HZ)
    blocks = [seams.join(samples_from_floats(np.linspace(0, 8000, 80)), 80)]
    for sound, gap in cuts:
        blocks.append(seams.join(flat(sound), sound + gap))
    steps = np.abs(np.diff(np.concatenate(blocks).astype(int)))
    assert steps.max() <= 2 * 8000 / SEAM + 3


def test_the_sum_of_a_decay_and_of_what_follows_does_not_overflow() -> None:
    seams = Seams(RATE_HZ)
    seams.join(flat(100, 32_767), 101)
    resumed = seams.join(flat(200, 32_767), 200).astype(int)
    assert resumed.min() > 30_000
