"""A microphone and a speaker in memory."""

from __future__ import annotations

import threading

import numpy as np
import pytest

from duologue.audio.samples import bytes_from_samples, samples_from_bytes
from duologue.testing import MemoryMicrophone, MemorySpeaker
from tests.audio.virtual_pace import VirtualPace

LIMIT_S = 5.0


def spoken(microphone: MemoryMicrophone, blocks: int) -> np.ndarray[tuple[int], np.dtype[np.int16]]:
    """What the first so many blocks of a microphone bring."""
    taken: list[np.ndarray[tuple[int], np.dtype[np.int16]]] = []
    enough = threading.Event()

    def deliver(block: memoryview) -> None:
        if len(taken) < blocks:
            taken.append(samples_from_bytes(bytes(block)))
        else:
            enough.set()

    microphone.start(deliver)
    assert enough.wait(LIMIT_S)
    microphone.stop()
    return np.concatenate(taken)


@pytest.mark.parametrize("as_bytes", [False, True])
def test_what_is_fed_is_spoken_and_silence_after_it(as_bytes: bool) -> None:
    microphone = MemoryMicrophone(pace=VirtualPace())
    sound = np.arange(1, 201, dtype=np.int16)
    microphone.feed(sound[:50].tobytes() if as_bytes else sound[:50])
    microphone.feed(sound[50:].tobytes() if as_bytes else sound[50:])
    heard = spoken(microphone, 3)  # blocks of 10 ms are 160 samples at 16 kHz
    assert len(heard) == 480
    assert np.array_equal(heard[:200], sound)
    assert not heard[200:].any()


def test_too_much_sound_ahead_is_refused() -> None:
    microphone = MemoryMicrophone(8000)
    microphone.feed(np.zeros(8000 * 600, np.int16))
    with pytest.raises(ValueError, match="600 s"):
        microphone.feed(np.zeros(1, np.int16))


def test_half_a_sample_is_refused() -> None:
    with pytest.raises(ValueError, match="even number"):
        MemoryMicrophone().feed(b"\x00")


def test_the_speaker_keeps_what_it_played() -> None:
    speaker = MemorySpeaker(pace=VirtualPace())
    blocks = threading.Event()

    def render(frames: int) -> memoryview:
        if len(speaker.heard()) >= 1600:
            blocks.set()
        return bytes_from_samples(np.full(frames, 7, np.int16))

    speaker.start(render)
    assert blocks.wait(LIMIT_S)
    speaker.stop()
    assert (speaker.heard() == 7).all()
