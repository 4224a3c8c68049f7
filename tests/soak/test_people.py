from __future__ import annotations

import numpy as np

from soak.people import CyclingMicrophone


def test_the_microphone_speaks_its_samples_over_and_over() -> None:
    microphone = CyclingMicrophone(np.arange(5, dtype=np.int16))
    blocks = [microphone._next_block(4) for _ in range(3)]
    assert np.concatenate(blocks).tolist() == [0, 1, 2, 3, 4, 0, 1, 2, 3, 4, 0, 1]
