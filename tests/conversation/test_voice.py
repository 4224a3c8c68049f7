from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import numpy as np
import pytest

from duologue.audio.memory import ArraySink, ArraySource
from duologue.audio.samples import Samples, silence
from duologue.conversation import Conversation, VoiceConversation, device
from duologue.dialogue import ending
from duologue.dialogue.values import Mode
from duologue.errors import DeviceError
from duologue.protocol.client_messages import UserAudioChunk
from duologue.protocol.server_events import (
    AgentToolResponseEvent,
    AudioEvent,
    ConversationMetadataEvent,
    InterruptionEvent,
    ServerEvent,
    UserTranscriptEvent,
)
from duologue.testing.scripted_agent import ScriptedAgent, ScriptedCall
from tests.conversation.fakes import Hanging, Log, ManualSink, ManualSource, eventually

END_CALL = AgentToolResponseEvent(
    tool_name="end_call",
    tool_call_id="call_1",
    tool_type="system",
    is_error=False,
    is_called=True,
    event_id=1,
)


def tone(duration_ms: int, amplitude: int = 12_000) -> Samples:
    times = np.arange(duration_ms * 16) / 16_000
    return (amplitude * np.sin(2 * np.pi * 440 * times)).astype(np.int16)


def sound(duration_ms: int, event_id: int, amplitude: int = 12_000) -> AudioEvent:
    return AudioEvent(audio=tone(duration_ms, amplitude).tobytes(), event_id=event_id)


class Call:
    """A spoken conversation with both of its ends."""

    def __init__(
        self,
        conversation: VoiceConversation,
        agent: ScriptedCall,
        source: ManualSource,
        sink: ManualSink,
        log: Log,
    ) -> None:
        self.conversation = conversation
        self.agent = agent
        self.source = source
        self.sink = sink
        self.log = log

    async def hear(self, *events: ServerEvent) -> None:
        """Let the agent say something, and wait until it has arrived."""
        before = len(self.log.of("on_vad_score"))
        for event in events:
            await self.agent.send(event)
        await self.agent.send_frame('{"type":"vad_score","vad_score_event":{"vad_score":0.0}}')
        await eventually(lambda: len(self.log.of("on_vad_score")) > before)

    @property
    def chunks(self) -> list[bytes]:
        """The sound that the agent has received."""
        return [
            message.audio for message in self.agent.received if isinstance(message, UserAudioChunk)
        ]

    @property
    def modes(self) -> list[Mode]:
        return self.log.of("on_mode_change")


@asynccontextmanager
async def calling(
    source: ManualSource | None = None,
    sink: ManualSink | None = None,
    *,
    output_format: str = "pcm_16000",
    input_format: str = "pcm_16000",
    **options: Any,
) -> AsyncIterator[Call]:
    async def script(call: ScriptedCall) -> None:
        await call.begin(
            ConversationMetadataEvent(
                conversation_id="conv_1",
                agent_output_audio_format=output_format,
                user_input_audio_format=input_format,
            )
        )
        await call.receive_until_gone()

    source, sink, log = source or ManualSource(), sink or ManualSink(), Log()
    async with (
        ScriptedAgent(script) as agent,
        Conversation.start_session(
            agent_id="a",
            origin=agent.origin,
            microphone=source,
            speaker=sink,
            **{**log.options(), **options},
        ) as conversation,
    ):
        yield Call(conversation, agent.calls[0], source, sink, log)


@pytest.mark.parametrize(("input_format", "size"), [("pcm_16000", 640), ("ulaw_8000", 160)])
async def test_the_users_voice_goes_out_in_chunks_of_20_ms(input_format: str, size: int) -> None:
    async with calling(input_format=input_format) as call:
        call.source.say(tone(200))
        await eventually(lambda: len(call.chunks) >= 5)
        assert {len(chunk) for chunk in call.chunks} == {size}


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
