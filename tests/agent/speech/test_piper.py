from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from duologue.agent.speech.piper import FIRST_FRAMES, LONGEST_FRAMES, PiperSynthesizer, parts
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
