"""Devices changed, lost and processed during a conversation with a scripted agent."""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from duologue.audio.files.reading import read_wav
from duologue.audio.samples import silence
from duologue.dialogue.values import DeviceChange
from duologue.errors import AudioFileError, ConversationEnded, DeviceError
from duologue.protocol.server_events import AudioEvent
from tests.audio.room import attenuation_db, babble, echo
from tests.conversation.calls import calling, sound
from tests.conversation.fakes import ManualSink, ManualSource, eventually


class SwitchableSource(ManualSource):
    def __init__(self) -> None:
        super().__init__()
        self.changed: Callable[[DeviceChange], None] = lambda change: None

    def switch(self, device_id: str | None, *, device_rate_hz: int | None = None) -> None:
        if device_id == "busy":
            raise DeviceError("it is busy")
        self.changed(DeviceChange(kind="microphone", device_id=device_id))


class SwitchableSink(ManualSink):
    def __init__(self) -> None:
        super().__init__()
        self.changed: Callable[[DeviceChange], None] = lambda change: None
        self.rates_hz: list[int | None] = []

    def switch(self, device_id: str | None, *, device_rate_hz: int | None = None) -> None:
        self.rates_hz.append(device_rate_hz)
        self.changed(DeviceChange(kind="speaker", device_id=device_id))


async def test_the_microphone_is_changed_during_the_conversation() -> None:
    async with calling(SwitchableSource()) as call:
        await call.conversation.change_input_device("usb", format="pcm")
        await eventually(lambda: call.log.of("on_device_change"))
        assert call.log.of("on_device_change") == [DeviceChange(kind="microphone", device_id="usb")]
        assert call.conversation.is_open()


async def test_the_speaker_is_changed_during_the_conversation() -> None:
    sink = SwitchableSink()
    async with calling(sink=sink) as call:
        await call.conversation.change_output_device("usb", sample_rate=48_000)
        await call.conversation.change_output_device()
        await eventually(lambda: len(call.log.of("on_device_change")) == 2)
        assert [change.device_id for change in call.log.of("on_device_change")] == ["usb", None]
    assert sink.rates_hz == [48_000, None]


async def test_a_change_that_fails_raises_and_the_conversation_goes_on() -> None:
    async with calling(SwitchableSource()) as call:
        with pytest.raises(DeviceError, match="it is busy"):
            await call.conversation.change_input_device("busy")
        with pytest.raises(DeviceError, match="ManualSink, which cannot be switched"):
            await call.conversation.change_output_device("usb")
        assert call.conversation.is_open()
        assert call.log.of("on_error") == []


async def test_what_makes_no_sense_is_refused() -> None:
    async with calling(SwitchableSource()) as call:
        conversation = call.conversation
        with pytest.raises(ValueError, match="positive number of Hz, not 0"):
            await conversation.change_input_device("usb", sample_rate=0)
        with pytest.raises(ValueError, match="'pcm' or 'ulaw', not 'mp3'"):
            await conversation.change_input_device("usb", format="mp3")  # type: ignore[arg-type]
        await conversation.end_session()
        with pytest.raises(ConversationEnded):
            await conversation.change_input_device("usb")


async def test_a_device_that_is_lost_is_told_and_the_conversation_goes_on(
    caplog: pytest.LogCaptureFixture,
) -> None:
    source = SwitchableSource()
    async with calling(source) as call:
        source.failed(DeviceError("it has gone"))
        lost = DeviceChange(kind="microphone", device_id=None, reason="it has gone")
        source.changed(lost)
        await eventually(lambda: call.log.of("on_device_change"))
        assert [str(error) for error in call.log.of("on_error")] == [
            "the microphone failed: it has gone"
        ]
        assert call.log.of("on_device_change") == [lost]
        assert call.conversation.is_open()
    warnings = [record for record in caplog.records if record.levelno == logging.WARNING]
    assert [record.getMessage() for record in warnings] == [
        "another microphone is in use: it has gone"
    ]


async def test_the_agents_own_voice_is_taken_out_of_what_goes_out() -> None:
    async with calling(echo_cancellation=True) as call:
        agents = babble(6, 16_000)
        heard = echo(agents, 16_000, delay_ms=60)
        await call.hear(AudioEvent(audio=agents.tobytes(), event_id=1))
        for begin in range(0, len(heard), 160):
            call.sink.play(10)
            call.source.say(heard[begin : begin + 160])
            if begin % 8000 == 0:  # more than a second would not wait to be sent
                await call.sent(begin // 320 - 1)
        await call.sent(299)
        sent = np.frombuffer(b"".join(call.chunks), dtype="<i2")
        assert attenuation_db(heard[3 * 16_000 :], sent[3 * 16_000 :]) > 25


async def test_after_a_switch_the_echo_canceller_the_mute_and_the_volume_are_what_they_were() -> (
    None
):
    source, sink = SwitchableSource(), SwitchableSink()
    async with calling(source, sink, echo_cancellation=True) as call:
        agents = babble(6, 16_000)
        heard = echo(agents, 16_000, delay_ms=60)
        call.conversation.set_volume(0.5)
        await call.hear(AudioEvent(audio=agents.tobytes(), event_id=1))
        for begin in range(0, len(heard), 160):
            call.conversation.set_mic_muted(begin >= 5 * 16_000)
            if begin == 3 * 16_000:
                await call.conversation.change_input_device("usb")
                await call.conversation.change_output_device("usb")
            played = call.sink.play(10)
            call.source.say(heard[begin : begin + 160] // 2)
            if begin % 8000 == 0:
                await call.sent(begin // 320 - 1)
        assert np.abs(played.astype(int)).max() <= np.abs(agents[-160:].astype(int)).max() // 2 + 1
        await call.sent(299)
        sent = np.frombuffer(b"".join(call.chunks), dtype="<i2")
        after = slice(round(3.1 * 16_000), 5 * 16_000)
        assert attenuation_db(heard[after] // 2, sent[after]) > 25
        assert not sent[round(5.1 * 16_000) :].any()


async def test_both_sides_are_recorded(tmp_path: Path) -> None:
    path = tmp_path / "call.wav"
    async with calling(record=path) as call:
        await call.hear(sound(200, event_id=1))
        call.sink.play(300)
        call.source.say(silence(1600))
        call.source.say(babble(1, 16_000))
        await eventually(lambda: len(call.chunks) >= 50)
    samples, rate_hz = read_wav(path)
    assert rate_hz == 16_000
    assert len(samples) >= 16_000
    assert np.abs(samples).max() > 3000


async def test_a_recording_that_cannot_be_made_fails_the_start(tmp_path: Path) -> None:
    with pytest.raises(AudioFileError, match=r"call\.wav"):
        async with calling(record=tmp_path / "nowhere" / "call.wav"):
            pass
