from __future__ import annotations

import pytest

from duologue.connection.websocket import opening
from duologue.testing import MemoryAgent, ScriptedAgent, VirtualClock
from tests.scenarios.by_client import perform
from tests.scenarios.catalogue import SCENARIOS


@pytest.mark.parametrize("name", SCENARIOS)
async def test_the_same_follows_over_a_real_socket(name: str) -> None:
    assert await perform(SCENARIOS[name], ScriptedAgent) == SCENARIOS[name].expected


@pytest.mark.parametrize("name", SCENARIOS)
async def test_the_same_follows_over_a_socket_of_picows(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(opening, "HAS_PICOWS", True)
    assert await perform(SCENARIOS[name], ScriptedAgent) == SCENARIOS[name].expected


@pytest.mark.parametrize("name", SCENARIOS)
def test_the_same_follows_in_memory(name: str) -> None:
    outcome = VirtualClock().run(perform(SCENARIOS[name], MemoryAgent))
    assert outcome == SCENARIOS[name].expected
