"""A LiveKit server on this machine: found or built, run on loopback, stopped with its parent.

It is a Go program, built once into the user's cache folder. `python -m
duologue.agent.rooms.livekit_server` builds it and prints where it is.
"""

from __future__ import annotations

import os
import secrets
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import msgspec
import platformdirs

from duologue.agent.file_lock import locked
from duologue.agent.settings import LiveKitSettings
from duologue.errors import ServerError

VERSION: Final = "1.13.5"
GO_PACKAGE: Final = "github.com/livekit/livekit-server/cmd/server"
GO_NEEDED: Final = "1.26"
"""What the `go.mod` of this version asks for. A Go that is older fetches that one by itself."""

BUILD_LIMIT_S: Final = 30 * 60.0
START_LIMIT_S: Final = 15.0
STOP_LIMIT_S: Final = 10.0
ATTEMPTS: Final = 3
"""A port that was free may be taken before the server listens on it."""

HOST: Final = "127.0.0.1"
DISCARD_PORT: Final = 9
_SUFFIX: Final = ".exe" if sys.platform == "win32" else ""
_BUILT_NAME: Final = f"server{_SUFFIX}"


def binary_path() -> Path:
    """Where the server is, or will be once it is built."""
    cache = Path(platformdirs.user_cache_dir("duologue", appauthor=False))
    return cache / "livekit-server" / VERSION / f"livekit-server{_SUFFIX}"


def ensure_binary(say: Callable[[str], None]) -> Path:
    """The server's program; it is built first if it is not there, which takes minutes.

    Args:
        say: gets a sentence if there is something to wait for.

    Raises:
        ServerError: there is no Go, or it could not build the program.
    """
    path = binary_path()
    if path.is_file():
        return path
    go = shutil.which("go")
    if go is None:
        raise ServerError(
            f"a LiveKit server on this machine is built with Go, and there is no `go`; install Go "
            f"{GO_NEEDED} or later (https://go.dev/dl), or let `duologue serve` use another "
            "LiveKit server, which LIVEKIT_URL, LIVEKIT_API_KEY and LIVEKIT_API_SECRET name"
        )
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with locked(
            path.parent,
            limit_seconds=BUILD_LIMIT_S,
            on_wait=lambda: say("Another process builds the LiveKit server; waiting for it."),
        ):
            if not path.is_file():
                say(f"Building the LiveKit server {VERSION}, once; this takes a few minutes.")
                _build(go, path)
    except OSError as error:  # TimeoutError is one
        raise ServerError(
            f"the LiveKit server cannot be built in {path.parent}: {error.strerror or error}"
        ) from error
    return path


def _build(go: str, path: Path) -> None:
    with tempfile.TemporaryDirectory(dir=path.parent, prefix=".build-") as folder:
        # The settings of a developer's own Go projects are none of this build's business.
        environment = os.environ | {"GOBIN": folder, "GOFLAGS": "-mod=mod"}
        command = [go, "install", f"{GO_PACKAGE}@v{VERSION}"]
        try:
            done = subprocess.run(
                command,
                env=environment,
                cwd=folder,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                timeout=BUILD_LIMIT_S,
                check=False,
            )
        except subprocess.TimeoutExpired as error:
            raise ServerError(
                f"`{' '.join(command)}` did not end within {BUILD_LIMIT_S / 60:.0f} minutes"
            ) from error
        if done.returncode != 0:
            last_words = " ".join(done.stderr.split()[-60:])
            raise ServerError(f"`{' '.join(command)}` failed: {last_words}")
        (Path(folder) / _BUILT_NAME).replace(path)


@contextmanager
def running_livekit_server(
    say: Callable[[str], None], *, log: Path | None = None
) -> Iterator[LiveKitSettings]:
    """Run a LiveKit server on loopback until the block ends, or this process does.

    Its ports are chosen by the system and its key and secret are random: every call starts one of
    its own.

    Args:
        say: gets a sentence if the program has to be built first.
        log: a file for what the server says; None throws that away.

    Raises:
        ServerError: it cannot be built, or does not start.
    """
    binary = ensure_binary(say)
    settings, process = _start(binary, log)
    try:
        yield settings
    finally:
        _stop(process)


def _start(binary: Path, log: Path | None) -> tuple[LiveKitSettings, subprocess.Popen[bytes]]:
    for _ in range(ATTEMPTS):
        port = _free_port(socket.SOCK_STREAM)
        settings = LiveKitSettings(
            url=f"ws://{HOST}:{port}",
            api_key=f"key{secrets.token_hex(6)}",
            api_secret=secrets.token_urlsafe(32),
        )
        process = _spawn(binary, _configuration(settings, port), log)
        if _answers(process, port):
            return settings, process
        _stop(process)
    where = f"; {log} says why" if log is not None else ""
    raise ServerError(f"{binary} did not start within {START_LIMIT_S:.0f} s{where}")


def _configuration(settings: LiveKitSettings, port: int) -> str:
    """The configuration as JSON, which is YAML too: nothing is listened on but loopback."""
    configuration = {
        "port": port,
        "bind_addresses": [HOST],
        "keys": {settings.api_key: settings.api_secret},
        "rtc": {
            "node_ip": HOST,
            "use_external_ip": False,
            "enable_loopback_candidate": True,
            "ips": {"includes": [f"{HOST}/32"]},
            "udp_port": _free_port(socket.SOCK_DGRAM),
            # Without any, clients are told to ask Google's for their addresses. Nobody is here.
            "stun_servers": [f"{HOST}:{DISCARD_PORT}"],
            # It would listen on every address of the machine.
            "tcp_port": 0,
        },
        "logging": {"level": "info"},
    }
    return msgspec.json.encode(configuration).decode()


def _spawn(binary: Path, configuration: str, log: Path | None) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "duologue.agent.tied_process", str(binary)]
    # In the environment, because everybody on the machine can read a command line.
    environment = os.environ | {"LIVEKIT_CONFIG": configuration}
    output = log.open("ab") if log is not None else None
    try:
        return subprocess.Popen(
            command,
            env=environment,
            stdin=subprocess.PIPE,
            stdout=output or subprocess.DEVNULL,
            stderr=subprocess.STDOUT,
        )
    finally:
        if output is not None:
            output.close()


def _answers(process: subprocess.Popen[bytes], port: int) -> bool:
    give_up_at_s = time.monotonic() + START_LIMIT_S
    while time.monotonic() < give_up_at_s and process.poll() is None:
        try:
            socket.create_connection((HOST, port), timeout=1.0).close()
        except OSError:
            time.sleep(0.02)
        else:
            return True
    return False


def _stop(process: subprocess.Popen[bytes]) -> None:
    assert process.stdin is not None
    process.stdin.close()
    try:
        process.wait(STOP_LIMIT_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _free_port(kind: socket.SocketKind) -> int:
    with socket.socket(socket.AF_INET, kind) as probe:
        probe.bind((HOST, 0))
        port: int = probe.getsockname()[1]
        return port


def main() -> None:
    """Build the server if it is not there, and print its path."""

    def say(sentence: str) -> None:
        sys.stderr.write(f"{sentence}\n")

    try:
        path = ensure_binary(say)
    except ServerError as error:
        sys.exit(f"duologue: {error}")
    sys.stdout.write(f"{path}\n")


if __name__ == "__main__":
    main()
