"""What options do to the start of a session, and to its end."""

from __future__ import annotations

import asyncio
import ssl
import time
from collections.abc import Callable
from typing import Any

import pytest
import wakepy

from duologue.audio.devices import live
from duologue.connection.http.endpoints import version
from duologue.conversation import Conversation, Overrides
from duologue.dialogue.values import DeviceChange
from duologue.errors import DeviceError, SessionConnectionError
from duologue.protocol.client_messages import ConversationInitiation, EnclaveSetup, SourceInfo
from duologue.testing.scripted_agent import ScriptedAgent, ScriptedCall
from tests.connection.network import (
    HOST,
    go_through,
    port_of,
    proxy,
    tls_in_front_of,
    trusting_context,
)
from tests.conversation.fakes import Log, ManualSink, ManualSource, eventually


@pytest.fixture(autouse=True)
def empty_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("DUOLOGUE_ORIGIN", "DUOLOGUE_API_KEY", "ELEVENLABS_API_KEY"):
        monkeypatch.delenv(name, raising=False)


async def talk(call: ScriptedCall) -> None:
    await call.begin()
    await call.receive_until_gone()


async def test_what_is_asked_for_arrives_at_the_server() -> None:
    overrides: Overrides = {
        "agent": {
            "prompt": {"prompt": "Be brief.", "llm": "m"},
            "first_message": "",
            "language": "fr",
            "native_mcp_server_ids": ["files"],
        },
        "tts": {"voice_id": "v", "speed": 1.1, "stability": 0.5, "similarity_boost": 0.7},
        "asr": {"keywords": ["Lyon"]},
        "conversation": {"client_events": ["audio", "vad_score"]},
    }
    async with (
        ScriptedAgent(talk) as agent,
        Conversation.start_session(
            agent_id="agent/1 ü&x",
            origin=agent.origin,
            environment="staging & more",
            authorization="token",
            overrides=overrides,
            dynamic_variables={"name": "Zoë"},
            custom_llm_extra_body={"temperature": 0},
            tool_mock_config={"mocking_strategy": "all"},
            user_id="me",
            microphone=ManualSource(),
            speaker=ManualSink(),
        ),
    ):
        [call] = agent.calls
    assert call.query == {
        "agent_id": "agent/1 ü&x",
        "source": "duologue",
        "version": version(),
        "environment": "staging & more",
    }
    assert call.subprotocols == ["convai", "bearer.token"]
    assert call.received == [
        ConversationInitiation(
            conversation_config_override=dict(overrides),
            custom_llm_extra_body={"temperature": 0},
            dynamic_variables={"name": "Zoë"},
            user_id="me",
            source_info=SourceInfo(source="duologue", version=version()),
            tool_mock_config={"mocking_strategy": "all"},
        )
    ]


async def test_what_is_not_asked_for_is_not_sent() -> None:
    async with (
        ScriptedAgent(talk) as agent,
        Conversation.start_session(
            agent_id="a", origin=agent.origin, microphone=ManualSource(), speaker=ManualSink()
        ),
    ):
        [call] = agent.calls
    introduction = SourceInfo(source="duologue", version=version())
    assert call.received == [ConversationInitiation(source_info=introduction)]
    assert call.query == {"agent_id": "a", "source": "duologue", "version": version()}


async def test_an_orchestrator_is_called_at_its_url_and_told_what_to_run_first() -> None:
    log = Log()
    async with (
        ScriptedAgent(talk) as agent,
        Conversation.start_session(
            orchestrator={
                "url": f"{agent.origin}/v1/convai/conversation?tenant=1",
                "agent_config": {"name": "a"},
            },
            text_only=True,
            **log.options("on_outgoing_event"),
        ) as conversation,
    ):
        await eventually(lambda: len(log.calls) == 2)
        assert conversation.is_open()
    [call] = agent.calls
    assert call.query == {"tenant": "1"}
    assert call.subprotocols == []
    setup, initiation = call.received
    assert setup == EnclaveSetup(agent_config_dict={"name": "a"})
    assert isinstance(initiation, ConversationInitiation)
    assert log.of("on_outgoing_event") == [setup, initiation]


async def test_an_orchestrators_url_is_shown_nowhere(unused_tcp_port: int) -> None:
    start = Conversation.start_session(
        orchestrator={"url": f"ws://127.0.0.1:{unused_tcp_port}/?token=secret"}, text_only=True
    )
    with pytest.raises(SessionConnectionError) as raised:
        await start
    assert "secret" not in f"{start!r} {raised.value!r}"


async def test_the_time_for_connecting_begins_after_the_delay() -> None:
    started_s = time.monotonic()
    async with (
        ScriptedAgent(talk) as agent,
        Conversation.start_session(
            agent_id="a",
            origin=agent.origin,
            text_only=True,
            connection_delay=1.0,
            connect_timeout=1.0,
        ) as conversation,
    ):
        assert conversation.is_open()
        assert time.monotonic() - started_s >= 1.0


async def test_a_delayed_start_can_be_cancelled_before_it_connects() -> None:
    log = Log()
    async with ScriptedAgent(talk) as agent:
        start = asyncio.ensure_future(
            Conversation.start_session(
                agent_id="a",
                origin=agent.origin,
                text_only=True,
                connection_delay=60,
                **log.options("on_status_change"),
            )
        )
        await eventually(lambda: log.calls)
        start.cancel()
        with pytest.raises(asyncio.CancelledError):
            await start
        assert agent.calls == []
    assert log.of("on_status_change") == ["connecting", "disconnected"]


async def test_a_conversation_over_tls_trusts_whom_its_context_trusts(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with (
        ScriptedAgent(talk) as agent,
        tls_in_front_of(port_of(agent.origin)) as port,
        proxy({f"{HOST}:443": port}) as way,
    ):
        go_through(way.url, monkeypatch)

        def start(context: ssl.SSLContext) -> Any:
            return Conversation.start_session(
                agent_id="a", origin=f"wss://{HOST}", text_only=True, ssl_context=context
            )

        async with start(trusting_context()) as conversation:
            assert conversation.is_open()
        with pytest.raises(SessionConnectionError, match="certificate is not trusted"):
            await start(ssl.create_default_context())


def held() -> list[wakepy.Mode]:
    return [mode for mode in wakepy.global_modes() if mode.active]


@pytest.mark.parametrize("wanted", [True, False])
async def test_the_screen_stays_on_during_a_spoken_conversation_if_that_is_wanted(
    wanted: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WAKEPY_FAKE_SUCCESS", "1")
    before = held()
    async with (
        ScriptedAgent(talk) as agent,
        Conversation.start_session(
            agent_id="a",
            origin=agent.origin,
            microphone=ManualSource(),
            speaker=ManualSink(),
            use_wake_lock=wanted,
        ),
    ):
        if wanted:
            await eventually(lambda: len(held()) == len(before) + 1)
        assert len(held()) == len(before) + wanted
    assert held() == before


async def test_the_screen_is_let_go_if_the_start_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WAKEPY_FAKE_SUCCESS", "1")
    before = held()

    def fail() -> None:
        deadline_s = time.monotonic() + 5
        while len(held()) == len(before) and time.monotonic() < deadline_s:
            time.sleep(0.002)
        assert len(held()) == len(before) + 1
        raise DeviceError("no such device")

    async with ScriptedAgent(talk) as agent:
        with pytest.raises(DeviceError, match="no such device"):
            await Conversation.start_session(
                agent_id="a",
                origin=agent.origin,
                microphone=ManualSource(),
                speaker=ManualSink(start=fail),
            )
    assert held() == before


class UnknownMicrophone(ManualSource):
    """A microphone of an id that the system does not know."""

    def __init__(self, device_id: str | None, *, sample_rate_hz: int, period_ms: int) -> None:
        super().__init__(sample_rate_hz, start=self._tell)
        self.changed: Callable[[DeviceChange], None] = lambda change: None
        self._reason = f"There is no microphone {device_id!r}."

    def switch(self, device_id: str | None, *, device_rate_hz: int | None = None) -> None:
        raise NotImplementedError

    def _tell(self) -> None:
        self.changed(DeviceChange(kind="microphone", device_id=None, reason=self._reason))


async def test_a_device_that_is_not_there_is_told_after_the_connect(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(live, "LiveMicrophone", UnknownMicrophone)
    log = Log()
    async with (
        ScriptedAgent(talk) as agent,
        Conversation.start_session(
            agent_id="a",
            origin=agent.origin,
            input_device_id="usb",
            speaker=ManualSink(),
            **log.options("on_connect", "on_device_change", "on_error"),
        ) as conversation,
    ):
        await eventually(lambda: len(log.calls) == 2)
        assert conversation.is_open()
    assert log.calls == [
        ("on_connect", "conv_scripted"),
        (
            "on_device_change",
            DeviceChange(kind="microphone", device_id=None, reason="There is no microphone 'usb'."),
        ),
    ]
