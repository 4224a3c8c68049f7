"""Who may ask over HTTP."""

from __future__ import annotations

from pathlib import Path

import pytest
from fastapi import HTTPException

from duologue.agent.access.http import require_agent_id, require_key, unknown_agent
from duologue.agent.access.keys import KeyFile


@pytest.fixture
def keys(tmp_path: Path) -> KeyFile:
    return KeyFile(tmp_path / "keys.json")


def test_a_key_of_this_server_passes(keys: KeyFile) -> None:
    require_key(keys.create("back end"), keys)


@pytest.mark.parametrize(
    ("key", "status"), [("", "needs_authorization"), ("duologue_guessed", "invalid_api_key")]
)
def test_others_are_refused_and_not_repeated(keys: KeyFile, key: str, status: str) -> None:
    with pytest.raises(HTTPException) as refused:
        require_key(key, keys)
    assert refused.value.status_code == 401
    assert isinstance(refused.value.detail, dict)
    assert refused.value.detail["status"] == status
    assert "guessed" not in str(refused.value.detail)


def test_keys_that_cannot_be_read_are_the_servers_fault(
    keys: KeyFile, caplog: pytest.LogCaptureFixture
) -> None:
    keys.path.write_text("no keys")
    with pytest.raises(HTTPException) as refused:
        require_key("duologue_guessed", keys)
    assert refused.value.status_code == 500
    assert str(keys.path) not in str(refused.value.detail)
    assert str(keys.path) in caplog.text


def test_an_agent_has_to_be_named() -> None:
    require_agent_id("guide")
    with pytest.raises(HTTPException) as refused:
        require_agent_id("")
    assert refused.value.status_code == 422


def test_an_unknown_agent_is_named() -> None:
    assert "nobody" in str(unknown_agent("nobody").detail)
