"""What holds for all tests: the same examples every time, and Ctrl-C wherever they were started."""

from __future__ import annotations

import signal

import pytest
from hypothesis import HealthCheck, settings

from duologue.connection.websocket import opening

# Tests run with the socket that everybody has. Those that have to do with picows's ask for it, and
# the programs that tests start take it as a user's would.
opening.HAS_PICOWS = False

# Examples that follow from the test itself, so that it gives the same answer every time; and no
# limit in time for one of them, because the machine may be busy. `make test-steady` takes others.
settings.register_profile(
    "same",
    derandomize=True,
    deadline=None,
    database=None,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.register_profile("other", settings.get_profile("same"), derandomize=False)
settings.load_profile("same")


@pytest.fixture(params=[False, True], ids=["aiohttp", "picows"])
def each_websocket(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> bool:
    """Does a test with each of the two libraries for WebSockets; true for picows."""
    has_picows: bool = request.param
    monkeypatch.setattr(opening, "HAS_PICOWS", has_picows)
    return has_picows


def heed_ctrl_c_in_children() -> None:
    """Let programs that tests start heed SIGINT, also where this process ignores it.

    A shell starts a job in the background so, and many a supervisor; whoever ignores a signal hands
    that on to all programs that it starts. A handler is not handed on. This one does nothing: the
    tests themselves go on ignoring the signal.
    """
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, lambda number, frame: None)


heed_ctrl_c_in_children()
