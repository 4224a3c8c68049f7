"""The file of a server's keys."""

from __future__ import annotations

import os
import stat
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from duologue.agent.access.keys import KeyFile, keys_file
from duologue.errors import KeyFileError


@pytest.fixture
def keys(tmp_path: Path) -> KeyFile:
    return KeyFile(tmp_path / "settings" / "keys.json")


def test_a_key_is_known_from_its_creation_to_its_revocation(keys: KeyFile) -> None:
    key = keys.create("back end")
    assert keys.has(key)
    keys.revoke("back end")
    assert not keys.has(key)


def test_other_keys_are_not_known(keys: KeyFile) -> None:
    assert not keys.has("duologue_")
    key = keys.create("back end")
    for other in ("", key[:-1], key + "x", key.upper(), "ключ", "\udce9"):
        assert not keys.has(other)


def test_keys_are_random_and_say_whose_they_are(keys: KeyFile) -> None:
    one, other = keys.create("one"), keys.create("other")
    assert one != other
    assert one.startswith("duologue_")
    assert len(one) >= 50


def test_the_file_has_names_and_times_but_no_key(keys: KeyFile) -> None:
    key = keys.create("back end")
    (known,) = keys.entries()
    assert known.name == "back end"
    assert timedelta() <= datetime.now(UTC) - known.created_at < timedelta(minutes=1)
    assert key.removeprefix("duologue_") not in keys.path.read_text()


def test_only_the_owner_may_read_the_file(keys: KeyFile) -> None:
    keys.create("back end")
    assert stat.S_IMODE(keys.path.stat().st_mode) == 0o600


def test_nothing_temporary_is_left(keys: KeyFile) -> None:
    keys.create("one")
    keys.create("other")
    keys.revoke("one")
    assert sorted(os.listdir(keys.path.parent)) == [".lock", "keys.json"]


def test_no_key_is_lost_when_several_are_made_at_once(keys: KeyFile) -> None:
    with ThreadPoolExecutor(4) as pool:
        made = list(pool.map(keys.create, ["a", "b", "c", "d"]))
    assert all(keys.has(key) for key in made)


def test_a_name_is_given_once(keys: KeyFile) -> None:
    key = keys.create("back end")
    with pytest.raises(KeyFileError, match="named 'back end' already"):
        keys.create("back end")
    assert keys.has(key)


@pytest.mark.parametrize("name", ["", "  ", "a\nb", "\x1b[2J", "x" * 61])
def test_a_name_can_be_read_by_a_person(keys: KeyFile, name: str) -> None:
    with pytest.raises(KeyFileError, match="cannot be named"):
        keys.create(name)
    assert not keys.path.exists()


def test_a_key_that_is_not_there_cannot_be_revoked(keys: KeyFile) -> None:
    with pytest.raises(KeyFileError, match="no key named 'nobody'"):
        keys.revoke("nobody")


@pytest.mark.parametrize("content", [b"", b"[]", b'{"keys": [{"name": 1}]}', b"\xff"])
def test_another_file_is_not_taken_for_keys_nor_overwritten(keys: KeyFile, content: bytes) -> None:
    keys.path.parent.mkdir()
    keys.path.write_bytes(content)
    with pytest.raises(KeyFileError, match="is no file of keys"):
        keys.create("back end")
    assert keys.path.read_bytes() == content


def test_a_place_where_nothing_can_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    keys = KeyFile(tmp_path / "file" / "keys.json")
    with pytest.raises(KeyFileError, match="DUOLOGUE_KEYS_FILE"):
        keys.create("back end")
    with pytest.raises(KeyFileError, match="cannot be read"):
        keys.entries()


def test_the_environment_names_the_file(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DUOLOGUE_KEYS_FILE", "~/mine.json")
    assert keys_file() == Path.home() / "mine.json"
    monkeypatch.delenv("DUOLOGUE_KEYS_FILE")
    assert (keys_file().parent.name, keys_file().name) == ("duologue", "keys.json")
