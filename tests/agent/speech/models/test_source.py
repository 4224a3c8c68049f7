from pathlib import Path

import pytest

from duologue.agent.speech.models.source import SourceFailed, accept, part_path
from tests.agent.speech.models.conftest import SETTINGS, TINY

SETTINGS_FILE = TINY.files[1]


def test_a_right_part_gets_its_final_name(tmp_path: Path) -> None:
    part_path(tmp_path, SETTINGS_FILE).write_bytes(SETTINGS)
    accept(tmp_path, SETTINGS_FILE)
    assert [path.name for path in tmp_path.iterdir()] == ["settings.json"]


def test_a_wrong_part_is_deleted_and_leaves_the_file_that_was_there(tmp_path: Path) -> None:
    (tmp_path / "settings.json").write_bytes(b"old")
    part_path(tmp_path, SETTINGS_FILE).write_bytes(b"wrong")
    with pytest.raises(SourceFailed, match=r"settings\.json came with a wrong SHA-256"):
        accept(tmp_path, SETTINGS_FILE)
    assert [path.name for path in tmp_path.iterdir()] == ["settings.json"]
    assert (tmp_path / "settings.json").read_bytes() == b"old"
