"""A real Redis on this machine's loopback, which keeps nothing."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.real.tied_program import HOST, TiedProgram, free_port

ANSWER_LIMIT_S = 5.0


@dataclass(frozen=True)
class Redis:
    """A server that is running."""

    port: int

    @property
    def address(self) -> str:
        """Where it is, as `host:port`."""
        return f"{HOST}:{self.port}"

    def ask(self, *words: str) -> str | None:
        """One command's answer, if that is a text or nothing."""
        request = f"*{len(words)}\r\n" + "".join(
            f"${len(word.encode())}\r\n{word}\r\n" for word in words
        )
        with (
            socket.create_connection((HOST, self.port), timeout=ANSWER_LIMIT_S) as line,
            line.makefile("rb") as answers,
        ):
            line.sendall(request.encode())
            first = answers.readline().decode().rstrip()
            if first.startswith("+"):
                return first[1:]
            if not first.startswith("$"):
                raise ValueError(f"expected a text from Redis, not {first!r}")
            length = int(first[1:])
            return answers.read(length).decode() if length >= 0 else None


@contextmanager
def running_redis(folder: Path) -> Iterator[Redis]:
    """Run a Redis until the context ends. Its log is in `folder`, as `redis.log`.

    Raises:
        RuntimeError: it did not start, and what it said.
    """
    redis = Redis(free_port())
    command = ["redis-server", "--bind", HOST, "--port", str(redis.port), "--dir", str(folder)]
    keeps_nothing = ["--save", "", "--appendonly", "no"]
    program = TiedProgram(
        [*command, *keeps_nothing],
        folder / "redis.log",
        answers=lambda: redis.ask("PING") == "PONG",
    )
    try:
        yield redis
    finally:
        program.stop()
