import asyncio
import threading
import time
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from duologue.agent.speech.model_worker import ModelWorker
from duologue.agent.speech.speaking.model import Sentence
from duologue.agent.speech.speaking.piper import (
    FIRST_FRAMES,
    GAIN,
    LONGEST_FRAMES,
    PiperSynthesizer,
    parts,
)
from duologue.agent.speech.speaking.synthesis import VoicePart
from duologue.errors import ModelError


def test_a_missing_voice_is_an_error_that_names_it(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"absent\.onnx cannot be loaded"):
        PiperSynthesizer(tmp_path / "absent.onnx")


def test_a_damaged_voice_is_an_error_that_says_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "voice.onnx").write_bytes(b"damaged")
    (tmp_path / "voice.onnx.json").write_text("{}")
    with pytest.raises(ModelError, match="duologue models verify"):
        PiperSynthesizer(tmp_path / "voice.onnx")


@given(st.integers(0, 2000))
def test_parts_follow_each_other_from_a_short_one_on(frames: int) -> None:
    cut = list(parts(frames))
    assert [start for start, _ in cut] == [0, *(end for _, end in cut[:-1])][: len(cut)]
    assert cut[-1][1] == frames if cut else frames == 0
    lengths = [end - start for start, end in cut]
    assert all(0 < length <= LONGEST_FRAMES for length in lengths)
    assert not lengths or lengths[0] == min(frames, FIRST_FRAMES)
    assert lengths[:-1] == sorted(lengths[:-1])


class Model:
    """Says of each letter that it is a sentence of 100 frames, and notes what was made."""

    sample_rate_hz = 1000
    frame_samples = 10

    def __init__(self, failure: Exception | None = None) -> None:
        self.failure = failure
        self.made: list[tuple[str, int, int]] = []
        self.gate = threading.Event()
        self.gate.set()
        self.planning = threading.Event()

    def plan(self, text: str, *, speed: float) -> list[Sentence]:
        self.planning.set()
        self.gate.wait()
        if self.failure is not None:
            raise self.failure
        return [Sentence(frames=100, spoken_frames=90, parts={letter: NONE}) for letter in text]

    def sound(self, sentence: Sentence, start: int, end: int) -> npt.NDArray[np.float32]:
        (letter,) = sentence.parts
        self.made.append((letter, start, end))
        return np.full((end - start) * self.frame_samples, 0.5, dtype=np.float32)


NONE = np.zeros((1, 1, 100), dtype=np.float32)


class Worker(ModelWorker):
    """Notes when each call is due."""

    def __init__(self, name: str, *, max_waiting: int) -> None:
        super().__init__(name, max_waiting=max_waiting)
        self.due_s: list[float] = []

    async def run_by(self, due_s: float, *args: Any, **options: Any) -> Any:
        self.due_s.append(due_s)
        return await super().run_by(due_s, *args, **options)


def synthesizer(model: Model) -> PiperSynthesizer:
    with patch(
        "duologue.agent.speech.speaking.piper.PiperModel", lambda path, threads, seed: model
    ):
        return PiperSynthesizer(Path("voice.onnx"))


async def test_every_part_tells_where_the_voice_of_all_sentences_ends() -> None:
    voice = synthesizer(Model())
    heard = [part async for part in voice.synthesize("ab")]
    assert [len(part.samples) for part in heard] == [200, 800, 200, 800]
    assert {part.voice_end for part in heard} == {1900}
    assert {int(sample) for part in heard for sample in part.samples} == {int(0.5 * GAIN * 32767)}
    voice.close()


async def test_a_part_is_due_when_the_sound_before_it_has_been_heard() -> None:
    with patch("duologue.agent.speech.speaking.piper.ModelWorker", Worker):
        voice = synthesizer(Model())
    begun_s = time.monotonic()
    _ = [part async for part in voice.synthesize("ab")]
    took_s = time.monotonic() - begun_s
    assert isinstance(voice._worker, Worker)
    # The plan and the first part at once; the others as the sound of those before them ends.
    expected_s = [0.0, 0.0, 0.2, 1.0, 1.2]
    for due_s, wanted_s in zip(voice._worker.due_s, expected_s, strict=True):
        assert wanted_s <= due_s - begun_s <= wanted_s + took_s


async def test_whatever_the_model_raises_is_an_error_that_names_the_text() -> None:
    voice = synthesizer(Model(ZeroDivisionError("no time")))
    with pytest.raises(ModelError, match="could not say 'Hello': no time"):
        _ = [part async for part in voice.synthesize("Hello")]
    voice.close()


async def test_a_text_that_is_given_up_is_not_spoken() -> None:
    model = Model()
    voice = synthesizer(model)
    model.gate.clear()

    async def first_part() -> VoicePart:
        return await anext(voice.synthesize("aa"))

    given_up = asyncio.create_task(first_part())
    await asyncio.to_thread(model.planning.wait, 5.0)
    given_up.cancel()
    with pytest.raises(asyncio.CancelledError):
        await given_up
    model.gate.set()
    assert len([part async for part in voice.synthesize("b")]) == 2
    assert {letter for letter, _, _ in model.made} == {"b"}
    voice.close()
