"""How a server tells the program that started it where it listens: one line of JSON."""

from __future__ import annotations

import json


def announcement(url: str) -> str:
    """The line for a server that now answers at this URL."""
    return json.dumps({"event": "ready", "url": url})


def read_announcement(line: str) -> str | None:
    """The URL in such a line, or None if the line is something else."""
    try:
        message = json.loads(line)
    except ValueError:
        return None
    if isinstance(message, dict) and message.get("event") == "ready":
        url = message.get("url")
        return url if isinstance(url, str) else None
    return None
