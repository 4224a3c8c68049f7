from pathlib import Path

import pytest

from duologue.agent.speech.piper import PiperSynthesizer
from duologue.errors import ModelError


def test_a_missing_voice_is_an_error_that_names_it(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"absent\.onnx cannot be loaded"):
        PiperSynthesizer(tmp_path / "absent.onnx")


def test_a_damaged_voice_is_an_error_that_says_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "voice.onnx").write_bytes(b"damaged")
    (tmp_path / "voice.onnx.json").write_text("{}")
    with pytest.raises(ModelError, match="duologue models verify"):
        PiperSynthesizer(tmp_path / "voice.onnx")
