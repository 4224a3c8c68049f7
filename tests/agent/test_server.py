"""The server's readiness and its end, in processes of their own."""

import asyncio
import signal
import subprocess
import sys
import urllib.request
from contextlib import suppress

import pytest
import uvicorn
from fastapi import FastAPI
from starlette.websockets import WebSocket

from duologue.agent.app import create_app
from duologue.agent.listener import listen
from duologue.agent.parent import read_announcement
from duologue.agent.server import run_server, server_config
from duologue.errors import ModelError
from duologue.testing.scripted_speech import ScriptedSpeech
from tests.agent.harness import until

HANDSHAKE = (
    b"GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Key: MDAwMDAwMDAwMDAwMDAwMA==\r\nSec-WebSocket-Version: 13\r\n\r\n"
)

SERVE = """
import contextlib, sys
from duologue.agent.app import create_app
from duologue.agent.parent import announcement, interrupt_at_end_of
from duologue.agent.listener import listen, url_of
from duologue.agent.server import run_server
from duologue.testing.scripted_speech import ScriptedSpeech

interrupt_at_end_of(sys.stdin.fileno())
with contextlib.suppress(KeyboardInterrupt):
    with listen("127.0.0.1", 0) as listener:
        run_server(
            create_app({}, ScriptedSpeech()),
            listener,
            ready=lambda: print(announcement(url_of(listener)), flush=True),
        )
"""


def start() -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", SERVE], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )


def url_of(server: subprocess.Popen[str]) -> str:
    assert server.stdout is not None
    url = read_announcement(server.stdout.readline())
    assert url is not None
    return url


def test_it_announces_a_port_of_the_systems_choice_and_answers_there() -> None:
    with start() as server:
        with urllib.request.urlopen(f"{url_of(server)}/health", timeout=5) as answer:
            assert answer.status == 200
        server.send_signal(signal.SIGINT)
        assert server.wait(10) == 0


def test_it_ends_when_the_process_that_started_it_does() -> None:
    with start() as server:
        url_of(server)
        assert server.stdin is not None
        server.stdin.close()
        assert server.wait(10) == 0


async def test_a_connection_ends_with_its_call_even_if_the_client_takes_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("duologue.agent.door.websocket.CLOSING_LIMIT_S", 0.2)

    app = FastAPI()

    @app.websocket("/")
    async def talk_and_leave(websocket: WebSocket) -> None:
        await websocket.accept()
        with suppress(TimeoutError):
            async with asyncio.timeout(0.5):
                while True:
                    await websocket.send_text("x" * 1_000_000)

    server = uvicorn.Server(server_config(app))
    with listen("127.0.0.1", 0) as listener:
        serving = asyncio.create_task(server.serve(sockets=[listener]))
        await until(lambda: server.started)
        _, writer = await asyncio.open_connection(*listener.getsockname()[:2], limit=1024)
        writer.write(HANDSHAKE)
        await until(lambda: len(server.server_state.connections) == 1)
        await until(lambda: not server.server_state.connections)
        writer.close()
        server.should_exit = True
        await serving


def test_a_model_that_cannot_be_loaded_is_told_as_it_is() -> None:
    class Broken(ScriptedSpeech):
        async def start(self) -> None:
            raise ModelError("the voice is damaged")

    with listen("127.0.0.1", 0) as listener, pytest.raises(ModelError, match="voice is damaged"):
        run_server(create_app({}, Broken()), listener, ready=lambda: None)
