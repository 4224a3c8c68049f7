"""ElevenLabs' JavaScript client in a headless Chromium, driven from a test.

The browser's microphone plays a WAV file, once, from the start of a conversation. Nothing but
loopback can be reached from the page.
"""

from __future__ import annotations

import asyncio
import base64
import shutil
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from aiohttp import web
from playwright.async_api import Page, async_playwright

from duologue.audio import write_wav
from duologue.audio.samples import Samples, samples_from_bytes, silence
from tests.real.waiting import eventually

BROWSER_FOLDER = Path(__file__).with_name("browser")
CLIENT_SCRIPT = "node_modules/@elevenlabs/client/dist/lib.iife.js"
FILES = {"/": "page.html", "/page.js": "page.js", "/client.js": CLIENT_SCRIPT}

MICROPHONE_RATE_HZ = 48_000
MICROPHONE_LEAD_S = 1.0
"""The browser plays its file from when it asks for permission: some of it before the call."""

START_LIMIT_S = 20.0
CALL_LIMIT_S = 5.0
VOLUME_LIMIT_S = 10.0
QUIET_S = 1.0
"""The agent sends at most half a second ahead: after twice that, its turn is over."""

CHROMIUM_ARGUMENTS = (
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
    "--autoplay-policy=no-user-gesture-required",
    "--use-fake-ui-for-media-stream",
    "--use-fake-device-for-media-stream",
)


@dataclass(frozen=True)
class BrowserEvent:
    """A callback of the client: its name there, and the first value it was given."""

    name: str
    value: Any


class BrowserClient:
    """The client in its page, and everything that its callbacks have told.

    Attributes:
        events: the calls of callbacks, in order.
        page_errors: exceptions that nobody in the page has caught.
    """

    def __init__(self, page: Page) -> None:
        self.events: list[BrowserEvent] = []
        self.page_errors: list[str] = []
        self._page = page
        self._heard_at_s = 0.0

    async def open(self, url: str) -> None:
        """Load the page."""
        await self._page.expose_function("report", self._report)
        self._page.on("pageerror", lambda error: self.page_errors.append(str(error)))
        await self._page.goto(url)

    async def start(self, **options: Any) -> dict[str, Any]:
        """Start a conversation with the client's own options, named as there.

        Gives `conversationId` and `type`, or, if the start was rejected, `error`, `message`,
        `closeCode` and `closeReason`.
        """
        async with asyncio.timeout(START_LIMIT_S):
            outcome: dict[str, Any] = await self._page.evaluate("startConversation", options)
        return outcome

    async def call(self, method: str, *values: Any) -> Any:
        """Call one of the conversation's methods, named as there."""
        async with asyncio.timeout(CALL_LIMIT_S):
            return await self._page.evaluate(
                "([method, values]) => callConversation(method, values)", [method, list(values)]
            )

    def values(self, name: str) -> list[Any]:
        """What a callback has been given until now."""
        return [event.value for event in self.events if event.name == name]

    def messages(self, role: str) -> list[str]:
        """What the user or the agent has said until now."""
        return [value["message"] for value in self.values("onMessage") if value["role"] == role]

    def audio(self) -> Samples:
        """The agent's voice until now, as it came over the wire."""
        return samples_from_bytes(b"".join(map(base64.b64decode, self.values("onAudio"))))

    async def wait_for(self, name: str, count: int = 1) -> Any:
        """What a callback was given the first time, or the time of that count."""
        await self._eventually(lambda: len(self.values(name)) >= count, f"{name}, time {count}")
        return self.values(name)[count - 1]

    async def wait_for_message(self, role: str, count: int = 1) -> str:
        """The first message of the user or the agent, or that of that count."""
        await self._eventually(
            lambda: len(self.messages(role)) >= count, f"message {count} of the {role}"
        )
        return self.messages(role)[count - 1]

    async def wait_for_volume(self, meter: str, *, above: float) -> None:
        """Wait until `getInputVolume` or `getOutputVolume` is higher than this."""
        await self._page.wait_for_function(
            "([meter, above]) => conversation[meter]() > above",
            arg=[meter, above],
            timeout=VOLUME_LIMIT_S * 1000,
        )

    async def speaker_volumes(self) -> list[float]:
        """How loud the page's audio elements play, each from 0 to 1. On WebRTC there is one."""
        volumes: list[float] = await self._page.evaluate(
            "Array.from(document.querySelectorAll('audio'), (element) => element.volume)"
        )
        return volumes

    async def wait_until_said(self) -> None:
        """Wait for the end of what the agent is saying, or about to say."""
        began_at_s = time.monotonic()
        await self._eventually(
            lambda: time.monotonic() - max(self._heard_at_s, began_at_s) > QUIET_S,
            "the end of the agent's turn",
        )

    async def _eventually(self, condition: Callable[[], object], what: str) -> None:
        try:
            await eventually(condition, what)
        except TimeoutError as error:
            error.add_note(f"until then: {[event.name for event in self.events]}")
            raise

    def _report(self, name: str, value: Any) -> None:
        self.events.append(BrowserEvent(name, value))
        if name == "onAudio":
            self._heard_at_s = time.monotonic()


@asynccontextmanager
async def browser_client(microphone: Path | None = None) -> AsyncIterator[BrowserClient]:
    """The client in a page of a browser of its own, ready to start a conversation.

    Args:
        microphone: what the browser's microphone hears; see `write_microphone`. None leaves it
            the browser's own beeps.
    """
    async with (
        _serving_page() as url,
        async_playwright() as playwright,
        await playwright.chromium.launch(
            executable_path=chromium_path(), args=browser_arguments(microphone)
        ) as browser,
    ):
        client = BrowserClient(await browser.new_page())
        await client.open(url)
        yield client


def write_microphone(path: Path, *parts: tuple[float, Samples]) -> Path:
    """Write what a browser's microphone is to hear, at 48 kHz.

    Args:
        path: the file to write.
        parts: each a silence in seconds, counted from the call's begin or from the part before,
            and what is said after it.
    """
    sound = [silence(round(MICROPHONE_LEAD_S * MICROPHONE_RATE_HZ))]
    for pause_s, speech in parts:
        sound += [silence(round(pause_s * MICROPHONE_RATE_HZ)), speech]
    write_wav(path, np.concatenate(sound), MICROPHONE_RATE_HZ)
    return path


def browser_arguments(microphone: Path | None) -> list[str]:
    """How Chromium is started."""
    if microphone is None:
        return list(CHROMIUM_ARGUMENTS)
    # Of a file that is not there the browser says nothing, and is silent.
    assert microphone.is_file()
    return [*CHROMIUM_ARGUMENTS, f"--use-file-for-fake-audio-capture={microphone}%noloop"]


def chromium_path() -> str:
    """Where the system has its Chromium; the test fails if it has none."""
    path = shutil.which("chromium")
    if path is None:
        pytest.fail("this test needs Chromium, and there is none; run `make setup`")
    return path


@asynccontextmanager
async def _serving_page() -> AsyncIterator[str]:
    """Serve the page and the client on loopback, a place from which microphones may be used."""
    app = web.Application()
    for path, file in FILES.items():
        app.router.add_get(path, _file_handler(BROWSER_FOLDER / file))
    runner = web.AppRunner(app, shutdown_timeout=1.0)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        host, port = runner.addresses[0][:2]
        yield f"http://{host}:{port}/"
    finally:
        await runner.cleanup()


def _file_handler(file: Path) -> Callable[[web.Request], Awaitable[web.FileResponse]]:
    if not file.is_file():
        pytest.fail(f"this test needs {file}, and it is not there; run `make setup`")

    async def handle(_request: web.Request) -> web.FileResponse:
        return web.FileResponse(file)

    return handle
