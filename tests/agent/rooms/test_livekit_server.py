"""Finding, building and running a LiveKit server, with programs that stand in for it and for Go."""

from __future__ import annotations

import json
import os
import socket
import stat
import sys
from pathlib import Path

import pytest

from duologue.agent.rooms import livekit_server
from duologue.agent.rooms.livekit_server import binary_path, ensure_binary, running_livekit_server
from duologue.errors import ServerError

SERVER = """
import json, os, socket, sys, time
configuration = json.loads(os.environ["LIVEKIT_CONFIG"])
print(json.dumps({"pid": os.getpid(), "configuration": configuration}), flush=True)
with socket.create_server((configuration["bind_addresses"][0], configuration["port"])):
    time.sleep(60)
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache folder and a `PATH` without Go."""
    monkeypatch.setattr(
        "duologue.agent.rooms.livekit_server.platformdirs.user_cache_dir",
        lambda *_args, **_options: str(tmp_path / "cache"),
    )
    programs = tmp_path / "bin"
    programs.mkdir()
    monkeypatch.setenv("PATH", f"{programs}:/usr/bin:/bin")
    return programs


def write_program(path: Path, code: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!{sys.executable}\n{code}")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)


def never(sentence: str) -> None:
    raise AssertionError(f"nothing is to be said, and it says {sentence!r}")


def test_without_go_the_error_says_what_to_install(folder: Path) -> None:
    with pytest.raises(ServerError, match=r"install Go 1\.26 or later"):
        ensure_binary(never)


def test_it_is_built_once_at_the_pinned_version(folder: Path) -> None:
    write_program(
        folder / "go",
        "import os, sys\n"
        "open(os.environ['GOBIN'] + '/server', 'w').write(' '.join(sys.argv[1:]))\n",
    )
    said: list[str] = []
    path = ensure_binary(said.append)
    assert path == binary_path()
    assert path.read_text() == f"install {livekit_server.GO_PACKAGE}@v{livekit_server.VERSION}"
    assert "Building the LiveKit server" in said[0]
    (folder / "go").unlink()
    assert ensure_binary(never) == path
    assert [file.name for file in path.parent.iterdir() if file.name.startswith(".build")] == []


def test_a_build_that_fails_is_told_with_its_last_words(folder: Path) -> None:
    write_program(folder / "go", "import sys\nsys.exit('no space left on device')\n")
    with pytest.raises(ServerError, match="no space left on device"):
        ensure_binary(lambda _: None)
    assert not binary_path().exists()


def test_it_runs_on_loopback_alone_until_the_block_ends(folder: Path, tmp_path: Path) -> None:
    write_program(binary_path(), SERVER)
    log = tmp_path / "livekit.log"
    with running_livekit_server(never, log=log) as settings:
        told = json.loads(log.read_text())
        configuration = told["configuration"]
        assert settings.url == f"ws://127.0.0.1:{configuration['port']}"
        assert configuration["keys"] == {settings.api_key: settings.api_secret}
        assert configuration["bind_addresses"] == ["127.0.0.1"]
        assert len(settings.api_secret) >= 32
        assert settings.api_secret not in repr(settings)
        os.kill(told["pid"], 0)
    with pytest.raises(ProcessLookupError):
        os.kill(told["pid"], 0)
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", configuration["port"]), timeout=1)


def test_each_has_its_own_port_and_keys(folder: Path) -> None:
    write_program(binary_path(), SERVER)
    with running_livekit_server(never) as one, running_livekit_server(never) as other:
        assert one.url != other.url
        assert one.api_secret != other.api_secret


def test_one_that_does_not_start_is_an_error_that_names_its_log(
    folder: Path, tmp_path: Path
) -> None:
    write_program(binary_path(), "import sys\nsys.exit('bad configuration')\n")
    log = tmp_path / "livekit.log"
    with (
        pytest.raises(ServerError, match=r"livekit\.log says why"),
        running_livekit_server(never, log=log),
    ):
        pass
    assert "bad configuration" in log.read_text()
