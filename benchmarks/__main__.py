"""Runs every measurement, one after another: `python -m benchmarks [NAME]…`."""

from __future__ import annotations

import subprocess
import sys

NAMES = (
    "turn_latency",
    "transport_latency",
    "barge_in",
    "first_text",
    "first_sound",
    "word_error_rate",
    "capacity",
    "client_cost",
    "resampling",
    "resampled_words",
    "live_sound",
    "live_cpu",
    "echo_cancellation",
    "self_hearing",
    "barge_in_detection",
    "barge_in_through_echo",
)


def main() -> int:
    """Run each in a process of its own, so that none is slowed by what another has loaded."""
    names = sys.argv[1:] or list(NAMES)
    if unknown := set(names) - set(NAMES):
        print(f"there is no benchmark {', '.join(unknown)}; there are {', '.join(NAMES)}")
        return 2
    failed = []
    for name in names:
        print(f"\n== {name}", flush=True)
        finished = subprocess.run([sys.executable, "-m", f"benchmarks.{name}"], check=False)
        if finished.returncode:
            failed.append(name)
    if failed:
        print(f"failed: {', '.join(failed)}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
