from __future__ import annotations

import pytest

from duologue.agent.speech.thinking.addresses import is_loopback


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "127.9.9.9", "::1"])
def test_this_machine_is_loopback(host: str) -> None:
    assert is_loopback(host)


@pytest.mark.parametrize("host", ["", "h", "localhost.example", "10.0.0.1", "::2"])
def test_another_is_not(host: str) -> None:
    assert not is_loopback(host)
