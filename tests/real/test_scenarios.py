"""The scenarios of tests/scenarios by the client, over WebRTC: the same scripts, in a real room."""

from __future__ import annotations

from functools import partial

import pytest

from duologue.agent.settings import LiveKitSettings
from duologue.testing import ScriptedAgent
from tests.scenarios.by_client import in_a_room, perform
from tests.scenarios.catalogue import SCENARIOS
from tests.scenarios.media import Track


@pytest.mark.parametrize("name", SCENARIOS)
async def test_the_same_follows_in_a_room(name: str, livekit: LiveKitSettings) -> None:
    scenario = SCENARIOS[name].in_a_room
    outcome = await perform(scenario, partial(ScriptedAgent, livekit=livekit), in_a_room, Track())
    assert outcome == scenario.expected
