"""The application starts its models before the first call and frees them after the last."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from duologue.agent.app import create_app
from duologue.agent.definition import AgentDefinition
from duologue.agent.settings import LiveKitSettings
from duologue.errors import ModelError
from duologue.testing.scripted_speech import ScriptedSpeech


class RecordedSpeech(ScriptedSpeech):
    def __init__(self, failure: Exception | None = None) -> None:
        super().__init__()
        self.calls: list[str] = []
        self._failure = failure

    async def start(self) -> None:
        self.calls.append("start")
        if self._failure is not None:
            raise self._failure

    async def close(self) -> None:
        self.calls.append("close")


async def test_models_live_as_long_as_the_application() -> None:
    speech = RecordedSpeech()
    app = create_app({}, speech)
    async with app.router.lifespan_context(app):
        assert speech.calls == ["start"]
    assert speech.calls == ["start", "close"]


async def test_why_it_could_not_start_is_kept() -> None:
    error = ModelError("damaged")
    app = create_app({}, RecordedSpeech(error))
    with pytest.raises(ModelError):
        async with app.router.lifespan_context(app):
            pass
    assert app.state.start_error is error


@pytest.mark.parametrize("holds_room_calls", [True, False])
async def test_calls_over_webrtc_are_held_here_or_left_to_others(
    holds_room_calls: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    workers: list[LiveKitSettings] = []

    @asynccontextmanager
    async def room_worker(
        _agents: object, _calls: object, livekit: LiveKitSettings, _rooms: object
    ) -> AsyncIterator[None]:
        workers.append(livekit)
        yield

    monkeypatch.setattr("duologue.agent.app.room_worker", room_worker)
    livekit = LiveKitSettings("ws://127.0.0.1:9", "key", "secret")
    app = create_app({}, ScriptedSpeech(), livekit=livekit, holds_room_calls=holds_room_calls)
    async with app.router.lifespan_context(app):
        assert workers == ([livekit] if holds_room_calls else [])


async def test_a_model_that_no_way_leads_to_is_told_at_the_start(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("ALL_PROXY", "socks5://127.0.0.1:1")
    monkeypatch.delenv("NO_PROXY", raising=False)
    custom_llm = {"url": "https://models.example/v1", "model_id": "m"}
    definition = AgentDefinition.model_validate(
        {
            "agent_id": "a",
            "conversation_config": {"agent": {"prompt": {"custom_llm": custom_llm}}},
        }
    )
    app = create_app({"a": definition}, ScriptedSpeech())
    with pytest.raises(ModelError, match=r"models\.example .* SOCKS"):
        async with app.router.lifespan_context(app):
            pass
    assert isinstance(app.state.start_error, ModelError)
