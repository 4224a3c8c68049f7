"""Ten rounds of the soak of devices, in a process of its own."""

from __future__ import annotations

import subprocess
import sys

import pytest


@pytest.mark.devices
@pytest.mark.xdist_group("devices")
@pytest.mark.timeout(300)
def test_a_conversation_outlives_its_devices_ten_times_without_leaks_and_in_silence() -> None:
    finished = subprocess.run(
        [sys.executable, "-m", "soak.devices", "--rounds", "10"],
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert finished.returncode == 0, finished.stdout + finished.stderr
    assert "10 rounds: 40 losses" in finished.stdout
    assert finished.stdout.endswith("nothing was lost, nothing has grown\n")
    assert finished.stderr == ""
