"""A session with every key of every service in the environment talks to nobody."""

import asyncio
import gc
import sys
import weakref
from collections.abc import AsyncIterator, Iterator
from typing import Any

import numpy as np
import pytest
from livekit import rtc
from livekit.agents import Agent, ChatMessage, ConversationItemAddedEvent, UserStateChangedEvent
from livekit.agents.voice import io
from livekit.agents.voice.run_result import RunResult

from duologue.agent.speech import turns
from duologue.agent.speech.stack import (
    CallSpeechOptions,
    LanguageModelEndpoint,
    SessionParts,
    open_session,
)
from duologue.agent.speech.turns import Eagerness
from duologue.testing.scripted_speech import ScriptedSpeech
from tests.agent.vowels import RATE_HZ, said

FRAME_SAMPLES = RATE_HZ // 50
FOREIGN_KEYS = {
    "LIVEKIT_DEV_MODE": "1",
    "LIVEKIT_REMOTE_EOT_URL": "https://cloud.example",
    "LIVEKIT_URL": "wss://cloud.example",
    "LIVEKIT_INFERENCE_URL": "https://cloud.example",
    "LIVEKIT_API_KEY": "key",
    "LIVEKIT_API_SECRET": "secret",
    "LIVEKIT_INFERENCE_API_KEY": "key",
    "LIVEKIT_INFERENCE_API_SECRET": "secret",
    "LIVEKIT_OBSERVABILITY_URL": "https://cloud.example",
    "OPENAI_API_KEY": "key",
    "OPENAI_BASE_URL": "https://cloud.example/v1",
    "HF_TOKEN": "key",
}


class NetworkWatch:
    """Remembers every host that Python code resolves or connects to."""

    def __init__(self) -> None:
        self.hosts: set[str] | None = None
        # A hook of the interpreter cannot be taken away again, so it can be switched off.
        sys.addaudithook(self._hear)

    def _hear(self, event: str, arguments: tuple[Any, ...]) -> None:
        if self.hosts is None:
            return
        if event == "socket.getaddrinfo":
            self.hosts.add(str(arguments[0]))
        elif event == "socket.connect" and isinstance(arguments[1], tuple):
            self.hosts.add(str(arguments[1][0]))


WATCH = NetworkWatch()


@pytest.fixture
def contacted() -> Iterator[set[str]]:
    hosts: set[str] = set()
    WATCH.hosts = hosts
    yield hosts
    WATCH.hosts = None


@pytest.fixture
def foreign_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in FOREIGN_KEYS.items():
        monkeypatch.setenv(name, value)


class Question(io.AudioInput):
    """Someone speaks for a second, then listens."""

    def __init__(self) -> None:
        super().__init__(label="question")
        self._sound = said(1.0, quiet_s=0.5)
        self._at = 0

    async def __anext__(self) -> rtc.AudioFrame:
        await asyncio.sleep(FRAME_SAMPLES / RATE_HZ)
        block = self._sound[self._at : self._at + FRAME_SAMPLES]
        self._at += FRAME_SAMPLES
        block = np.pad(block, (0, FRAME_SAMPLES - len(block)))
        return rtc.AudioFrame(block.tobytes(), RATE_HZ, 1, FRAME_SAMPLES)


class Ear(io.AudioOutput):
    """Hears everything at once."""

    def __init__(self) -> None:
        super().__init__(label="ear", capabilities=io.AudioOutputCapabilities(pause=False))
        self.heard_s = 0.0
        self._segment_s = 0.0

    async def capture_frame(self, frame: rtc.AudioFrame) -> None:
        await super().capture_frame(frame)
        self._segment_s += frame.duration
        self.heard_s += frame.duration

    def flush(self) -> None:
        super().flush()
        if self._segment_s:
            self.on_playback_finished(playback_position=self._segment_s, interrupted=False)
        self._segment_s = 0.0

    def clear_buffer(self) -> None:
        self.flush()


async def spoken_turn(parts: SessionParts) -> AsyncIterator[str]:
    """Hold one spoken turn and give what both sides said."""
    session = open_session(parts)
    said_texts: asyncio.Queue[str] = asyncio.Queue()

    def on_item(event: ConversationItemAddedEvent) -> None:
        if isinstance(event.item, ChatMessage):
            said_texts.put_nowait(event.item.text_content or "")

    session.on("conversation_item_added", on_item)
    session.input.audio = Question()
    session.output.audio = Ear()
    await session.start(Agent(instructions="Be brief."), record=False)
    try:
        async with asyncio.timeout(10):
            yield await said_texts.get()
            yield await said_texts.get()
    finally:
        await session.aclose()
        await parts.close()


@pytest.mark.usefixtures("foreign_keys")
async def test_a_spoken_turn_contacts_nobody(contacted: set[str]) -> None:
    stack = ScriptedSpeech(transcripts=["What time is it?"], replies=["It is noon."])
    parts = stack.session_parts(CallSpeechOptions())
    texts = [text async for text in spoken_turn(parts)]
    assert [text.strip() for text in texts] == ["What time is it?", "It is noon."]
    assert contacted == set()


@pytest.mark.usefixtures("foreign_keys")
async def test_neither_does_the_model_that_listens_for_the_end_of_a_turn(
    contacted: set[str],
) -> None:
    scripted = ScriptedSpeech().session_parts(CallSpeechOptions())
    parts = SessionParts(
        vad=scripted.vad,
        stt=scripted.stt,
        llm=scripted.llm,
        tts=scripted.tts,
        turn_handling=turns.turn_handling(Eagerness.EAGER),
    )
    assert len([text async for text in spoken_turn(parts)]) == 2
    assert contacted == set()


async def test_the_watch_would_see_a_contact(contacted: set[str]) -> None:
    server = await asyncio.start_server(lambda reader, writer: writer.close(), "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        _, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.close()
        await writer.wait_closed()
    assert contacted == {"127.0.0.1"}


@pytest.mark.usefixtures("foreign_keys")
async def test_a_text_session_has_no_ears_and_no_voice(contacted: set[str]) -> None:
    parts = ScriptedSpeech(replies=["Of course."]).session_parts(CallSpeechOptions())
    session = open_session(parts, text_only=True)
    await session.start(Agent(instructions="Be brief."), record=False)
    try:
        async with asyncio.timeout(5):
            result: RunResult[None] = await session.run(user_input="Can you help me?")
        assert session.vad is None
        assert session.stt is None
        assert session.tts is None
        messages = [item for item in session.history.items if isinstance(item, ChatMessage)]
        assert [item.text_content for item in messages] == ["Can you help me?", "Of course. "]
        assert len(result.events) == 1
    finally:
        await session.aclose()
        await parts.close()
    assert contacted == set()


async def test_a_session_tells_of_its_events_and_does_not_keep_them() -> None:
    parts = ScriptedSpeech().session_parts(CallSpeechOptions())
    session = open_session(parts)
    told: list[str] = []
    session.on("user_state_changed", lambda event: told.append(event.new_state))
    event = UserStateChangedEvent(old_state="listening", new_state="speaking")
    kept = weakref.ref(event)
    session.emit("user_state_changed", event)
    del event
    gc.collect()
    assert told == ["speaking"]
    assert kept() is None
    await parts.close()


def test_a_key_is_not_shown_where_an_endpoint_is_printed() -> None:
    endpoint = LanguageModelEndpoint("https://models.example/v1", "m", api_key="secret")
    assert "secret" not in repr(endpoint)
