"""Our spectrum beside that of a real browser's AnalyserNode."""

from __future__ import annotations

import numpy as np
import pytest
from playwright.async_api import async_playwright

from duologue.audio import Analyser
from duologue.audio.samples import FULL_SCALE, silence
from tests.audio.signals import noise, tone
from tests.real.browser_client import chromium_path

RATES_HZ = (15_360, 23_040, 46_080)
"""A browser works in blocks of 128 samples; at these rates 1/60 s is a whole number of them."""

READ_IN_BROWSER = """
async ([samples, rate, step]) => {
  const context = new OfflineAudioContext(1, samples.length, rate);
  const buffer = context.createBuffer(1, samples.length, rate);
  buffer.copyToChannel(Float32Array.from(samples), 0);
  const source = new AudioBufferSourceNode(context, { buffer });
  const analyser = new AnalyserNode(context);
  source.connect(analyser).connect(context.destination);
  source.start();
  const readings = [];
  const raw = new Uint8Array(1024);
  const width = rate / 2048;
  const first = Math.floor(100 / width);
  const end = Math.min(Math.ceil(8000 / width), 1024);
  for (let at = step; at < samples.length; at += step) {
    context.suspend(at / rate).then(() => {
      analyser.getByteFrequencyData(raw);
      readings.push(Array.from({ length: 1024 }, (_, slot) => {
        const position = (slot / 1024) * (end - first);
        const low = first + Math.floor(position);
        const share = position - Math.floor(position);
        return Math.round(raw[low] * (1 - share) + raw[Math.min(low + 1, end - 1)] * share);
      }));
      context.resume();
    });
  }
  await context.startRendering();
  return readings;
}
"""


@pytest.mark.parametrize("rate_hz", RATES_HZ)
async def test_read_60_times_a_second_it_is_that_of_a_browser(rate_hz: int) -> None:
    step = rate_hz // 60
    sound = np.concatenate(
        (
            tone(300, rate_hz, hz=700, dbfs=-30),
            noise(300, rate_hz, dbfs=-50),
            silence(rate_hz // 5),
            tone(300, rate_hz, hz=3000, dbfs=-15),
        )
    )
    async with (
        async_playwright() as playwright,
        await playwright.chromium.launch(executable_path=chromium_path()) as browser,
    ):
        page = await browser.new_page()
        expected = np.array(
            await page.evaluate(READ_IN_BROWSER, [(sound / FULL_SCALE).tolist(), rate_hz, step])
        )
    analyser = Analyser(rate_hz)
    analysed = []
    for at in range(step, len(sound), step):
        analyser.push(sound[at - step : at])
        analysed.append(list(analyser.byte_frequency_data()))
    difference = np.abs(np.array(analysed) - expected)
    assert expected.max() == 255
    assert difference.max() <= 1
    assert np.count_nonzero(difference) < difference.size / 1000
