"""All scenarios, by their names."""

from __future__ import annotations

from tests.scenarios import endings, handed_on, requests, strangers, turns

SCENARIOS = {
    **turns.SCENARIOS,
    **endings.SCENARIOS,
    **requests.SCENARIOS,
    **handed_on.SCENARIOS,
    **strangers.SCENARIOS,
}
