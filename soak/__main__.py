"""Runs every soak, one after another, or one of them: `python -m soak [NAME [OPTION]…]`."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence

NAMES = ("conversations", "devices", "many", "rooms")


def main(arguments: Sequence[str]) -> int:
    """Run each in a process of its own, so that none measures what another has left."""
    names, options = (arguments[:1], arguments[1:]) if arguments else (NAMES, ())
    if unknown := set(names) - set(NAMES):
        print(f"there is no soak {', '.join(unknown)}; there are {', '.join(NAMES)}")
        return 2
    failed = []
    for name in names:
        print(f"\n== {name}", flush=True)
        finished = subprocess.run([sys.executable, "-m", f"soak.{name}", *options], check=False)
        if finished.returncode:
            failed.append(name)
    if failed:
        print(f"failed: {', '.join(failed)}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
