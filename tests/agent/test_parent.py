"""The line that tells where a server listens, and the pipe whose end is the server's."""

import signal
import subprocess
import sys

import pytest

from duologue.agent.parent import announcement, read_announcement


def test_what_is_announced_is_read_back() -> None:
    line = announcement("http://127.0.0.1:1234")
    assert "\n" not in line
    assert read_announcement(line + "\n") == "http://127.0.0.1:1234"


@pytest.mark.parametrize("line", ["", "hello", "[]", "{}", '{"event": "ready"}', '{"url": "x"}'])
def test_other_lines_are_none(line: str) -> None:
    assert read_announcement(line) is None


TIED = """
import sys, time
from duologue.agent.parent import interrupt_at_end_of

try:
    interrupt_at_end_of(sys.stdin.fileno())
    while True:
        print("goes on", flush=True)
        time.sleep(0.05)
except KeyboardInterrupt:
    print("interrupted", flush=True)
"""


@pytest.mark.parametrize("shell", ["exec", "trap '' INT; exec"])
def test_a_process_is_interrupted_when_its_pipe_ends_also_where_it_ignores_ctrl_c(
    shell: str,
) -> None:
    command = ["sh", "-c", f'{shell} "$@"', "sh", sys.executable, "-c", TIED]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"goes on\n"
        if "trap" in shell:
            process.send_signal(signal.SIGINT)
            assert [process.stdout.readline() for _ in range(5)] == [b"goes on\n"] * 5
        output, _ = process.communicate(timeout=20)
    assert output.endswith(b"interrupted\n")
    assert process.returncode == 0
