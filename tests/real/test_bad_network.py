"""A conversation over WebRTC while the network between both sides is bad, or gone."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from duologue.agent.parent import read_announcement
from tests.real.bad_network import BadNetwork, bad_network
from tests.real.network_pattern import OUTAGE, PERFECT, Impairment
from tests.real.remote_caller import RemoteCaller, calling_from
from tests.real.speech import Listener, SpokenSentences
from tests.real.understanding import assert_answered, is_like
from tests.real.waiting import eventually

pytestmark = pytest.mark.xdist_group("bad network")

RATE_HZ = 48_000
SEED = 5
QUESTION = "What color is the sky?"
BAD = Impairment(loss=0.1, jitter_ms=80)
STOP_LIMIT_S = 30.0
QUIET_S = 1.0
"""The agent pauses for less between two sentences."""


@pytest.fixture(scope="module")
def joined() -> Iterator[BadNetwork]:
    with bad_network(SEED) as network:
        yield network


@pytest.fixture
def network(joined: BadNetwork) -> Iterator[BadNetwork]:
    """A network that is perfect until a test makes it bad."""
    yield joined
    joined.impair(PERFECT)


@pytest.fixture(scope="module")
def agent_url(joined: BadNetwork, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """LiveKit and the agent on one side of the network, and where they are."""
    folder = tmp_path_factory.mktemp("network-agent")
    near = joined.near
    command = [sys.executable, "-m", "tests.real.network_agent", near.address, str(folder)]
    with subprocess.Popen(
        [*near.enter, *command], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        # It gives up by itself where it does not start, and then says nothing.
        url = read_announcement(process.stdout.readline().decode())
        assert url is not None, f"no agent; {folder} has the logs"
        yield url
        process.stdin.close()
        assert process.wait(STOP_LIMIT_S) == 0


async def test_a_conversation_is_understood_where_packets_are_lost_and_overtake_each_other(
    network: BadNetwork,
    agent_url: str,
    tmp_path: Path,
    spoken: SpokenSentences,
    transcribe: Listener,
) -> None:
    async with calling_from(network.far, tmp_path, agent_url, "guide") as caller:
        network.impair(BAD)
        lost, sent = lost_and_sent(network)
        await caller.expect_message("agent", count=1)
        await until_said(caller)
        greeting = transcribe(await caller.heard(), RATE_HZ)
        asked_at_s = time.monotonic()
        caller.speak(spoken(QUESTION, RATE_HZ))
        question = await caller.expect_message("user", count=1)
        answer = await caller.expect_message("agent", count=2)
        await until_said(caller, since_s=asked_at_s)
        heard = transcribe(await caller.heard(), RATE_HZ)
        lost_now, sent_now = lost_and_sent(network)
    assert is_like(caller.messages("agent")[0], greeting)
    assert_answered(QUESTION, question, answer, "blue")
    assert is_like(answer, heard)
    assert sent_now - sent > 300
    assert (lost_now - lost) / (sent_now - sent) == pytest.approx(BAD.loss, abs=0.05)
    assert left_behind(caller) == {}


async def test_five_seconds_of_nothing_are_told_and_then_it_goes_on(
    network: BadNetwork, agent_url: str, tmp_path: Path, spoken: SpokenSentences
) -> None:
    async with calling_from(network.far, tmp_path, agent_url, "guide") as caller:
        await caller.expect_message("agent", count=1)
        await until_said(caller)
        await outage(network, 5.0)
        await caller.expect("reconnected")
        asked_at_s = time.monotonic()
        caller.write("Two and two?")
        await caller.expect_message("agent", count=2)
        await until_said(caller, since_s=asked_at_s)
        caller.speak(spoken(QUESTION, RATE_HZ))
        question = await caller.expect_message("user", count=1)
        answer = await caller.expect_message("agent", count=3)
    assert_answered(QUESTION, question, answer, "blue")
    assert [told.what for told in caller.told if told.what.startswith("reconnect")] == [
        "reconnecting",
        "reconnected",
    ]
    assert [told.more["reason"] for told in caller.of("ended")] == ["user"]
    assert left_behind(caller) == {}


async def test_what_is_said_during_an_outage_arrives_after_it(
    network: BadNetwork, agent_url: str, tmp_path: Path
) -> None:
    async with calling_from(network.far, tmp_path, agent_url, "guide") as caller:
        await caller.expect_message("agent", count=1)
        network.impair(OUTAGE)
        caller.write(QUESTION)
        await caller.expect("reconnecting")
        network.impair(PERFECT)
        assert "blue" in await caller.expect_message("agent", count=2)


@pytest.mark.waits
@pytest.mark.timeout(300)
async def test_sixty_seconds_of_nothing_end_it_with_an_error_and_nothing_stays(
    network: BadNetwork, agent_url: str, tmp_path: Path
) -> None:
    async with calling_from(network.far, tmp_path, agent_url, "guide") as caller:
        await caller.expect_message("agent", count=1)
        began_s = time.monotonic()
        network.impair(OUTAGE)
        end = await caller.expect("ended", limit_s=60.0)
        await asyncio.sleep(began_s + 60.0 - time.monotonic())
        network.impair(PERFECT)
        assert [told.what for told in caller.told if told.what.startswith("reconnect")] == [
            "reconnecting"
        ]
        assert end.more["reason"] == "error"
        assert end.more["context"] == {"type": "connection_state_changed"}
        assert "not there again" in end.more["message"]
        # All of ours is gone at once; LiveKit's own waits for an answer to its last attempt.
        left = caller.of("left")[0].more["behind"]
        assert left.pop("tasks", []) == ["Room._listen_task", "Room.disconnect"]
        assert len(left.pop("sockets", [])) <= 1
        assert left == {}
    assert left_behind(caller) == {}


async def test_a_server_that_moves_the_conversation_away_is_followed(
    network: BadNetwork, agent_url: str, tmp_path: Path, spoken: SpokenSentences
) -> None:
    async with calling_from(network.far, tmp_path, agent_url, "guide") as caller:
        await caller.expect_message("agent", count=1)
        await until_said(caller)
        caller.simulate("SIMULATE_MIGRATION")
        await caller.expect("reconnected")
        caller.speak(spoken(QUESTION, RATE_HZ))
        question = await caller.expect_message("user", count=1)
        answer = await caller.expect_message("agent", count=2)
        await caller.expect("speaking", count=2)
    assert_answered(QUESTION, question, answer, "blue")
    assert [told.more["reason"] for told in caller.of("ended")] == ["user"]
    assert left_behind(caller) == {}


async def test_a_server_that_lets_the_user_go_has_ended_the_conversation(
    network: BadNetwork, agent_url: str, tmp_path: Path
) -> None:
    async with calling_from(network.far, tmp_path, agent_url, "guide") as caller:
        await caller.expect_message("agent", count=1)
        caller.simulate("SIMULATE_SERVER_LEAVE")
        end = await caller.expect("ended")
    assert end.more["reason"] == "agent"
    assert "SERVER_SHUTDOWN" in end.more["context"]["reason"]
    assert caller.of("reconnecting") == []
    assert left_behind(caller) == {}


async def outage(network: BadNetwork, duration_s: float) -> None:
    """Let nothing through for so long."""
    network.impair(OUTAGE)
    await asyncio.sleep(duration_s)
    network.impair(PERFECT)


async def until_said(caller: RemoteCaller, *, since_s: float = 0.0) -> None:
    """Wait until the agent has spoken since a time, and then been silent for a second."""

    def is_said() -> bool:
        told = [one for one in caller.told if one.what in ("speaking", "listening")]
        has_spoken = any(one.what == "speaking" and one.at_s > since_s for one in told)
        is_silent = has_spoken and told[-1].what == "listening"
        return is_silent and time.monotonic() - told[-1].at_s > QUIET_S

    await eventually(is_said, "the end of what the agent says", limit_s=30)


def lost_and_sent(network: BadNetwork) -> tuple[int, int]:
    """How many packets were lost so far, and how many were sent."""
    lost = sum(lane.lost for lane in network.lanes)
    return lost, lost + sum(lane.passed for lane in network.lanes)


def left_behind(caller: RemoteCaller) -> object:
    """What the client's process still had alive after its conversation."""
    return caller.of("left")[-1].more["behind"]
