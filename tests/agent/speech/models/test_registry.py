import os
from pathlib import Path

import platformdirs
import pytest

from duologue.agent.speech.models.registry import (
    BUNDLED_MODELS,
    FileState,
    find_model,
    is_present,
    missing_files,
    model_folder,
    models_folder,
    verify,
)
from duologue.errors import ModelError
from tests.agent.speech.models.conftest import SETTINGS, TINY, WEIGHTS, put_model


def states(folder: Path) -> list[FileState]:
    return [check.state for check in verify(TINY, folder)]


def test_bundled_models_are_one_of_each_kind_with_whole_hashes() -> None:
    assert len({model.kind for model in BUNDLED_MODELS}) == len(BUNDLED_MODELS) == 3
    for model in BUNDLED_MODELS:
        assert len({file.name for file in model.files}) == len(model.files)
        assert all(len(bytes.fromhex(file.sha256)) == 32 for file in model.files)
        assert model.size_bytes == sum(file.size_bytes for file in model.files)


def test_models_lie_in_the_users_cache(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DUOLOGUE_MODELS_DIR", raising=False)
    cache = Path(platformdirs.user_cache_dir("duologue", appauthor=False))
    assert models_folder() == cache / "models"
    assert model_folder(TINY) == cache / "models" / "tiny"


def test_the_environment_can_put_the_models_elsewhere(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("DUOLOGUE_MODELS_DIR", str(tmp_path))
    assert model_folder(TINY) == tmp_path / "tiny"


def test_a_model_is_found_by_its_name() -> None:
    assert all(find_model(model.name) is model for model in BUNDLED_MODELS)


def test_an_unknown_name_is_told_with_the_nearest_and_all_names() -> None:
    with pytest.raises(
        ModelError, match=r"'whisper-tiny'; did you mean whisper-tiny\.en\?"
    ) as told:
        find_model("whisper-tiny")
    assert all(model.name in str(told.value) for model in BUNDLED_MODELS)


def test_a_model_is_present_when_all_files_have_their_size(tmp_path: Path) -> None:
    assert missing_files(TINY, tmp_path) == TINY.files
    put_model(tmp_path)
    assert is_present(TINY, tmp_path)


def test_a_file_that_is_too_short_is_missing(tmp_path: Path) -> None:
    put_model(tmp_path, weights=WEIGHTS[:-1])
    assert missing_files(TINY, tmp_path) == (TINY.files[0],)


def test_verify_tells_ok_missing_and_wrong(tmp_path: Path) -> None:
    put_model(tmp_path)
    assert states(tmp_path) == [FileState.OK, FileState.OK]
    damaged = SETTINGS.replace(b"1", b"2")
    put_model(tmp_path, settings=damaged)
    (tmp_path / "tiny" / "weights.bin").unlink()
    assert states(tmp_path) == [FileState.MISSING, FileState.WRONG_HASH]


def test_a_file_that_cannot_be_read_is_told_by_its_path(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put_model(tmp_path)

    def refuse(path: Path, *_: object) -> None:
        raise PermissionError(13, os.strerror(13), str(path))

    monkeypatch.setattr(Path, "open", refuse)
    with pytest.raises(ModelError, match=r"weights\.bin cannot be read: Permission denied"):
        states(tmp_path)
