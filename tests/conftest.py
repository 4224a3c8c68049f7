"""What holds for all tests: the same examples every time, and Ctrl-C wherever they were started."""

from __future__ import annotations

import signal

from hypothesis import HealthCheck, settings

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


def heed_ctrl_c_in_children() -> None:
    """Let programs that tests start heed SIGINT, also where this process ignores it.

    A shell starts a job in the background so, and many a supervisor; whoever ignores a signal hands
    that on to all programs that it starts. A handler is not handed on. This one does nothing: the
    tests themselves go on ignoring the signal.
    """
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, lambda number, frame: None)


heed_ctrl_c_in_children()
