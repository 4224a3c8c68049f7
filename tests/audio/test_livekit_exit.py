from __future__ import annotations

import subprocess
import sys

import pytest

LEAVES_WHILE_CALLED_BACK = """
import asyncio, importlib, logging, os, sys, time

importlib.import_module(sys.argv[1])

from livekit import rtc

class Slow(logging.Filter):
    def filter(self, record):
        os.write(1, b"called ")
        time.sleep(0.3)
        os.write(1, b"returned ")
        return False

log = logging.getLogger("livekit")
log.setLevel(logging.DEBUG)
log.addFilter(Slow())

async def fail_to_join():
    try:
        await rtc.Room().connect("ws://127.0.0.1:9", "no token")
    except rtc.ConnectError:
        pass

asyncio.run(fail_to_join())
"""
"""LiveKit's log of the failure is still being taken when the program ends."""

OUR_USERS = (
    "duologue.audio.processing.webrtc",
    "duologue.connection.webrtc.joining",
    "duologue.agent.call.engine.session",
)
"""Whatever makes something of LiveKit's library first."""


@pytest.mark.parametrize("module", OUR_USERS)
def test_a_program_ends_only_when_livekits_threads_have_returned(module: str) -> None:
    ended = _run(LEAVES_WHILE_CALLED_BACK, module)
    assert ended.returncode == 0, ended.stderr
    told = ended.stdout.split()
    assert told
    assert told == ["called", "returned"] * (len(told) // 2)
    assert "unwind" not in ended.stderr


HAS_A_THREAD_THAT_NEVER_RETURNS = """
import threading, time

import livekit.rtc

from duologue.audio.livekit_exit import let_callbacks_return_at_exit

def ffi_event_callback():
    time.sleep(60)

let_callbacks_return_at_exit()
threading.Thread(target=ffi_event_callback, daemon=True).start()
"""


def test_a_thread_that_never_returns_does_not_keep_a_program() -> None:
    assert _run(HAS_A_THREAD_THAT_NEVER_RETURNS, limit_s=30).returncode == 0


def _run(program: str, *arguments: str, limit_s: float = 60) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", program, *arguments],
        capture_output=True,
        text=True,
        timeout=limit_s,
    )
