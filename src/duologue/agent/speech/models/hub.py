"""Models from the Hugging Face hub, over HTTP; a broken download goes on where it stopped.

Not by huggingface_hub: version 2.4 throws away what has come when a download breaks off, and lets a
hub that cannot be reached cost 10 s and more, though the package index has the same bytes.
"""

from __future__ import annotations

import http.client
import os
import threading
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from duologue.agent.speech.models.registry import Model, ModelFile
from duologue.agent.speech.models.report import PullReport, megabytes
from duologue.agent.speech.models.source import SourceFailed, accept, part_path

HUB_ENDPOINT: Final = "https://huggingface.co"
ENDPOINT_VARIABLE: Final = "HF_ENDPOINT"
"""The hub's own client reads this variable for a mirror; so do we."""

OFFLINE_VARIABLE: Final = "HF_HUB_OFFLINE"
"""The hub's own client makes no request when this variable is set to a true value."""

TRUE_VALUES: Final = frozenset({"1", "on", "yes", "true"})

CONNECT_LIMIT_SECONDS: Final = 3.0
SILENCE_LIMIT_SECONDS: Final = 20.0
ATTEMPTS_WITHOUT_PROGRESS: Final = 3
BLOCK_BYTES: Final = 1 << 18


class _DownloadBroke(Exception):
    """The connection failed or ended early; what has come so far is good."""


class ModelHub:
    """The hub as a source. Make one for each pull: whether it can be reached is asked only once.

    Proxies are taken from the environment.

    Args:
        endpoint: the hub's address; default `HF_ENDPOINT`, else the public one.
        connect_limit_seconds: how long the hub may take to answer at all.
        silence_limit_seconds: how long a download may stand still.
    """

    name = "the Hugging Face hub"

    def __init__(
        self,
        endpoint: str | None = None,
        *,
        connect_limit_seconds: float = CONNECT_LIMIT_SECONDS,
        silence_limit_seconds: float = SILENCE_LIMIT_SECONDS,
    ) -> None:
        self._endpoint = (endpoint or os.environ.get(ENDPOINT_VARIABLE) or HUB_ENDPOINT).rstrip("/")
        self._connect_limit_seconds = connect_limit_seconds
        self._silence_limit_seconds = silence_limit_seconds
        self._asked = False
        self._refusal: str | None = None

    def fetch(
        self, model: Model, files: Sequence[ModelFile], home: Path, report: PullReport
    ) -> None:
        """As `ModelSource.fetch`; files that are half there are continued."""
        self._ensure_reachable()
        for file in files:
            report.say(f"Fetching {file.name} ({megabytes(file.size_bytes)}) from {self.name}.")
            self._complete(self._url(model, file), file, part_path(home, file), report)
            accept(home, file)

    def _url(self, model: Model, file: ModelFile) -> str:
        path = urllib.parse.quote(f"{model.hub_repository}/resolve/{model.hub_revision}/")
        return f"{self._endpoint}/{path}{urllib.parse.quote(file.hub_path)}"

    def _ensure_reachable(self) -> None:
        if not self._asked:
            self._refusal = self._ask()
            self._asked = True
        if self._refusal is not None:
            raise SourceFailed(self._refusal)

    def _ask(self) -> str | None:
        """Why the hub cannot be used, or None if it can."""
        if os.environ.get(OFFLINE_VARIABLE, "").lower() in TRUE_VALUES:
            return f"not asked, because {OFFLINE_VARIABLE} is set"
        answers: list[str | None] = []
        # Looking up a host's name knows no time limit, so it gets a thread that may be left behind.
        asking = threading.Thread(target=lambda: answers.append(self._knock()), daemon=True)
        asking.start()
        asking.join(self._connect_limit_seconds)
        if not answers:
            return f"no answer within {self._connect_limit_seconds:g} s from {self._endpoint}"
        return answers[0]

    def _knock(self) -> str | None:
        request = urllib.request.Request(self._endpoint, method="HEAD")
        try:
            with urllib.request.urlopen(request, timeout=self._connect_limit_seconds):
                return None
        except urllib.error.HTTPError as error:
            # Any answer will do: it is only asked whether someone is there.
            error.close()
            return None
        except (OSError, http.client.HTTPException, ValueError) as error:
            return f"{self._endpoint} cannot be reached: {_reason(error)}"

    def _complete(self, url: str, file: ModelFile, part: Path, report: PullReport) -> None:
        attempts_left = ATTEMPTS_WITHOUT_PROGRESS
        while True:
            before_bytes = _size(part)
            try:
                self._continue(url, file, part, report)
            except _DownloadBroke as broke:
                attempts_left -= 1
                if _size(part) > before_bytes:
                    attempts_left = ATTEMPTS_WITHOUT_PROGRESS
                if attempts_left == 0:
                    raise SourceFailed(
                        f"the download of {file.name} broke at {_size(part):,} of "
                        f"{file.size_bytes:,} bytes: {broke}"
                    ) from broke
            else:
                return

    def _continue(self, url: str, file: ModelFile, part: Path, report: PullReport) -> None:
        if _size(part) > file.size_bytes:
            part.unlink()
        have_bytes = _size(part)
        if have_bytes == file.size_bytes:
            return
        headers = {"Range": f"bytes={have_bytes}-"} if have_bytes else {}
        with self._open(url, headers) as response:
            if response.status != http.HTTPStatus.PARTIAL_CONTENT:
                have_bytes = 0
            with part.open("ab" if have_bytes else "wb") as stream:
                for block in self._blocks(response):
                    have_bytes += len(block)
                    if have_bytes > file.size_bytes:
                        break
                    stream.write(block)
                    report.progress(file.name, have_bytes, file.size_bytes)
        if have_bytes > file.size_bytes:
            part.unlink()
            raise SourceFailed(
                f"{file.name} is longer there than the {file.size_bytes:,} bytes expected"
            )
        if have_bytes < file.size_bytes:
            raise _DownloadBroke("the connection ended early")

    @contextmanager
    def _open(self, url: str, headers: dict[str, str]) -> Iterator[http.client.HTTPResponse]:
        request = urllib.request.Request(url, headers=headers)
        try:
            response = urllib.request.urlopen(request, timeout=self._silence_limit_seconds)
        except urllib.error.HTTPError as error:
            error.close()
            raise SourceFailed(f"{url} answered {error.code} {error.reason}") from error
        except (OSError, http.client.HTTPException) as error:
            raise _DownloadBroke(_reason(error)) from error
        with response:
            yield response

    def _blocks(self, response: http.client.HTTPResponse) -> Iterator[bytes]:
        while True:
            try:
                block = response.read1(BLOCK_BYTES)
            except (OSError, http.client.HTTPException) as error:
                raise _DownloadBroke(_reason(error)) from error
            if not block:
                return
            yield block


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def _reason(error: Exception) -> str:
    cause = error.reason if isinstance(error, urllib.error.URLError) else error
    return str(cause) or type(cause).__name__
