"""A conversation on real devices that are switched, unplugged and killed: does it outlive them all?

    python -m soak devices [--rounds 50]

The devices are those of a PulseAudio of its own, the agent talks without end. Printed: what the
process used after each round, how fast losses were noticed, and what has failed or grown. Exits
with 1 if anything has, or if a library has written to the terminal.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from collections.abc import Sequence
from typing import Final

ROUND_LIMIT_S: Final = 30.0
"""How long a round may take on a machine that is busy; otherwise it is 4 s."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the soak; return the exit code."""
    rounds = _options(arguments).rounds
    finished = subprocess.run(
        [sys.executable, "-X", "faulthandler", "-m", "soak.device_rounds", str(rounds)],
        stderr=subprocess.PIPE,
        text=True,
        timeout=rounds * ROUND_LIMIT_S,
        check=False,
    )
    if finished.stderr:
        print(f"this was written to the terminal:\n{finished.stderr}")
    if finished.returncode not in (0, 1):
        print(f"it has crashed: {finished.returncode}")
    return 1 if finished.returncode or finished.stderr else 0


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="soak devices", description=__doc__.splitlines()[0] if __doc__ else None
    )
    parser.add_argument("--rounds", type=int, default=50)
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
