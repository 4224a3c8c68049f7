"""What tests start heeds Ctrl-C, however the tests were started."""

import subprocess
import sys

import pytest

PROGRAM = """
import subprocess, sys
import tests.conftest

CHILD = "import signal; print(signal.getsignal(signal.SIGINT) is signal.default_int_handler)"
subprocess.run([sys.executable, "-c", CHILD], check=True)
"""


@pytest.mark.parametrize("shell", ["exec", "trap '' INT; exec"])
def test_a_child_heeds_ctrl_c_also_where_the_tests_ignore_it(
    shell: str, pytestconfig: pytest.Config
) -> None:
    finished = subprocess.run(
        ["sh", "-c", f'{shell} "$@"', "sh", sys.executable, "-c", PROGRAM],
        cwd=pytestconfig.rootpath,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (finished.stdout, finished.stderr) == ("True\n", "")
