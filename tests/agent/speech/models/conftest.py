"""A tiny made-up model, the sources it comes from, and a report that remembers."""

from __future__ import annotations

import hashlib
import re
import threading
import zipfile
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from duologue.agent.speech.models.registry import Model, ModelFile, ModelKind

WEIGHTS = bytes(range(256)) * 2000
SETTINGS = b'{"rate": 16000}'


def made_up_file(name: str, contents: bytes) -> ModelFile:
    return ModelFile(
        name=name,
        sha256=hashlib.sha256(contents).hexdigest(),
        size_bytes=len(contents),
        hub_path=f"sub folder/{name}",
        wheel_path=f"tiny_model/data/{name}",
    )


TINY = Model(
    name="tiny",
    kind=ModelKind.LANGUAGE_MODEL,
    licence="CC0-1.0",
    hub_repository="someone/tiny",
    hub_revision="v1",
    wheel_name="tiny-model",
    wheel_version="1.0",
    files=(made_up_file("weights.bin", WEIGHTS), made_up_file("settings.json", SETTINGS)),
)

WEIGHTS_PATH = "/someone/tiny/resolve/v1/sub%20folder/weights.bin"
SETTINGS_PATH = "/someone/tiny/resolve/v1/sub%20folder/settings.json"


class RememberingReport:
    """A report whose sentences and progress can be looked at afterwards."""

    def __init__(self) -> None:
        self.sentences: list[str] = []
        self.steps: list[tuple[str, int, int]] = []

    def say(self, sentence: str) -> None:
        self.sentences.append(sentence)

    def progress(self, file_name: str, done_bytes: int, total_bytes: int) -> None:
        self.steps.append((file_name, done_bytes, total_bytes))


def put_model(folder: Path, weights: bytes = WEIGHTS, settings: bytes = SETTINGS) -> None:
    home = folder / TINY.name
    home.mkdir(parents=True, exist_ok=True)
    (home / "weights.bin").write_bytes(weights)
    (home / "settings.json").write_bytes(settings)


class LoopbackHub:
    """A hub on loopback that can cut, stall, or ignore ranges, and remembers what it was asked."""

    def __init__(self) -> None:
        self.files = {WEIGHTS_PATH: WEIGHTS, SETTINGS_PATH: SETTINGS}
        self.cut_after_bytes: list[int] = []
        """For each answer in turn, after how many bytes the connection is closed."""
        self.stall_after_bytes: int | None = None
        self.honours_ranges = True
        self.requests: list[tuple[str, str, str | None]] = []
        self.released = threading.Event()
        hub = self

        class Handler(BaseHTTPRequestHandler):
            def do_HEAD(self) -> None:
                hub.requests.append(("HEAD", self.path, None))
                self.send_response(200)
                self.end_headers()

            def do_GET(self) -> None:
                hub.requests.append(("GET", self.path, self.headers.get("Range")))
                hub.answer(self)

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.endpoint = f"http://127.0.0.1:{self.server.server_port}"

    def answer(self, handler: BaseHTTPRequestHandler) -> None:
        contents = self.files.get(handler.path)
        if contents is None:
            handler.send_error(404)
            return
        wanted = re.fullmatch(r"bytes=(\d+)-", handler.headers.get("Range", ""))
        start = int(wanted[1]) if wanted and self.honours_ranges else 0
        handler.send_response(206 if start else 200)
        handler.send_header("Content-Length", str(len(contents) - start))
        handler.end_headers()
        body = contents[start:]
        if self.stall_after_bytes is not None:
            handler.wfile.write(body[: self.stall_after_bytes])
            self.released.wait(10)
        elif self.cut_after_bytes:
            handler.wfile.write(body[: self.cut_after_bytes.pop(0)])
        else:
            handler.wfile.write(body)

    def gets(self) -> list[tuple[str, str | None]]:
        return [(path, range_) for method, path, range_ in self.requests if method == "GET"]


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[LoopbackHub]:
    monkeypatch.delenv("HF_HUB_OFFLINE", raising=False)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    loopback = LoopbackHub()
    thread = threading.Thread(target=loopback.server.serve_forever, args=(0.01,))
    thread.start()
    yield loopback
    loopback.released.set()
    loopback.server.shutdown()
    loopback.server.server_close()
    thread.join(5)


@pytest.fixture
def index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that pip, the real one, takes for the package index."""
    folder = tmp_path / "index"
    folder.mkdir()
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    monkeypatch.setenv("PIP_CONFIG_FILE", str(tmp_path / "no-pip.conf"))
    return folder


def make_wheel(index: Path, *, weights: bytes = WEIGHTS, settings: bytes | None = SETTINGS) -> Path:
    """A wheel of the tiny model in the folder `index`, with a dependency that cannot be had."""
    wheel = index / "tiny_model-1.0-py3-none-any.whl"
    information = "tiny_model-1.0.dist-info"
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr("tiny_model/data/weights.bin", weights)
        if settings is not None:
            archive.writestr("tiny_model/data/settings.json", settings)
        archive.writestr(
            f"{information}/METADATA",
            "Metadata-Version: 2.1\nName: tiny-model\nVersion: 1.0\nRequires-Dist: no-such-thing\n",
        )
        archive.writestr(
            f"{information}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        archive.writestr(f"{information}/RECORD", "")
    return wheel
