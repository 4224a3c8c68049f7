from __future__ import annotations

import pytest

from duologue.audio.devices import live as live_devices
from duologue.audio.devices.live import LiveMicrophone, LiveSpeaker
from duologue.audio.endpoints import Sink, Source
from duologue.conversation.options.sound import sound_plan
from duologue.conversation.sound.choice import chosen_devices
from duologue.protocol.formats import AudioFormat
from tests.conversation.fakes import ManualSink, ManualSource

INPUT, OUTPUT = AudioFormat.parse("pcm_16000"), AudioFormat.parse("pcm_24000")


def chosen(**options: object) -> tuple[Source, Sink]:
    return chosen_devices(sound_plan(options), INPUT, OUTPUT)


def test_ones_own_source_and_sink_are_taken_as_they_are() -> None:
    source, sink = ManualSource(), ManualSink()
    assert chosen(microphone=source, speaker=sink) == (source, sink)


def test_the_systems_devices_run_at_the_rates_of_the_wire() -> None:
    source, sink = chosen()
    assert isinstance(source, LiveMicrophone)
    assert isinstance(sink, LiveSpeaker)
    assert (source.sample_rate_hz, sink.sample_rate_hz) == (16_000, 24_000)


@pytest.mark.parametrize(
    ("options", "period_ms"),
    [
        ({}, 10),
        ({"echo_cancellation": False}, 10),
        ({"echo_cancellation": False, "noise_suppression": False}, 5),
    ],
)
def test_a_microphone_whose_sound_is_processed_delivers_whole_frames(
    monkeypatch: pytest.MonkeyPatch, options: dict[str, object], period_ms: int
) -> None:
    periods_ms: list[int] = []

    class Endpoint:
        def __init__(self, *args: object, period_ms: int = 0, **kwargs: object) -> None:
            periods_ms.append(period_ms)

    monkeypatch.setattr(live_devices, "LiveMicrophone", Endpoint)
    monkeypatch.setattr(live_devices, "LiveSpeaker", Endpoint)
    chosen(**options)
    assert periods_ms[0] == period_ms


def test_one_may_be_ones_own_and_the_other_the_systems() -> None:
    own = ManualSource()
    source, sink = chosen(microphone=own, output_device_id="usb")
    assert source is own
    assert isinstance(sink, LiveSpeaker)
