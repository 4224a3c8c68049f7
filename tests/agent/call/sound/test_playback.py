"""The voice's output: what is sent, what is told, and what was heard when it is cut off."""

from __future__ import annotations

import asyncio
import time

import numpy as np
from livekit import rtc
from livekit.agents.types import USERDATA_TIMED_TRANSCRIPT, TimedString
from livekit.agents.voice.io import PlaybackFinishedEvent

from duologue.agent.call.floor import Floor
from duologue.agent.call.sound.playback import PacedPlayback
from duologue.protocol.formats import AUDIO_FORMATS
from duologue.protocol.server_events import Alignment

WORDS = "one two three four five six seven eight nine ten"


class Listener:
    def __init__(self) -> None:
        self.told: list[str] = []
        self.audio = b""
        self.heard: str | None = None

    def voice_chunk(self, audio: bytes, alignment: Alignment | None) -> None:
        self.told.append("chunk")
        self.audio += audio

    def voice_started(self) -> None:
        self.told.append("started")

    def voice_interrupted(self) -> str:
        self.told.append("interrupted")
        return WORDS

    def voice_heard(self, heard: str) -> None:
        self.heard = heard

    def voice_finished(self) -> None:
        self.told.append("finished")


def playing(
    listener: Listener, name: str = "pcm_16000", delay_ms: float = 0
) -> tuple[PacedPlayback, list[PlaybackFinishedEvent]]:
    playback = PacedPlayback(
        AUDIO_FORMATS[name], listener, Floor(2.0, time.monotonic), lambda: delay_ms
    )
    finished: list[PlaybackFinishedEvent] = []
    playback.on("playback_finished", finished.append)
    return playback, finished


def spoken(duration_s: float, text: str = WORDS, rate_hz: int = 16_000) -> rtc.AudioFrame:
    samples = np.full(round(duration_s * rate_hz), 1000, dtype=np.int16)
    frame = rtc.AudioFrame(samples.tobytes(), rate_hz, 1, len(samples))
    frame.userdata[USERDATA_TIMED_TRANSCRIPT] = [
        TimedString(text, start_time=0.0, end_time=duration_s)
    ]
    return frame


async def test_a_reply_is_sent_and_then_reported_as_played() -> None:
    listener = Listener()
    playback, finished = playing(listener)
    await playback.capture_frame(spoken(0.15))
    playback.flush()
    await asyncio.wait_for(playback.wait_for_playout(), 2)
    assert listener.told == ["chunk", "started", "chunk", "finished"]
    assert len(listener.audio) == 0.15 * 32_000
    assert (finished[0].playback_position, finished[0].interrupted) == (0.15, False)


async def test_it_is_played_when_the_client_has_had_the_time_to() -> None:
    playback, _ = playing(Listener(), delay_ms=100)
    began_s = time.monotonic()
    await playback.capture_frame(spoken(0.1))
    playback.flush()
    await asyncio.wait_for(playback.wait_for_playout(), 2)
    assert time.monotonic() - began_s >= 0.19


async def test_the_synthesisers_rate_becomes_the_clients() -> None:
    listener = Listener()
    playback, _ = playing(listener, "ulaw_8000")
    await playback.capture_frame(spoken(0.2, rate_hz=22_050))
    playback.flush()
    await asyncio.wait_for(playback.wait_for_playout(), 2)
    assert len(listener.audio) == 1600


async def test_an_interruption_tells_what_was_heard_and_sends_nothing_more() -> None:
    listener = Listener()
    playback, finished = playing(listener, delay_ms=20)
    await playback.capture_frame(spoken(5.0))
    playback.flush()
    await asyncio.sleep(0.75)
    playback.clear_buffer()
    sent = len(listener.audio)
    await asyncio.sleep(0.2)
    assert len(listener.audio) == sent
    assert listener.told.count("finished") == 0
    # 48 characters in 5 s: after 0.73 s, 7 of them.
    assert listener.heard == "one two"
    assert finished[0].interrupted
    assert finished[0].synchronized_transcript == "one two"
    assert 0.7 <= finished[0].playback_position <= 0.85


async def test_an_interruption_of_nothing_reports_nothing_as_played() -> None:
    listener = Listener()
    playback, finished = playing(listener)
    playback.clear_buffer()
    playback.clear_buffer()
    assert finished == []
    assert listener.heard is None


async def test_a_second_reply_begins_anew() -> None:
    listener = Listener()
    playback, finished = playing(listener)
    for _ in range(2):
        await playback.capture_frame(spoken(0.05))
        playback.flush()
        await asyncio.wait_for(playback.wait_for_playout(), 2)
    assert listener.told == ["chunk", "started", "finished"] * 2
    assert len(finished) == 2


async def test_the_synthesiser_waits_when_half_a_minute_is_ahead() -> None:
    playback, _ = playing(Listener())
    await playback.capture_frame(spoken(30.0))
    capturing = asyncio.create_task(playback.capture_frame(spoken(30.0)))
    await asyncio.sleep(0.02)
    assert not capturing.done()
    playback.clear_buffer()
    await asyncio.wait_for(capturing, 1)


async def test_a_reply_does_not_begin_while_the_user_is_busy() -> None:
    listener = Listener()
    floor = Floor(0.1, time.monotonic)
    playback = PacedPlayback(AUDIO_FORMATS["pcm_16000"], listener, floor, lambda: 0)
    floor.hold()
    await playback.capture_frame(spoken(0.05))
    await asyncio.sleep(0.06)
    floor.hold()
    await asyncio.sleep(0.06)
    assert listener.told == []
    await asyncio.sleep(0.07)
    assert listener.told == ["chunk", "started"]
    playback.clear_buffer()
