from __future__ import annotations

import asyncio
import threading
import time
from typing import Any

import numpy as np
import pytest

from duologue.audio.playout.jitter_buffer import START_MS
from duologue.audio.samples import Samples, silence
from duologue.conversation.sound.flow import HICCUP_S, Sound, SoundEvents
from duologue.dialogue.values import AgentAudio
from duologue.errors import DeviceError
from duologue.protocol.formats import AudioFormat
from tests.conversation.fakes import ManualSink, ManualSource, eventually

PCM = AudioFormat("pcm", 16_000)


def tone(duration_ms: int, sample_rate_hz: int = 16_000, amplitude: int = 12_000) -> Samples:
    times = np.arange(duration_ms * sample_rate_hz // 1000) / sample_rate_hz
    return (amplitude * np.sin(2 * np.pi * 440 * times)).astype(np.int16)


def agent_audio(samples: Samples, event_id: int = 1) -> AgentAudio:
    return AgentAudio(pcm=samples.tobytes(), format=PCM, event_id=event_id)


class Room:
    """A sound between a source and a sink worked by hand, and what it told."""

    def __init__(
        self,
        source: ManualSource | None = None,
        sink: ManualSink | None = None,
        *,
        input_format: AudioFormat = PCM,
        chunk_ms: int = 20,
        start_ms: int = START_MS,
    ) -> None:
        self.source = source or ManualSource()
        self.sink = sink or ManualSink()
        self.told: list[tuple[Any, ...]] = []
        self.threads: set[int] = set()
        self.sound = Sound(
            source=self.source,
            sink=self.sink,
            input_format=input_format,
            chunk_ms=chunk_ms,
            start_ms=start_ms,
            events=SoundEvents(
                chunk=self._listener("chunk"),
                playing=self._listener("playing"),
                audible=self._listener("audible"),
                changed=self._listener("changed"),
                failed=self._listener("failed"),
            ),
        )

    def of(self, name: str) -> list[Any]:
        return [arguments[0] for told, *arguments in self.told if told == name]

    def _listener(self, name: str) -> Any:
        def listen(*arguments: Any) -> None:
            self.threads.add(threading.get_ident())
            self.told.append((name, *arguments))

        return listen


async def started(*arguments: Any, **options: Any) -> Room:
    room = Room(*arguments, **options)
    await room.sound.start()
    return room


@pytest.mark.parametrize(
    ("name", "chunk_ms", "size"),
    [
        ("pcm_16000", 20, 640),
        ("ulaw_8000", 20, 160),
        ("pcm_48000", 20, 1920),
        ("pcm_16000", 25, 800),
        ("pcm_8000", 5, 80),
    ],
)
async def test_a_chunk_has_exactly_its_duration(name: str, chunk_ms: int, size: int) -> None:
    audio_format = AudioFormat.parse(name)
    room = await started(
        ManualSource(audio_format.sample_rate_hz), input_format=audio_format, chunk_ms=chunk_ms
    )
    for _ in range(30):
        room.source.say(silence(audio_format.sample_rate_hz * 7 // 1000))
    await eventually(lambda: len(room.of("chunk")) == 210 // chunk_ms)
    assert {len(chunk) for chunk in room.of("chunk")} == {size}
    await room.sound.stop()


async def test_chunks_of_a_rate_that_does_not_divide_alternate() -> None:
    room = await started(ManualSource(22_050), input_format=AudioFormat("pcm", 22_050), chunk_ms=25)
    room.source.say(silence(22_050))
    await eventually(lambda: len(room.of("chunk")) == 40)
    assert {len(chunk) for chunk in room.of("chunk")} == {1102, 1104}
    assert sum(len(chunk) for chunk in room.of("chunk")) == 2 * 22_050
    await room.sound.stop()


async def test_playing_begins_with_as_much_sound_as_the_connection_needs() -> None:
    for start_ms, begins in ((30, True), (31, False)):
        room = await started(start_ms=start_ms)
        room.sound.play(agent_audio(tone(30)))
        assert room.sink.play(10).any() == begins
        await room.sound.stop()


async def test_the_voice_goes_out_as_it_was_spoken() -> None:
    room = await started()
    voice = tone(60)
    room.source.say(voice)
    await eventually(lambda: len(room.of("chunk")) == 3)
    assert b"".join(room.of("chunk")) == voice.tobytes()
    await room.sound.stop()


async def test_muted_the_same_amount_of_silence_goes_out() -> None:
    room = await started()
    room.sound.set_muted(True)
    room.source.say(tone(100))
    await eventually(lambda: len(room.of("chunk")) == 5)
    assert b"".join(room.of("chunk")) == bytes(3200)
    assert room.sound.input_level == 0.0
    room.sound.set_muted(False)
    room.source.say(tone(20))
    await eventually(lambda: len(room.of("chunk")) == 6)
    assert any(room.of("chunk")[-1])
    assert room.sound.input_level > 0.0
    await room.sound.stop()


async def test_everything_is_told_in_the_event_loop() -> None:
    room = await started()
    room.sound.play(agent_audio(tone(60)))

    def devices() -> None:
        room.source.say(tone(20))
        room.sink.play(50)

    thread = threading.Thread(target=devices)
    thread.start()
    await eventually(lambda: room.of("chunk") and room.of("playing") and room.of("audible"))
    thread.join()
    assert room.threads == {threading.get_ident()}
    await room.sound.stop()


async def test_the_end_of_the_users_voice_is_told_by_the_clock() -> None:
    room = await started()
    before_ms = time.monotonic() * 1000
    room.source.say(np.concatenate((tone(500), silence(16_000 // 5))))
    await eventually(lambda: len(room.of("chunk")) == 35)
    # Delivered all at once, so the voice ended 200 ms before that moment.
    voiced_ms = room.sound.take_voiced_ms()
    assert voiced_ms is not None
    assert before_ms - 300 < voiced_ms < before_ms
    await room.sound.stop()


async def test_what_is_played_is_heard_and_told() -> None:
    room = await started()
    room.sound.play(agent_audio(tone(60)))
    heard = room.sink.play(60)
    assert np.array_equal(heard, tone(60))
    assert room.sound.output_level > 0.0
    room.sink.play(20)
    await eventually(lambda: room.of("playing")[-1:] == [False])
    assert len(room.of("audible")) == 1
    await room.sound.stop()


async def test_spectrum_and_volume_are_those_of_either_side() -> None:
    room = await started()
    room.source.say(tone(300))
    assert room.sound.input_volume() > 0.0
    assert room.sound.output_volume() == 0.0
    room.sound.play(agent_audio(tone(300, amplitude=300)))
    room.sink.play(300)
    assert 0.0 < room.sound.output_volume() < room.sound.input_volume()
    assert room.sound.input_byte_frequency_data() != room.sound.output_byte_frequency_data()
    await room.sound.stop()


async def test_stopped_it_measures_nothing_whatever_late_devices_say() -> None:
    room = await started()
    room.source.say(tone(300))
    room.sound.play(agent_audio(tone(300)))
    room.sink.play(200)
    await room.sound.stop()
    room.source.say(tone(300))
    room.sink.play(50)
    assert room.sound.input_volume() == room.sound.output_volume() == 0.0
    assert room.sound.input_byte_frequency_data() == bytes(1024)
    assert room.sound.output_byte_frequency_data() == bytes(1024)


async def test_it_counts_the_sound_of_both_sides() -> None:
    room = await started(sink=ManualSink(48_000))
    room.source.say(tone(130))
    room.sound.play(agent_audio(tone(100)))
    room.sink.play(40)
    counters = room.sound.counters()
    assert (counters.captured_ms, counters.received_ms) == (130.0, 100.0)
    assert (counters.played_ms, counters.underruns) == (40.0, 0)
    assert counters.queued_ms == pytest.approx(60, abs=0.1)
    assert room.sound.played_ms(1) == 40.0
    room.sink.play(100)
    room.sound.play(agent_audio(tone(100)))
    room.sink.play(10)
    assert room.sound.counters().underruns == 1
    assert room.sound.counters().underrun_ms == pytest.approx(40, abs=0.1)
    await room.sound.stop()


async def test_it_counts_how_often_either_device_was_late() -> None:
    room = await started()
    for _ in range(2):
        room.source.say(tone(10))
        room.sink.play(10)
        await asyncio.sleep(0.05)  # 40 ms after the sound is over
    counters = room.sound.counters()
    assert (counters.late_captures, counters.late_renders) == (1, 1)
    await room.sound.stop()


async def test_silence_comes_within_20_ms_and_stays() -> None:
    room = await started()
    room.sound.play(agent_audio(tone(2000)))
    room.sink.play(100)
    room.sound.silence()
    room.sink.play(20)
    assert not room.sink.play(500).any()
    await room.sound.stop()


async def test_sound_that_arrives_as_the_last_runs_dry_is_still_playing() -> None:
    room = await started()
    room.sound.play(agent_audio(tone(60)))
    room.sink.play(80)
    room.sound.play(agent_audio(tone(10)))  # before the loop has taken the reports
    await eventually(lambda: len(room.of("playing")) == 2)
    assert room.of("playing") == [True, True]
    await room.sound.stop()


async def speaking() -> Room:
    """A room in which 60 ms of 100 have been played."""
    room = await started()
    room.sound.play(agent_audio(tone(100)))
    room.sink.play(60)
    await eventually(lambda: room.of("playing") == [True])
    return room


async def test_a_hiccup_within_an_utterance_is_not_its_end() -> None:
    room = await speaking()
    room.sink.play(80)  # 40 ms more than there is
    await asyncio.sleep(0.02)
    room.sound.play(agent_audio(tone(100)))
    room.sink.play(50)
    await asyncio.sleep(2 * HICCUP_S)
    assert set(room.of("playing")) == {True}
    room.sink.play(100)
    await eventually(lambda: room.of("playing")[-1:] == [False])
    await room.sound.stop()


@pytest.mark.parametrize("known_for_s", [0.0, 0.02])
async def test_stopped_it_does_not_tell_later_that_it_has_run_dry(known_for_s: float) -> None:
    room = await speaking()
    room.sink.play(80)
    if known_for_s:
        await asyncio.sleep(known_for_s)
    await room.sound.stop()
    await asyncio.sleep(2 * HICCUP_S)
    assert room.of("playing") == [True]


async def test_a_volume_that_is_no_number_is_refused_and_others_are_clamped() -> None:
    room = await started()
    for volume in (float("nan"), float("inf"), float("-inf")):
        with pytest.raises(ValueError, match="a volume is a number from 0 to 1"):
            room.sound.set_volume(volume)
    room.sound.set_volume(-3)
    room.sound.play(agent_audio(tone(200)))
    room.sink.play(50)
    assert not room.sink.play(50).any()
    assert room.sound.output_level == 0.0
    room.sound.set_volume(7)
    room.sink.play(30)
    assert np.abs(room.sink.play(50)).max() > 11_000
    await room.sound.stop()


async def test_a_device_that_fails_is_told() -> None:
    room = await started()
    broken = DeviceError("unplugged")
    room.source.failed(broken)
    room.sink.failed(broken)
    await eventually(lambda: len(room.told) == 2)
    assert room.told == [("failed", "microphone", broken), ("failed", "speaker", broken)]
    await room.sound.stop()


async def test_a_source_that_delivers_half_samples_is_told_once() -> None:
    room = await started()
    for _ in range(3):
        room.source.say_bytes(b"\x00\x00\x00")
    await asyncio.sleep(0.01)
    [(name, part, error)] = room.told
    assert (name, part) == ("failed", "microphone")
    assert "even number of bytes" in str(error)
    await room.sound.stop()


def broken() -> None:
    raise DeviceError("no such device")


async def test_if_the_microphone_cannot_be_opened_the_speaker_is_stopped() -> None:
    room = Room(ManualSource(start=broken))
    with pytest.raises(DeviceError, match="no such device"):
        await room.sound.start()
    assert not room.sink.running


async def test_if_the_speaker_cannot_be_opened_the_microphone_is_never_opened() -> None:
    room = Room(sink=ManualSink(start=broken))
    with pytest.raises(DeviceError, match="no such device"):
        await room.sound.start()
    assert room.source.starts == 0


async def test_one_device_that_cannot_be_stopped_does_not_keep_the_other_running(
    caplog: pytest.LogCaptureFixture,
) -> None:
    room = await started(ManualSource(stop=broken))
    await room.sound.stop()
    assert not room.sink.running
    assert "the microphone could not be stopped" in caplog.text


def test_devices_that_go_on_after_the_loop_has_closed_disturb_nobody() -> None:
    room = asyncio.run(started())
    room.source.say(tone(100))
    room.sound.play(agent_audio(tone(10)))
    room.sink.play(30)
    room.source.failed(DeviceError("gone"))
    assert room.told == []
