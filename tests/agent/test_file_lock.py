import os
import subprocess
import sys
from pathlib import Path

import pytest

from duologue.agent.file_lock import locked

HOLD = """
import sys
from pathlib import Path
from duologue.agent.file_lock import locked
with locked(Path(sys.argv[1]), limit_seconds=1, on_wait=lambda: None):
    print("held", flush=True)
    sys.stdin.read()
"""


def hold(folder: Path) -> subprocess.Popen[str]:
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(folder)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
    )
    assert holder.stdout is not None
    assert holder.stdout.readline() == "held\n"
    return holder


def test_a_free_lock_is_had_at_once_and_again(tmp_path: Path) -> None:
    waits: list[str] = []
    for _ in range(2):
        with locked(tmp_path, limit_seconds=0, on_wait=lambda: waits.append("waited")):
            pass
    assert waits == []


def test_a_lock_that_another_process_keeps_is_given_up_after_the_limit(tmp_path: Path) -> None:
    waits: list[str] = []
    with hold(tmp_path) as holder:
        with (
            pytest.raises(TimeoutError, match="another process has held"),
            locked(tmp_path, limit_seconds=0.1, on_wait=lambda: waits.append("waited")),
        ):
            pytest.fail("two processes hold one lock")
        holder.communicate()
    assert waits == ["waited"]


def test_a_killed_holder_lets_its_lock_go(tmp_path: Path) -> None:
    with hold(tmp_path) as holder:
        holder.kill()
        holder.wait(5)
        with locked(tmp_path, limit_seconds=0, on_wait=lambda: None):
            pass
