"""ElevenLabs' own JavaScript client over WebRTC, in a room with an agent that follows a script."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from duologue.agent.access.keys import KeyFile
from duologue.agent.definition import AgentDefinition
from duologue.agent.settings import LiveKitSettings
from duologue.testing.scripted_speech import ScriptedSpeech
from tests.agent.harness import define, serving
from tests.agent.tool_calling import ARGUMENTS, LIGHT, ToolCallingSpeech
from tests.real.browser_client import BrowserClient, browser_client, write_microphone
from tests.real.livekit_rooms import until_deleted

LONG_REPLY = "This is said for a while, and then for a while more. " * 4


@asynccontextmanager
async def in_a_browser(
    livekit: LiveKitSettings,
    speech: ScriptedSpeech,
    agent: AgentDefinition,
    microphone: Path | None = None,
    **options: Any,
) -> AsyncIterator[BrowserClient]:
    """The client, in a voice conversation over WebRTC.

    Without a `microphone` the user beeps, which the agent takes for speech now and then.
    """
    async with (
        serving(speech, agent, livekit=livekit) as origin,
        browser_client(microphone) as client,
    ):
        outcome = await client.start(
            agentId=agent.agent_id,
            origin=origin,
            livekitUrl=livekit.url,
            connectionType="webrtc",
            **options,
        )
        assert outcome["type"] == "voice", outcome
        yield client


@pytest.fixture
def silent(tmp_path: Path) -> Path:
    """A microphone of a user who says nothing aloud."""
    return write_microphone(tmp_path / "silence.wav")


async def test_a_tool_of_the_client_is_called_and_its_result_told(
    livekit: LiveKitSettings, silent: Path
) -> None:
    agent = define(tools=[LIGHT])
    async with in_a_browser(
        livekit, ToolCallingSpeech(), agent, silent, clientTools={"light": "on"}
    ) as client:
        await client.call("sendUserMessage", "Light!")
        answer = await client.wait_for_message("agent")
        call = await client.wait_for("clientTool")
        response = await client.wait_for("onAgentToolResponse")
    assert answer == "It says: on"
    assert call == {"name": "light", "parameters": ARGUMENTS}
    assert (response["is_error"], response["is_called"]) == (False, True)


async def test_volume_and_muting_are_the_clients_own_affair(livekit: LiveKitSettings) -> None:
    agent = define(first_message=LONG_REPLY * 2)
    async with in_a_browser(livekit, ScriptedSpeech(), agent) as client:
        await client.wait_for_volume("getOutputVolume", above=0.01)
        await client.call("setVolume", {"volume": 0.25})
        assert await client.speaker_volumes() == [0.25]
        await client.call("setMicMuted", True)
        assert await client.call("getInputVolume") == 0
        await client.call("setMicMuted", False)
        await client.wait_for_volume("getInputVolume", above=0)
        await client.call("endSession")
        await client.wait_for("onDisconnect")
    assert client.values("onError") == []
    assert client.page_errors == []


async def test_feedback_and_context_reach_the_server(
    livekit: LiveKitSettings, silent: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", "duologue.agent.call")
    speech = ScriptedSpeech(
        replies=lambda chat: "There is a map." if "a map" in str(chat.items) else "There is none."
    )
    async with in_a_browser(livekit, speech, define(first_message="Hello."), silent) as client:
        await client.wait_for_message("agent")
        await client.call("sendFeedback", True)
        await client.call("sendContextualUpdate", "The user looks at a map.")
        await client.call("sendUserMessage", "What is there?")
        assert await client.wait_for_message("agent", 2) == "There is a map."
    assert "Feedback on event" in caplog.text


async def test_an_agent_that_hangs_up_is_told_as_such(
    livekit: LiveKitSettings, silent: Path
) -> None:
    agent = define(first_message="Goodbye.", turn={"silence_end_call_timeout": 1})
    async with in_a_browser(livekit, ScriptedSpeech(), agent, silent) as client:
        name = client.values("onConnect")[0]["conversationId"]
        end = await client.wait_for("onDisconnect")
        await until_deleted(livekit, name)
    assert end["reason"] == "agent"


async def test_a_private_agent_needs_a_token_from_a_back_end(
    livekit: LiveKitSettings, tmp_path: Path
) -> None:
    keys = KeyFile(tmp_path / "keys.json")
    agent = define("secretive", private=True, first_message="Hello.")
    webrtc = {"livekitUrl": livekit.url, "connectionType": "webrtc"}
    async with (
        serving(ScriptedSpeech(), agent, keys=keys, livekit=livekit) as origin,
        aiohttp.ClientSession() as session,
        browser_client() as client,
    ):
        refused = await client.start(agentId="secretive", origin=origin, **webrtc)
        answer = await session.get(
            f"{origin}/v1/convai/conversation/token",
            params={"agent_id": "secretive"},
            headers={"xi-api-key": keys.create("back end")},
        )
        token = (await answer.json())["token"]
        outcome = await client.start(conversationToken=token, **webrtc)
        assert await client.wait_for_message("agent") == "Hello."
    assert "authentication enabled" in refused["message"]
    assert outcome["type"] == "voice"


async def test_a_server_without_webrtc_says_so() -> None:
    async with (
        serving(ScriptedSpeech(), define()) as origin,
        browser_client() as client,
    ):
        outcome = await client.start(agentId="test", origin=origin, connectionType="webrtc")
    assert "501" in outcome["message"]
    assert "This server has no WebRTC" in outcome["message"]
