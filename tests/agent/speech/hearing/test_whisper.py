from pathlib import Path

import pytest

from duologue.agent.speech.hearing.whisper import MODEL_FILES, WhisperTranscriber
from duologue.errors import ModelError


def test_a_folder_that_lacks_a_file_is_an_error_that_names_it(tmp_path: Path) -> None:
    for name in MODEL_FILES[:-1]:
        (tmp_path / name).write_bytes(b"")
    with pytest.raises(ModelError, match=f"lacks {MODEL_FILES[-1]}; run `duologue models pull`"):
        WhisperTranscriber(tmp_path)


def test_a_damaged_model_is_an_error_that_says_what_to_do(tmp_path: Path) -> None:
    for name in MODEL_FILES:
        (tmp_path / name).write_bytes(b"damaged")
    with pytest.raises(ModelError, match="duologue models verify"):
        WhisperTranscriber(tmp_path)
