"""How fast live sound is, and what it costs. The limits are far off, for the machine may be busy.

The figures themselves are those of benchmarks/live_sound.py and benchmarks/live_cpu.py.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from benchmarks import live_cpu, live_sound
from benchmarks.virtual_devices import choose_defaults
from tests.real.pulseaudio import PulseAudio, running_pulseaudio

pytestmark = [pytest.mark.devices, pytest.mark.xdist_group("devices")]


@pytest.fixture
def server(
    tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> Iterator[PulseAudio]:
    with running_pulseaudio(tmp_path_factory.mktemp("pulseaudio")) as running:
        choose_defaults(running)
        monkeypatch.setenv("XDG_RUNTIME_DIR", running.environment["XDG_RUNTIME_DIR"])
        yield running


@pytest.mark.parametrize(("processed", "limit_ms"), [(False, 60), (True, 80)])
async def test_a_chunk_is_on_the_wire_soon_after_its_first_sample_was_heard(
    server: PulseAudio, processed: bool, limit_ms: float
) -> None:
    delays = await live_sound.microphone_to_wire(server, processed=processed, speech_s=3.0)
    assert len(delays.each_ms) > 100
    assert live_sound.CHUNK_MS <= delays.median_ms < limit_ms, str(delays)


async def test_an_interruption_is_silent_at_once(server: PulseAudio) -> None:
    delays = await live_sound.interruption_to_silence(server)
    assert len(delays.each_ms) == live_sound.INTERRUPTIONS
    assert 0 < delays.median_ms < 60, str(delays)


async def test_a_call_leaves_most_of_a_core_to_others(server: PulseAudio) -> None:
    share = await live_cpu.share_of_core(server, call_s=6.0)
    assert 0 < share < 0.4
