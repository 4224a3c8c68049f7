"""Whole conversations over a real socket, with a real voice activity detector."""

from __future__ import annotations

import asyncio
import base64
import socket
import time
from typing import Any

import pytest

from duologue.agent.limits import CallLimits
from duologue.testing.scripted_speech import ModelBehaviour, ScriptedSpeech
from tests.agent.harness import ALL_EVENTS, Client, conversing, define
from tests.agent.vowels import said, silence, vowels

LONG = "One is followed by two, two is followed by three, and three is followed by four, I think."
SPOKEN = ("user_transcript", "agent_response", "audio", "interruption", "agent_response_correction")


async def test_the_greeting_is_said_with_its_text_after_its_first_sound() -> None:
    agent = define(first_message="Hello {{name}}!")
    async with conversing(ScriptedSpeech(), agent) as client:
        await client.initiate(dynamic_variables={"name": "Ada"})
        response = await client.expect("agent_response")
        await client.expect("audio", count=3)
        assert response["agent_response"] == "Hello Ada!"
        assert client.kinds("audio", "agent_response") == ["audio", "agent_response", "audio"]
        assert {sound["event_id"] for sound in client.of("audio")} == {response["event_id"]}


async def test_overrides_change_the_greeting_and_what_the_model_is_told() -> None:
    told: list[str] = []

    def reply(chat: Any) -> str:
        told.append(str(chat.items[0].text_content))
        return "Yes."

    agent = define(first_message="Hello.", prompt="Be brief.", text_only=True)
    async with conversing(ScriptedSpeech(replies=reply), agent) as client:
        override = {"agent": {"first_message": "Hi.", "prompt": {"prompt": "Be {{mood}}."}}}
        await client.initiate(
            conversation_config_override=override, dynamic_variables={"mood": "merry"}
        )
        assert (await client.expect("agent_response"))["agent_response"] == "Hi."
        await client.send(type="user_message", text="Really?")
        await client.expect("agent_response", count=2)
    assert told == ["Be merry."]


async def test_a_spoken_turn_is_transcribed_and_answered() -> None:
    speech = ScriptedSpeech(transcripts=["How are you?"], replies=["I am well."])
    async with conversing(speech, define()) as client:
        await client.initiate()
        await client.speak(said(1.0))
        question = await client.expect("user_transcript")
        answer = await client.expect("agent_response")
        assert question["user_transcript"] == "How are you?"
        assert answer["agent_response"] == "I am well."
        assert client.kinds(*SPOKEN)[:3] == ["user_transcript", "audio", "agent_response"]
        assert question["event_id"] < answer["event_id"]
        assert max(score["vad_score"] for score in client.of("vad_score")) > 0.8


async def test_speaking_over_the_agent_silences_it_and_corrects_its_words() -> None:
    speech = ScriptedSpeech(transcripts=["Stop."], replies=["All right."])
    agent = define(first_message=LONG)
    async with conversing(speech, agent) as client:
        await client.initiate()
        await client.expect("audio")
        began_s = time.monotonic()
        await client.speak(silence(1.0))
        spoke_s = time.monotonic()
        await client.speak(said(0.8))
        answer = await client.expect("agent_response", count=2)
        await client.expect("audio")

        kinds = [event["type"] for event in client.events]
        interrupted_s = client.arrivals_s[kinds.index("interruption")]
        assert interrupted_s - spoke_s < 0.4

        first, interruption = client.of("agent_response")[0], client.of("interruption")[0]
        assert first["event_id"] < interruption["event_id"] < answer["event_id"]
        late = client.events[kinds.index("interruption") :]
        late_ids = {_id_of(event) for event in late if event["type"] == "audio"}
        assert late_ids == {answer["event_id"]}

        correction = client.of("agent_response_correction")[0]
        assert correction["original_agent_response"] == LONG
        heard = correction["corrected_agent_response"]
        assert LONG.startswith(heard)
        # The scripted voice says a character in 60 ms; whole words only.
        expected = (interrupted_s - began_s) / 0.06
        assert expected - 12 <= len(heard) <= expected + 2


async def test_sound_is_sent_at_most_half_a_second_ahead() -> None:
    agent = define(first_message=LONG)
    async with conversing(ScriptedSpeech(), agent) as client:
        await client.initiate()
        await client.expect("audio")
        await asyncio.sleep(1.5)
        arrivals = [
            (at_s, len(base64.b64decode(event["audio_event"]["audio_base_64"])) / 32_000)
            for event, at_s in zip(client.events, client.arrivals_s, strict=True)
            if event["type"] == "audio"
        ]
    sent_s = 0.0
    for at_s, length_s in arrivals:
        sent_s += length_s
        assert sent_s - (at_s - arrivals[0][0]) <= 0.52
    assert arrivals[0][1] <= 0.06


async def test_the_alignment_has_every_character_once() -> None:
    greeting = "Good morning, my dear."
    agent = define(first_message=greeting)
    async with conversing(ScriptedSpeech(), agent) as client:
        await client.initiate()
        async with asyncio.timeout(5):
            while _aligned(client) != greeting:
                await client.expect("audio", count=len(client.of("audio")) + 1)
        for sound in client.of("audio"):
            alignment = sound.get("alignment")
            if alignment is not None:
                lengths = {len(alignment[key]) for key in alignment}
                assert len(lengths) == 1
                assert min(alignment["char_start_times_ms"]) >= 0


async def test_a_text_conversation_streams_its_answers() -> None:
    speech = ScriptedSpeech(replies=["One two three."])
    agent = define(first_message="Hello.", client_events=["agent_response"], text_only=True)
    async with conversing(speech, agent) as client:
        await client.initiate()
        await client.expect("agent_response")
        asked_s = time.monotonic()
        await client.send(type="user_message", text="Count.")
        answer = await client.expect("agent_response", count=2)
        parts = [
            part
            for part in client.of("agent_chat_response_part")
            if part["event_id"] == answer["event_id"]
        ]
        assert [part["type"] for part in parts] == ["start", *["delta"] * 3, "stop"]
        assert "".join(part["text"] for part in parts).strip() == answer["agent_response"]
        assert time.monotonic() - asked_s < 0.4
        assert not client.of("audio")
        assert not client.of("user_transcript")


async def test_a_second_message_cuts_the_first_answer_short() -> None:
    def reply(chat: Any) -> str:
        return "word " * 20_000 if "first" in chat.items[-1].text_content else "Second."

    speech = ScriptedSpeech(replies=reply)
    async with conversing(speech, define(text_only=True)) as client:
        await client.initiate()
        await client.send(type="user_message", text="The first.")
        await client.expect("agent_chat_response_part", count=10)
        await client.send(type="user_message", text="And the other.")
        second = await client.expect("agent_response", count=2)
        first = client.of("agent_response")[0]
        assert second["agent_response"] == "Second."
        assert len(first["agent_response"].split()) < 20_000
        interruption = client.of("interruption")[0]
        assert first["event_id"] < interruption["event_id"] < second["event_id"]


async def test_context_is_learned_without_an_answer_and_only_the_latest_of_an_id_counts() -> None:
    seen: list[list[str]] = []

    def reply(chat: Any) -> str:
        seen.append([item.text_content for item in chat.items if item.type == "message"])
        return "Noted."

    speech = ScriptedSpeech(replies=reply)
    async with conversing(speech, define(text_only=True)) as client:
        await client.initiate()
        await client.send(type="contextual_update", text="Page 1", context_id="page")
        await client.send(type="contextual_update", text="It rains.")
        await client.send(type="contextual_update", text="Page 2", context_id="page")
        await client.send(type="user_message", text="Where am I?")
        await client.expect("agent_response")
        assert len(client.of("agent_response")) == 1
    assert seen == [["Be brief.", "It rains.", "Page 2", "Where am I?"]]


async def test_the_agent_waits_while_the_user_is_busy() -> None:
    limits = CallLimits(hold_s=0.5)
    async with conversing(ScriptedSpeech(), define(), limits=limits) as client:
        await client.initiate()
        await client.expect("conversation_initiation_metadata")
        await client.send(type="user_activity")
        asked_s = time.monotonic()
        await client.send(type="user_message", text="Hello?")
        await client.expect("audio")
        assert time.monotonic() - asked_s > 0.45


async def test_only_the_events_that_are_wanted_are_sent() -> None:
    agent = define(first_message="Hello.", client_events=["agent_response"])
    async with conversing(ScriptedSpeech(), agent) as client:
        await client.initiate()
        await client.expect("agent_response")
        assert client.kinds(*ALL_EVENTS) == ["agent_response"]


async def test_a_ping_tells_what_the_pong_before_it_measured() -> None:
    limits = CallLimits(first_ping_s=0.01, ping_s=0.05)
    async with conversing(ScriptedSpeech(), define(), limits=limits) as client:
        await client.initiate()
        assert (await client.expect("ping"))["ping_ms"] is None
        assert 0 <= (await client.expect("ping", count=3))["ping_ms"] < 1000


@pytest.mark.parametrize(
    ("model", "error_type"),
    [
        ("thinking", "llm_error"),
        ("hearing", "asr_transcription_error"),
        ("speaking", "tts_cascade_error"),
    ],
)
async def test_a_failing_model_ends_the_call_with_its_error(model: str, error_type: str) -> None:
    speech = ScriptedSpeech(**{model: ModelBehaviour(failure="broken")})  # type: ignore[arg-type]
    async with conversing(speech, define()) as client:
        await client.initiate()
        speaking = asyncio.create_task(client.speak(said(0.6, 10)))
        code, _ = await client.expect_close(limit_s=15)
        speaking.cancel()
        assert client.of("error")[0]["error_type"] == error_type
    assert code == 1002


async def test_a_slow_language_model_ends_the_call() -> None:
    speech = ScriptedSpeech(thinking=ModelBehaviour(delay_s=30))
    limits = CallLimits(model_s=0.3)
    async with conversing(speech, define(text_only=True), limits=limits) as client:
        await client.initiate()
        await client.send(type="user_message", text="Hello?")
        code, _ = await client.expect_close()
        assert client.of("error")[0]["error_type"] == "llm_timeout"
    assert code == 1002


async def test_a_slow_voice_ends_the_call() -> None:
    speech = ScriptedSpeech(speaking=ModelBehaviour(delay_s=30))
    agent = define(first_message="Hello.")
    async with conversing(speech, agent, limits=CallLimits(voice_s=0.3)) as client:
        await client.initiate()
        code, _ = await client.expect_close()
        assert client.of("error")[0]["error_type"] == "tts_cascade_error"
    assert code == 1002


async def test_a_silent_user_is_spoken_to_once_and_then_let_go() -> None:
    agent = define(turn={"turn_timeout": 0.2, "silence_end_call_timeout": 0.6})
    speech = ScriptedSpeech(replies=["Yes?"])
    async with conversing(speech, agent) as client:
        await client.initiate()
        await client.send(type="user_message", text="Hello?")
        code, reason = await client.expect_close()
        assert len(client.of("agent_response")) == 2
    assert code == 1000
    assert "silent" in str(reason)


async def test_no_key_in_the_environment_leads_to_a_service(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in ("LIVEKIT_API_KEY", "LIVEKIT_API_SECRET", "OPENAI_API_KEY", "ELEVENLABS_API_KEY"):
        monkeypatch.setenv(name, "a-key")
    monkeypatch.setenv("LIVEKIT_URL", "wss://project.livekit.example")
    monkeypatch.setenv("LIVEKIT_INFERENCE_URL", "https://inference.livekit.example")
    asked: list[object] = []
    resolve, connect = socket.getaddrinfo, socket.socket.connect

    def watch_names(host: Any, *arguments: Any, **options: Any) -> Any:
        asked.append(host)
        return resolve(host, *arguments, **options)

    def watch_connections(self: socket.socket, address: Any) -> None:
        asked.append(address[0])
        connect(self, address)

    monkeypatch.setattr(socket, "getaddrinfo", watch_names)
    monkeypatch.setattr(socket.socket, "connect", watch_connections)
    agent = define(first_message=LONG)
    async with conversing(ScriptedSpeech(), agent) as client:
        await client.initiate()
        await client.expect("audio")
        await client.speak(vowels(0.8))
        await client.expect("interruption")
        await client.speak(silence(1.0))
        await client.expect("agent_response", count=2)
    assert {str(name) for name in asked} <= {"127.0.0.1", "localhost", "None"}


def _id_of(event: dict[str, Any]) -> int:
    event_id: int = event["audio_event"]["event_id"]
    return event_id


def _aligned(client: Client) -> str:
    return "".join(
        character
        for sound in client.of("audio")
        for character in (sound.get("alignment") or {"chars": []})["chars"]
    )
