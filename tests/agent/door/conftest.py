from __future__ import annotations

import pytest

from duologue.agent.door import lingering


@pytest.fixture(autouse=True)
def _short_lingering(monkeypatch: pytest.MonkeyPatch) -> None:
    """A server that ends waits for connections that linger."""
    monkeypatch.setattr(lingering, "LINGER_S", 0.2)
