"""Our spectrum beside that of a real browser's AnalyserNode."""

from __future__ import annotations

import base64
from collections.abc import AsyncIterator

import numpy as np
import pytest
from playwright.async_api import Page, async_playwright

from duologue.audio import Analyser
from duologue.audio.samples import Samples, bytes_from_samples, silence
from tests.audio.signals import noise, tone
from tests.real.browser_client import chromium_path

RATES_HZ = (16_000, 48_000)

STEPS = (128, 256, 768, 2048, 4096)
"""Samples from one reading to the next: a browser works in blocks of 128."""

READ_IN_BROWSER = """
async ([encoded, rate, step]) => {
  const bytes = Uint8Array.from(atob(encoded), (letter) => letter.charCodeAt(0));
  const samples = Float32Array.from(new Int16Array(bytes.buffer), (sample) => sample / 32768);
  const context = new OfflineAudioContext(1, samples.length, rate);
  const buffer = context.createBuffer(1, samples.length, rate);
  buffer.copyToChannel(samples, 0);
  const source = new AudioBufferSourceNode(context, { buffer });
  const analyser = new AnalyserNode(context);
  source.connect(analyser).connect(context.destination);
  source.start();
  let readings = "";
  const raw = new Uint8Array(1024);
  for (let at = step; at < samples.length; at += step) {
    context.suspend(at / rate).then(() => {
      analyser.getByteFrequencyData(raw);
      analyser.getByteFrequencyData(raw);  // within one block it is the same
      readings += String.fromCharCode(...raw);
      context.resume();
    });
  }
  await context.startRendering();
  return btoa(readings);
}
"""


@pytest.fixture
async def page() -> AsyncIterator[Page]:
    async with (
        async_playwright() as playwright,
        await playwright.chromium.launch(executable_path=chromium_path()) as browser,
    ):
        yield await browser.new_page()


def sounds(rate_hz: int) -> Samples:
    """Loud and quiet, tones and noise, whole and cut off."""
    return np.concatenate(
        (
            tone(300, rate_hz, hz=700, dbfs=-30),
            noise(300, rate_hz, dbfs=-50),
            silence(rate_hz // 5),
            tone(300, rate_hz, hz=3000, dbfs=-15),
            noise(300, rate_hz, dbfs=-10),
            tone(300, rate_hz, hz=150, dbfs=-70),
        )
    )


@pytest.mark.parametrize("rate_hz", RATES_HZ)
async def test_read_in_whatever_steps_it_is_that_of_a_browser(page: Page, rate_hz: int) -> None:
    sound = sounds(rate_hz)
    encoded = base64.b64encode(bytes_from_samples(sound)).decode()
    expected, analysed = b"", b""
    for step in STEPS:
        expected += base64.b64decode(await page.evaluate(READ_IN_BROWSER, [encoded, rate_hz, step]))
        analyser = Analyser(rate_hz)
        for at in range(step, len(sound), step):
            analyser.push(sound[at - step : at])
            analysed += analyser.byte_frequency_data()
    difference = np.abs(
        np.frombuffer(analysed, np.uint8).astype(int) - np.frombuffer(expected, np.uint8)
    )
    assert max(expected) == 255
    assert difference.max() <= 1
    assert np.count_nonzero(difference) <= difference.size / 1000
