from __future__ import annotations

import asyncio
from typing import Any

import numpy as np
import pytest

from duologue.audio.pacing.arrays import ArraySink, ArraySource
from duologue.audio.samples import silence
from duologue.connection.websocket.aiohttp_socket import WebSocketConnection
from duologue.conversation import Conversation
from duologue.conversation.sound import device
from duologue.dialogue import ending
from duologue.dialogue.values import Mode
from duologue.errors import ConversationEnded, DeviceError
from duologue.protocol.client_messages import UserAudioChunk
from duologue.protocol.server_events import (
    AgentResponseEvent,
    AgentToolResponseEvent,
    AudioEvent,
    InterruptionEvent,
    UserTranscriptEvent,
)
from duologue.testing.scripted_agent import ScriptedAgent, ScriptedCall
from tests.conversation.calls import calling, captioned, sound, tone
from tests.conversation.fakes import Hanging, ManualSink, ManualSource, eventually

END_CALL = AgentToolResponseEvent(
    tool_name="end_call",
    tool_call_id="call_1",
    tool_type="system",
    is_error=False,
    is_called=True,
    event_id=1,
)


@pytest.mark.parametrize(("input_format", "size"), [("pcm_16000", 640), ("ulaw_8000", 160)])
async def test_the_users_voice_goes_out_in_chunks_of_20_ms(input_format: str, size: int) -> None:
    async with calling(input_format=input_format) as call:
        call.source.say(tone(200))
        await eventually(lambda: len(call.chunks) >= 5)
        assert {len(chunk) for chunk in call.chunks} == {size}


async def test_mute_is_on_or_off() -> None:
    neither: Any = "off"
    async with calling() as call:
        with pytest.raises(TypeError, match="muted must be True or False, not str"):
            call.conversation.set_mic_muted(neither)


@pytest.mark.parametrize("duration_ms", [5, 25, 100])
async def test_a_chunk_is_exactly_as_long_as_is_asked_for(duration_ms: int) -> None:
    async with calling(input_chunk_duration_ms=duration_ms) as call:
        call.source.say(tone(200))
        await eventually(lambda: len(call.chunks) == 200 // duration_ms)
        assert {len(chunk) for chunk in call.chunks} == {32 * duration_ms}


async def test_unless_it_is_asked_for_a_chunk_is_as_long_as_the_connection_wants(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(WebSocketConnection, "chunk_ms", 10)
    async with calling() as call:
        call.source.say(tone(200))
        await eventually(lambda: len(call.chunks) == 20)
        assert {len(chunk) for chunk in call.chunks} == {320}


async def test_every_chunk_is_told_like_any_other_message() -> None:
    async with calling() as call:
        call.source.say(tone(100))
        await eventually(lambda: len(call.chunks) == 5)
        chunks = [UserAudioChunk(audio=chunk) for chunk in call.chunks]
        await eventually(lambda: call.log.of("on_outgoing_event")[1:] == chunks)


async def test_what_is_sent_too_late_is_refused_and_not_told() -> None:
    async with calling() as call:
        await call.conversation.end_session()
        told = call.log.of("on_outgoing_event")
        with pytest.raises(ConversationEnded):
            call.conversation.send_user_activity()
        assert call.log.of("on_outgoing_event") == told


async def test_a_spoken_start_tells_what_a_written_one_tells() -> None:
    async with calling() as call:
        await eventually(lambda: "on_conversation_metadata" in call.log.names)
    assert call.log.calls[:4] == [
        ("on_status_change", "connecting"),
        ("on_can_send_feedback_change", False),
        ("on_status_change", "connected"),
        ("on_connect", "conv_1"),
    ]
    assert call.log.names[4:7] == [
        "on_outgoing_event",
        "on_incoming_event",
        "on_conversation_metadata",
    ]


async def test_muted_zeros_go_out_at_the_same_pace() -> None:
    async with calling() as call:
        call.conversation.set_mic_muted(True)
        call.source.say(tone(100))
        await eventually(lambda: len(call.chunks) == 5)
        assert b"".join(call.chunks) == bytes(3200)
        assert call.conversation.input_level == 0.0


async def test_the_agent_speaks_until_everything_was_heard() -> None:
    async with calling() as call:
        await call.hear(sound(50, event_id=1))
        assert call.conversation.mode is Mode.SPEAKING
        assert np.array_equal(call.sink.play(50), tone(50))
        assert call.conversation.output_level > 0.0
        call.sink.play(20)
        await eventually(lambda: call.modes == ["speaking", "listening"])
        assert call.log.of("on_audio")[0].pcm == tone(50).tobytes()


async def test_an_interruption_is_silent_at_once_and_what_comes_late_is_not_heard() -> None:
    async with calling() as call:
        await call.hear(sound(1000, event_id=1))
        call.sink.play(50)
        await call.hear(InterruptionEvent(event_id=2))
        assert call.conversation.mode is Mode.LISTENING
        call.sink.play(20)
        assert not call.sink.play(200).any()
        await call.hear(sound(100, event_id=1))
        assert not call.sink.play(200).any()
        assert len(call.log.of("on_audio")) == 1
        assert call.modes == ["speaking", "listening"]
        await call.hear(sound(100, event_id=2))
        assert call.sink.play(100).any()
        assert call.modes == ["speaking", "listening", "speaking"]


async def test_an_interruption_before_anything_was_heard_does_not_flicker() -> None:
    async with calling() as call:
        await call.hear(sound(1000, event_id=1), InterruptionEvent(event_id=2))
        call.sink.play(50)
        await call.hear()
        assert call.modes == ["speaking", "listening"]


async def test_the_volume_keeps_for_what_comes_later() -> None:
    async with calling() as call:
        with pytest.raises(ValueError, match="from 0 to 1"):
            call.conversation.set_volume(float("nan"))
        call.conversation.set_volume(-1)
        await call.hear(sound(100, event_id=1))
        call.sink.play(50)
        assert not call.sink.play(50).any()


async def test_volume_and_spectrum_follow_what_goes_out_and_what_is_played() -> None:
    async with calling() as call:
        conversation = call.conversation
        assert conversation.get_input_volume() == conversation.get_output_volume() == 0.0
        call.source.say(tone(300))
        await call.hear(sound(2000, event_id=1))
        call.sink.play(300)
        assert 0.0 < conversation.get_input_volume() <= 1.0
        spectrum = conversation.get_output_byte_frequency_data()
        assert len(spectrum) == 1024
        # 340 Hz of the 7,900 from 100 Hz to the half of 16,000 Hz.
        assert spectrum.index(max(spectrum)) == pytest.approx(1024 * 340 / 7900, abs=2)
        loud = conversation.get_output_volume()
        conversation.set_volume(0.1)
        call.sink.play(1000)
        assert 0.0 < conversation.get_output_volume() < loud
        conversation.set_mic_muted(True)
        assert conversation.get_input_volume() == 0.0
        assert conversation.get_input_byte_frequency_data() == bytes(1024)
        conversation.set_mic_muted(False)
        call.source.say(tone(300))
        assert any(conversation.get_input_byte_frequency_data())
    assert conversation.get_input_volume() == conversation.get_output_volume() == 0.0
    assert conversation.get_input_byte_frequency_data() == bytes(1024)
    assert conversation.get_output_byte_frequency_data() == bytes(1024)


async def test_what_was_heard_of_a_response_stays_when_it_is_interrupted() -> None:
    async with calling() as call:
        await call.hear(captioned("One two three.", event_id=1))
        assert call.conversation.heard_text == ""
        call.sink.play(700)
        assert call.conversation.heard_text == "One two"
        await call.hear(InterruptionEvent(event_id=2))
        call.sink.play(500)
        assert call.conversation.heard_text == "One two"
        await call.hear(captioned("Yes.", event_id=3))
        call.sink.play(600)
    assert call.conversation.heard_text == "Yes."


async def test_what_was_heard_is_estimated_where_the_server_sends_no_times() -> None:
    async with calling(sink=ManualSink(48_000)) as call:
        response = AgentResponseEvent(agent_response="One two three.", event_id=1)
        await call.hear(sound(1400, event_id=1), response)
        call.sink.play(700)
        assert call.conversation.heard_text == "One two"
        call.sink.play(1000)
        assert call.conversation.heard_text == "One two three."


async def test_a_spoken_turn_is_timed_from_the_end_of_the_users_voice() -> None:
    async with calling() as call:
        call.source.say(np.concatenate((tone(300), silence(1600))))
        await eventually(lambda: len(call.chunks) == 20)
        await call.hear(UserTranscriptEvent(user_transcript="Hello?", event_id=1))
        await call.hear(sound(50, event_id=1))
        call.sink.play(50)
        await eventually(lambda: call.conversation.turn_metrics)
        [metrics] = call.conversation.turn_metrics
        # All was delivered at once, so the voice ended 100 ms before.
        assert metrics.latency_ms is not None
        assert metrics.latency_ms >= 100
        assert metrics.transcript_ms is not None
        assert metrics.transcript_ms <= metrics.latency_ms


async def test_hanging_up_lets_the_last_words_be_heard() -> None:
    async with calling() as call:
        await call.hear(sound(100, event_id=1), END_CALL)
        assert call.conversation.is_open()
        assert np.array_equal(call.sink.play(100), tone(100))
        call.sink.play(20)
        end = await asyncio.wait_for(call.conversation.wait_until_ended(), 5)
    assert (end.reason, end.context["type"]) == ("agent", "end_call")


async def test_last_words_that_are_never_played_do_not_keep_the_end(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(ending, "FAREWELL_LIMIT_MS", 30)
    async with calling() as call:
        await call.agent.send(sound(100, event_id=1))
        await call.agent.send(END_CALL)
        end = await asyncio.wait_for(call.conversation.wait_until_ended(), 5)
    assert end.context["type"] == "end_call"


async def test_a_device_that_fails_is_an_error_and_the_conversation_goes_on() -> None:
    async with calling() as call:
        call.source.failed(DeviceError("unplugged"))
        call.sink.failed(DeviceError("unplugged"))
        await eventually(lambda: len(call.log.of("on_error")) == 2)
        assert [str(error) for error in call.log.of("on_error")] == [
            "the microphone failed: unplugged",
            "the speaker failed: unplugged",
        ]
        assert call.conversation.is_open()


async def test_the_end_stops_the_devices_and_what_they_still_say_is_not_heard() -> None:
    async with calling() as call:
        await call.hear(sound(1000, event_id=1))
        await call.conversation.end_session()
        assert not call.source.running
        assert not call.sink.running
        calls = len(call.log.calls)
        call.source.say(tone(100))
        call.sink.play(100)
        call.source.failed(DeviceError("late"))
        await asyncio.sleep(0.01)
        assert len(call.log.calls) == calls


async def test_a_driver_that_hangs_keeps_neither_the_end_nor_the_sound(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(device.Device.close, "__defaults__", (0.05,))
    hanging = Hanging()
    async with calling(ManualSource(stop=hanging), ManualSink(stop=hanging)) as call:
        await call.hear(sound(1000, event_id=1))
        call.sink.play(50)
        await asyncio.wait_for(call.conversation.end_session(), 3)
        call.sink.play(20)
        assert not call.sink.play(100).any()
    hanging.release()
    assert "the microphone has not stopped within 0.05 s" in caplog.text
    assert "the speaker has not stopped within 0.05 s" in caplog.text


async def test_a_conversation_at_the_pace_of_real_time_is_whole() -> None:
    async def script(call: ScriptedCall) -> None:
        await call.begin()
        voice = b""
        while len(voice) < 2 * 16 * 200:
            voice += (await call.receive(UserAudioChunk)).audio
        await call.send(AudioEvent(audio=voice, event_id=1))  # an echo
        await call.receive_until_gone()

    sink = ArraySink(16_000)
    async with (
        ScriptedAgent(script) as agent,
        Conversation.start_session(
            agent_id="a",
            origin=agent.origin,
            microphone=ArraySource(tone(200), 16_000),
            speaker=sink,
        ) as conversation,
    ):
        await eventually(lambda: conversation.mode is Mode.SPEAKING)
        await eventually(lambda: conversation.mode is Mode.LISTENING)
    heard = sink.heard()
    start = int(np.flatnonzero(heard)[0]) - 1  # the tone begins with a zero
    assert np.array_equal(heard[start : start + 3200], tone(200))
