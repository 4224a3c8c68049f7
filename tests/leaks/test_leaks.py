"""After 200 sessions that ended in every way, nothing of them is left.

A warm-up session of each kind comes first: what a program loads once and keeps is no leak.
"""

from __future__ import annotations

import asyncio
import itertools
import logging
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from duologue.conversation import session as session_module
from tests.leaks.census import Census, table
from tests.leaks.ends import ENDS, SPOKEN_ENDS, Way
from tests.leaks.servers import serving
from tests.leaks.shutdowns import SHUTDOWNS
from tests.leaks.stage import Stage
from tests.leaks.starts import FAILURES, SPOKEN_FAILURES, cancelled_at, steps_of_start

SESSIONS = 200


@pytest.fixture
def log_of_text_alone() -> Iterator[None]:
    """Let the test's log keep no exceptions, and so no frames with all that is in them."""
    usual = logging.getLogRecordFactory()

    def plain(*arguments: Any, **options: Any) -> logging.LogRecord:
        record = usual(*arguments, **options)
        record.msg, record.args, record.exc_info = record.getMessage(), (), None
        return record

    logging.setLogRecordFactory(plain)
    yield
    logging.setLogRecordFactory(usual)


# aiohttp says so if closing is cancelled, although the socket is closed: that is counted here.
@pytest.mark.filterwarnings("ignore:Unclosed (response|connection):ResourceWarning")
@pytest.mark.usefixtures("log_of_text_alone", "each_websocket")
def test_200_sessions_leave_nothing(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(session_module, "CALLBACK_LIMIT_S", 0.2)
    with serving() as origins, asyncio.Runner() as runner:
        spoken = Stage(origins, tmp_path, spoken=True)
        written = Stage(origins, tmp_path, spoken=False)
        steps = {stage: runner.run(steps_of_start(stage)) for stage in (spoken, written)}
        before = Census.take()

        held = 0
        for stage in (spoken, written):
            for way in SHUTDOWNS:
                held += _hold(asyncio.run, way, stage)
            for way in _ways(stage, steps[stage]):
                held += _hold(runner.run, way, stage)
        for way, stage in zip(
            itertools.cycle(ENDS), itertools.cycle((spoken, written)), strict=False
        ):
            if held == SESSIONS:
                break
            held += _hold(runner.run, way, stage)

        after = Census.settled(before, lambda: runner.run(asyncio.sleep(0.05)))
    with capsys.disabled():
        sys.stdout.write(f"\n{table(before, after, held)}\n")
    assert held == SESSIONS
    assert after.beyond(before) == {}
    assert [record.getMessage() for record in caplog.records if record.name == "asyncio"] == []


def _ways(stage: Stage, steps: int) -> Iterator[Way]:
    yield from ENDS
    yield from FAILURES
    if stage.spoken:
        yield from SPOKEN_ENDS
        yield from SPOKEN_FAILURES
    for step in range(1, steps + 1):
        yield cancelled_at(step)
        yield cancelled_at(step, step + 1)


def _hold(run: Any, way: Way, stage: Stage) -> int:
    """Hold one session, and count it."""
    try:
        run(way(stage))
    except BaseException as error:
        error.add_note(f"in {way.__module__}.{way.__name__}, {stage}")
        raise
    return 1
