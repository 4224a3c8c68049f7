"""A program that ends with whoever has started it."""

from __future__ import annotations

import os
import subprocess
import sys
import time

import pytest

TIED = [sys.executable, "-m", "duologue.agent.tied_process", sys.executable, "-c"]
SLEEPER = "import os, time; print(os.getpid(), flush=True); time.sleep(60)"
STUBBORN = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); " + SLEEPER
PARENT = f"""
import os, subprocess, sys
process = subprocess.Popen({TIED!r} + [{SLEEPER!r}], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
print(process.stdout.readline().decode(), flush=True)
os._exit(9)
"""


def wait_for_end(pid: int) -> None:
    give_up_at_s = time.monotonic() + 20
    while time.monotonic() < give_up_at_s:
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return
        time.sleep(0.02)
    pytest.fail(f"the process {pid} is still there")


@pytest.mark.parametrize("code", [SLEEPER, STUBBORN], ids=["willing", "stubborn"])
def test_it_ends_when_its_input_ends(code: str) -> None:
    with subprocess.Popen([*TIED, code], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        pid = int(process.stdout.readline())
        process.stdin.close()
        assert process.wait(20) != 0
        wait_for_end(pid)


def test_it_ends_when_its_parent_dies_without_a_word() -> None:
    done = subprocess.run(
        [sys.executable, "-c", PARENT], stdout=subprocess.PIPE, timeout=30, check=False
    )
    assert done.returncode == 9
    wait_for_end(int(done.stdout))


def test_it_gives_the_programs_exit_code() -> None:
    with subprocess.Popen([*TIED, "raise SystemExit(3)"], stdin=subprocess.PIPE) as process:
        assert process.wait(30) == 3
