"""The server's socket, its readiness and its end, in processes of their own."""

import signal
import socket
import subprocess
import sys
import urllib.request

import pytest

from duologue.agent.announcement import read_announcement
from duologue.agent.app import create_app
from duologue.agent.server import run_server
from duologue.errors import ModelError, ServerError
from duologue.testing.scripted_speech import ScriptedSpeech

SERVE = """
import contextlib, sys
from duologue.agent.announcement import announcement
from duologue.agent.app import create_app
from duologue.agent.server import interrupt_at_end_of, run_server
from duologue.testing.scripted_speech import ScriptedSpeech

interrupt_at_end_of(sys.stdin.fileno())
with contextlib.suppress(KeyboardInterrupt):
    run_server(
        create_app({}, ScriptedSpeech()),
        "127.0.0.1",
        0,
        ready=lambda url: print(announcement(url), flush=True),
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


def test_a_port_in_use_is_told_in_a_sentence() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(ServerError, match=f"port {port}.*choose another"):
            run_server(create_app({}, ScriptedSpeech()), "127.0.0.1", port, ready=lambda _: None)


def test_a_model_that_cannot_be_loaded_is_told_as_it_is() -> None:
    class Broken(ScriptedSpeech):
        async def start(self) -> None:
            raise ModelError("the voice is damaged")

    with pytest.raises(ModelError, match="the voice is damaged"):
        run_server(create_app({}, Broken()), "127.0.0.1", 0, ready=lambda _: None)
