from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.scenarios.by_rules import perform
from tests.scenarios.catalogue import SCENARIOS

ROOT = Path(__file__).parents[2]

PROGRAM = """
import sys
from tests.scenarios.by_rules import perform
from tests.scenarios.catalogue import SCENARIOS
for scenario in SCENARIOS.values():
    assert perform(scenario) == scenario.expected
print(len(SCENARIOS), [name for name in ("asyncio", "threading") if name in sys.modules])
"""


@pytest.mark.parametrize("name", SCENARIOS)
def test_the_rules_alone_lead_to_what_is_expected(name: str) -> None:
    assert perform(SCENARIOS[name]) == SCENARIOS[name].expected


def test_no_event_loop_is_even_loaded() -> None:
    result = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": os.pathsep.join([str(ROOT), *filter(None, sys.path)])},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert result.returncode == 0, result.stderr
    assert result.stdout.strip() == f"{len(SCENARIOS)} []"
