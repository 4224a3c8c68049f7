"""A real LiveKit server on this machine, for tests of WebRTC."""

from __future__ import annotations

import json
import os
import secrets
import socket
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Final

from livekit import api
from platformdirs import user_cache_path

VERSION: Final = "1.13.5"
START_LIMIT_S: Final = 20.0
ATTEMPTS: Final = 5
UDP_PORTS: Final = 40
"""Every connection of a participant takes one of them."""

LOOPBACK: Final = "127.0.0.1"
_PORT_TAKEN: Final = "address already in use"


@dataclass(frozen=True)
class LiveKit:
    """A server that is running.

    Attributes:
        url: where clients find it, `ws://…`.
        api_key, api_secret: with these, it lets its rooms be managed.
        pid: its process.
    """

    url: str
    api_key: str
    api_secret: str = field(repr=False)
    pid: int

    def token(self, room: str, identity: str) -> str:
        """A token with which somebody may join a room for a minute."""
        grants = api.VideoGrants(room_join=True, room=room)
        return (
            api.AccessToken(self.api_key, self.api_secret)
            .with_identity(identity)
            .with_grants(grants)
            .with_ttl(timedelta(minutes=1))
            .to_jwt()
        )

    def managed(self) -> api.LiveKitAPI:
        """What rooms are listed and deleted with; to be entered with `async with`."""
        return api.LiveKitAPI(self.url, self.api_key, self.api_secret)


@contextmanager
def running_livekit(
    folder: Path, *, host: str = LOOPBACK, tcp_only: bool = False
) -> Iterator[LiveKit]:
    """Run a server until the context ends. Its log is in `folder`, as `livekit.log`.

    Args:
        folder: where it may write.
        host: the one address of this machine at which it can be reached.
        tcp_only: whether it is as a client sees it behind a firewall that lets no UDP through.

    Raises:
        FileNotFoundError: there is no server in the cache.
        RuntimeError: it did not start, and what it said.
    """
    log = folder / "livekit.log"
    process, livekit = _started(log, host, tcp_only=tcp_only)
    try:
        yield livekit
    finally:
        process.kill()  # asked to stop, it would wait for participants who have not left
        process.wait()


def _started(log: Path, host: str, *, tcp_only: bool) -> tuple[subprocess.Popen[bytes], LiveKit]:
    """Start a server, with other ports if somebody took one between its choice and its use."""
    for _ in range(ATTEMPTS):
        signal_port, tcp_port, udp_start = _free_ports(host)
        key, secret = "key" + secrets.token_hex(6), secrets.token_urlsafe(32)
        config = {
            "port": signal_port,
            "bind_addresses": [host],
            "keys": {key: secret},
            "logging": {"level": "info", "json": False},
            "rtc": {
                "tcp_port": tcp_port,
                "port_range_start": udp_start,
                "port_range_end": udp_start + UDP_PORTS - 1,
                "node_ip": host,
                "use_external_ip": False,
                "enable_loopback_candidate": True,
                "ips": {"includes": [f"{host}/32"]},
                "stun_servers": [],
                "force_tcp": tcp_only,
            },
        }
        with log.open("wb") as output:
            process = subprocess.Popen(
                [_binary(), "--config-body", json.dumps(config)],  # JSON is YAML
                stdout=output,
                stderr=subprocess.STDOUT,
            )
        if _answers(process, f"http://{host}:{signal_port}"):
            return process, LiveKit(f"ws://{host}:{signal_port}", key, secret, process.pid)
        process.kill()
        process.wait()
        if _PORT_TAKEN not in log.read_text(errors="replace"):
            break
    raise RuntimeError(f"the LiveKit server did not start:\n{log.read_text(errors='replace')}")


def _binary() -> Path:
    binary = user_cache_path("duologue") / "livekit-server" / VERSION / "livekit-server"
    if not binary.is_file():
        raise FileNotFoundError(f"there is no LiveKit server at {binary}; build it there")
    return binary


def _free_ports(host: str) -> tuple[int, int, int]:
    """Two TCP ports that nobody has, and the first of a row of UDP ports that nobody has."""
    with ExitStack() as held:
        signal, tcp = (_bound(held, host, socket.SOCK_STREAM, 0) for _ in range(2))
        while True:
            with ExitStack() as row, suppress(OSError, OverflowError):
                first = _bound(row, host, socket.SOCK_DGRAM, 0)
                for port in range(first + 1, first + UDP_PORTS):
                    _bound(row, host, socket.SOCK_DGRAM, port)
                return signal, tcp, first


def _bound(stack: ExitStack, host: str, kind: socket.SocketKind, port: int) -> int:
    bound = stack.enter_context(socket.socket(socket.AF_INET, kind))
    bound.bind((host, port))
    chosen: int = bound.getsockname()[1]
    return chosen


def _answers(process: subprocess.Popen[bytes], url: str) -> bool:
    """Wait until the server answers; False if it ends or takes too long."""
    give_up_at_s = time.monotonic() + START_LIMIT_S
    while time.monotonic() < give_up_at_s and process.poll() is None:
        with suppress(OSError), urllib.request.urlopen(url, timeout=1):
            return True
        time.sleep(0.05)
    return False


def kill(livekit: LiveKit) -> None:
    """Break the server off, as a machine does that loses its power."""
    os.kill(livekit.pid, 9)
