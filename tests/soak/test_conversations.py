"""The soak of conversations itself, for ten seconds."""

from __future__ import annotations

import pytest

from soak.conversations import main


@pytest.mark.timeout(120)
def test_conversations_use_no_more_as_they_go_on(capsys: pytest.CaptureFixture[str]) -> None:
    result = main(["--seconds", "12", "--conversations", "5", "--warm-up", "6"])
    printed = capsys.readouterr().out
    assert result == 0, printed
    assert "clients" in printed
    assert "agent" in printed
    assert printed.endswith("nothing has grown\n")
