"""WebRTC behind a firewall that lets no UDP through, though the LiveKit server offers it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

LIMIT_S = 60.0

WITHOUT_UDP = """
ip link set lo up
ip link add end type veth peer name other
ip address add 10.0.0.1/24 dev end
ip link set end up
ip link set other up
ip route add default dev end
ip rule add priority 100 table local
ip rule del priority 0
ip rule add priority 10 ipproto udp blackhole
exec "$@"
"""


def run_without_udp(folder: Path, what: str) -> subprocess.CompletedProcess[str]:
    """Run `without_udp` in a network with this machine in it alone, where UDP goes nowhere."""
    return subprocess.run(
        [
            *("unshare", "--user", "--map-root-user", "--net"),
            *("--pid", "--fork", "--kill-child"),  # or a LiveKit server would outlive the limit
            *("sh", "-ec", WITHOUT_UDP, "sh"),
            *(sys.executable, "-m", "tests.real.without_udp", str(folder), what),
        ],
        env=os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        timeout=LIMIT_S,
        check=False,
    )


def test_where_udp_is_blocked_the_call_goes_over_tcp(tmp_path: Path) -> None:
    finished = run_without_udp(tmp_path, "call")
    assert finished.returncode == 0, finished.stderr
    log = (tmp_path / "livekit.log").read_text()
    assert '"connectionType": "tcp"' in log
    assert '"connectionType": "udp"' not in log


def test_where_there_is_no_tcp_either_it_says_what_to_try(tmp_path: Path) -> None:
    finished = run_without_udp(tmp_path, "refusal")
    assert finished.returncode == 0, finished.stderr
    assert "connection_type='websocket'" in finished.stdout
