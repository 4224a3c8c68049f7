"""The command `duologue`, also as `python -m duologue`."""

from __future__ import annotations

import sys


def main() -> None:
    """Run the command. Ctrl-C while it is still being loaded ends it without a traceback."""
    try:
        from duologue.cli.main import main as run

        run()
    except KeyboardInterrupt:
        sys.exit(130)  # what shells expect of a program that Ctrl-C has ended


if __name__ == "__main__":
    main()
