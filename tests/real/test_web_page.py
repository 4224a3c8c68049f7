"""`examples/web_page` in a headless Chromium."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from playwright.async_api import async_playwright, expect

from duologue.audio.resample import Resampler
from duologue.testing import ScriptedSpeech
from tests.agent.harness import define, serving
from tests.agent.vowels import RATE_HZ, vowels
from tests.examples.runner import running
from tests.real.browser_client import (
    MICROPHONE_RATE_HZ,
    browser_arguments,
    chromium_path,
    write_microphone,
)

LIMIT_MS = 20_000


@pytest.mark.devices
async def test_a_visitor_talks_with_the_agent(tmp_path: Path) -> None:
    voice = Resampler(RATE_HZ, MICROPHONE_RATE_HZ).push(vowels(1.5))
    microphone = write_microphone(tmp_path / "microphone.wav", (3.0, voice))
    speech = ScriptedSpeech(transcripts=["Is anybody there?"], replies=["Yes, I am here."])
    async with (
        serving(speech, define(first_message="Hello!")) as origin,
        running("web_page/server.py", "test", "--origin", origin, "--port", "0") as example,
        async_playwright() as playwright,
        await playwright.chromium.launch(
            executable_path=chromium_path(), args=browser_arguments(microphone)
        ) as browser,
    ):
        found = re.search(r"http://127\.0\.0\.1:\d+", await example.says("running on"))
        assert found
        page = await browser.new_page()
        errors: list[str] = []
        page.on("pageerror", lambda error: errors.append(str(error)))
        await page.goto(found[0])
        await page.click("#talk")
        await expect(page.locator("#status")).to_have_text("connected", timeout=LIMIT_MS)
        await page.wait_for_function(
            "document.getElementById('level').value > 0.05", timeout=LIMIT_MS
        )
        await expect(page.locator("#transcript li")).to_have_text(
            ["agent: Hello!", "user: Is anybody there?", "agent: Yes, I am here."],
            timeout=LIMIT_MS,
        )
        await page.click("#talk")
        await expect(page.locator("#status")).to_have_text("ended", timeout=LIMIT_MS)
        assert errors == []
