"""The line that tells where a server listens."""

import pytest

from duologue.agent.parent import announcement, read_announcement


def test_what_is_announced_is_read_back() -> None:
    line = announcement("http://127.0.0.1:1234")
    assert "\n" not in line
    assert read_announcement(line + "\n") == "http://127.0.0.1:1234"


@pytest.mark.parametrize("line", ["", "hello", "[]", "{}", '{"event": "ready"}', '{"url": "x"}'])
def test_other_lines_are_none(line: str) -> None:
    assert read_announcement(line) is None
