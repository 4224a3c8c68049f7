"""The engine of a call: how models' failures become ends, and what its closing leaves."""

from __future__ import annotations

from dataclasses import replace

import pytest
from livekit.agents import APIConnectionError, APITimeoutError
from livekit.agents.llm import ChatContext

from duologue.agent.call.engine.session import end_for
from duologue.agent.speech.stack import CallSpeechOptions, SessionParts
from duologue.testing.scripted_speech import ScriptedSpeech
from tests.agent.harness import conversing, define, until


@pytest.mark.parametrize(
    ("error_type", "cause", "told"),
    [
        ("llm_error", APIConnectionError("refused"), "llm_error"),
        ("llm_error", APITimeoutError("slow"), "llm_timeout"),
        ("stt_error", ValueError(), "asr_transcription_error"),
        ("tts_error", ValueError(), "tts_cascade_error"),
        ("realtime_model_error", ValueError(), "unknown_websocket_crash"),
    ],
)
def test_a_failure_has_the_name_that_the_contract_gives_it(
    error_type: str, cause: Exception, told: str
) -> None:
    assert end_for(error_type, cause).error_type == told


class RecordedParts(SessionParts):
    closed = 0

    async def close(self) -> None:
        await super().close()
        RecordedParts.closed += 1


class RecordedSpeech(ScriptedSpeech):
    def session_parts(self, options: CallSpeechOptions) -> SessionParts:
        parts = super().session_parts(options)
        return RecordedParts(**{name: getattr(parts, name) for name in parts.__dataclass_fields__})


class BrokenSpeech(ScriptedSpeech):
    def session_parts(self, options: CallSpeechOptions) -> SessionParts:
        raise RuntimeError("a mistake of ours")


async def test_the_parts_of_a_call_are_closed_with_it() -> None:
    RecordedParts.closed = 0
    async with conversing(RecordedSpeech(), define(first_message="Hello.")) as client:
        await client.initiate()
        await client.expect("audio")
        await client.socket.close()
        await until(lambda: RecordedParts.closed == 1)


async def test_a_mistake_of_ours_is_told_as_such() -> None:
    async with conversing(BrokenSpeech(), define()) as client:
        await client.initiate()
        code, _ = await client.expect_close()
        assert client.of("error")[0]["error_type"] == "unknown_websocket_crash"
    assert code == 1011


class SlowReader(ScriptedSpeech):
    """A stack whose language model had better be given its instructions early."""

    def __init__(self) -> None:
        self.asked: list[list[str]] = []
        super().__init__(replies=self._note)

    def session_parts(self, options: CallSpeechOptions) -> SessionParts:
        return replace(super().session_parts(options), reads_slowly=True)

    def _note(self, chat: ChatContext) -> str:
        self.asked.append([item.text_content or "" for item in chat.messages()])
        return "Yes."


async def test_a_model_that_reads_slowly_is_given_the_beginning_before_the_user_speaks() -> None:
    speech = SlowReader()
    agent = define(prompt="Be very brief.", first_message="Good morning.")
    async with conversing(speech, agent) as client:
        await client.initiate()
        await until(lambda: len(speech.asked) == 1)
    assert speech.asked[0][:2] == ["Be very brief.", "Good morning."]


async def test_a_written_greeting_comes_even_if_the_user_writes_at_once() -> None:
    agent = define(first_message="Hello.", text_only=True)
    async with conversing(ScriptedSpeech(replies=["Four."]), agent) as client:
        await client.initiate()
        await client.send(type="user_message", text="Two and two?")
        await client.expect("agent_response", count=2)
    assert [said["agent_response"] for said in client.of("agent_response")] == ["Hello.", "Four."]
