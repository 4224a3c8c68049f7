"""ElevenLabs' own command line makes agents, and `duologue serve` serves its folder unchanged."""

from __future__ import annotations

import json
import os
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from duologue import Conversation
from duologue.agent.access.keys import KeyFile
from duologue.agent.settings import LiveKitSettings
from tests.real.agent_process import running_agent_server

COMMAND = Path(__file__).parent / "browser/node_modules/.bin/elevenlabs"
TEMPLATES = ("default", "minimal", "voice-only", "text-only", "customer-service", "assistant")
LIMIT_S = 60.0
ID = "agent_of_{}"


class Uploads(BaseHTTPRequestHandler):
    """Takes an agent, and gives it an id by its name: what `agents add` wants of a server."""

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        answer = json.dumps({"agent_id": ID.format(body["name"])}).encode()
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *arguments: object) -> None:
        """Say nothing."""


@contextmanager
def uploads() -> Iterator[str]:
    """The address of a server for `agents add`."""
    with ThreadingHTTPServer(("127.0.0.1", 0), Uploads) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()


def elevenlabs(folder: Path, *arguments: str, base_url: str = "http://127.0.0.1:9") -> None:
    """Run their command line in a folder."""
    finished = subprocess.run(
        [str(COMMAND), *arguments],
        cwd=folder,
        env=os.environ
        | {"ELEVENLABS_API_KEY": "key", "ELEVENLABS_BASE_URL": base_url, "HOME": str(folder)},
        capture_output=True,
        text=True,
        timeout=LIMIT_S,
        check=False,
    )
    assert finished.returncode == 0, finished.stdout + finished.stderr


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project with an agent of each template."""
    folder = tmp_path / "project"
    folder.mkdir()
    elevenlabs(folder, "agents", "init")
    with uploads() as base_url:
        for template in TEMPLATES:
            arguments = ("agents", "add", template, "--template", template)
            elevenlabs(folder, *arguments, base_url=base_url)
    return folder


def contents(folder: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in folder.rglob("*.json")}


async def test_the_folder_is_served_unchanged(
    project: Path, tmp_path: Path, livekit: LiveKitSettings
) -> None:
    log = tmp_path / "serve.log"
    before = contents(project)
    with running_agent_server(project, log, KeyFile(tmp_path / "keys.json"), livekit) as server:
        for template in TEMPLATES:
            async with Conversation.start_session(
                agent_id=ID.format(template), origin=server.url, text_only=True
            ) as conversation:
                assert conversation.id
    assert contents(project) == before
    said = log.read_text()
    for template in TEMPLATES:
        lines = [
            line
            for line in said.splitlines()
            if line.startswith(f"The agent {ID.format(template)} sets what has no effect here: ")
        ]
        assert len(lines) == 1
        assert "conversation_config.tts.model_id" in lines[0]
