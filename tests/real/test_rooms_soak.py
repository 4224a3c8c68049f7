"""The soak of rooms, for thirty conversations, in a process of its own."""

from __future__ import annotations

import subprocess
import sys

import pytest


@pytest.mark.timeout(240)
def test_conversations_over_webrtc_leave_nothing_behind() -> None:
    finished = subprocess.run(
        [sys.executable, "-m", "soak.rooms", "--sessions", "30"],
        capture_output=True,
        text=True,
        timeout=200,
        check=False,
    )
    assert finished.returncode == 0, finished.stdout + finished.stderr
    assert finished.stdout.endswith("nothing is left, nothing has grown\n")
