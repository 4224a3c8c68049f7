"""What to install for commands that need more than the client."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from duologue.errors import DuologueError


@contextmanager
def needing(extra: str) -> Iterator[None]:
    """Say what to install if an import within the block finds a package missing.

    Raises:
        DuologueError: names the package and the extra that brings it.
    """
    try:
        yield
    except ModuleNotFoundError as error:
        if error.name is None or error.name.partition(".")[0] == "duologue":
            raise
        raise DuologueError(
            f"an agent on this machine needs the package {error.name}, which is not installed; "
            f"pip install 'duologue[{extra}]' brings it"
        ) from error
