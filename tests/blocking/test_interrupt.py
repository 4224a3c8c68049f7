"""Ctrl-C, and programs that leave a conversation running: each in a process of its own."""

from __future__ import annotations

import signal
import subprocess
import sys
import time

import pytest

from duologue.protocol.client_messages import ConversationInitiation
from duologue.testing import ScriptedCall
from tests.blocking.agents import scripted, talk

LIMIT_S = 30.0

START = """
import os, sys, threading, time
from duologue.blocking import Conversation

def say(*words):
    sys.stdout.write(" ".join(map(str, words)) + "\\n")  # at once, unlike print
    sys.stdout.flush()

def start():
    return Conversation.start_session(
        agent_id="a",
        origin=sys.argv[1],
        text_only=True,
        connect_timeout=60,
        on_status_change=say,
    )

def left():
    return [t.name for t in threading.enumerate() if "duologue" in t.name]

def interrupted(function):
    say("ready")
    try:
        function()
    except KeyboardInterrupt:
        say("interrupted, left:", left())
        raise
"""

IN_BLOCK = (
    START
    + """
conversation = start()

def hold():
    with conversation:
        time.sleep(60)

interrupted(hold)
"""
)
WAITING = START + "conversation = start()\ninterrupted(conversation.wait_until_ended)\n"
ITERATING = START + "conversation = start()\ninterrupted(lambda: list(conversation))\n"
STARTING = START + "interrupted(start)\n"
DROPPED = START + "start()\n"
IN_OTHER_THREAD = (
    START
    + """
started = threading.Event()

def hold():
    with start():
        started.set()
        time.sleep(1.5)
        say("goes on")

threading.Thread(target=hold).start()
started.wait()
"""
)
SIGNAL_HANDLER = (
    START
    + """
import signal
conversation = start()
signal.signal(signal.SIGTERM, lambda *_: conversation.end_session())
say("ready")
say(conversation.wait_until_ended().reason, left())
"""
)
FILES = (
    START
    + """
start().end_session()
before = len(os.listdir("/dev/fd"))
for _ in range(20):
    start().end_session()
say("more files:", len(os.listdir("/dev/fd")) - before, "left:", left())
"""
)


async def keep_waiting(call: ScriptedCall) -> None:
    await call.receive(ConversationInitiation)
    await call.receive_until_gone()


def program(code: str, origin: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", code, origin],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def wait_for(child: subprocess.Popen[str], *lines: str) -> None:
    """Wait until a program has printed these lines, in any order, and is where it waits."""
    assert child.stdout is not None
    assert sorted(child.stdout.readline().strip() for _ in lines) == sorted(lines)
    time.sleep(0.1)


@pytest.mark.parametrize("code", [IN_BLOCK, WAITING, ITERATING])
def test_ctrl_c_ends_the_session_within_a_few_seconds_and_then_raises(code: str) -> None:
    with scripted(talk) as agent, program(code, agent.origin) as child:
        wait_for(child, "connecting", "connected", "ready")
        began_s = time.monotonic()
        child.send_signal(signal.SIGINT)
        output, errors = child.communicate(timeout=LIMIT_S)
        took_s = time.monotonic() - began_s
    assert output.split("\n")[:3] == ["disconnecting", "disconnected", "interrupted, left: []"]
    assert child.returncode == -signal.SIGINT
    assert errors.strip().endswith("KeyboardInterrupt")
    assert took_s < 10


def test_a_signal_handler_may_end_the_session() -> None:
    with scripted(talk) as agent, program(SIGNAL_HANDLER, agent.origin) as child:
        wait_for(child, "connecting", "connected", "ready")
        child.send_signal(signal.SIGTERM)
        output, errors = child.communicate(timeout=LIMIT_S)
    assert output.splitlines() == ["disconnecting", "disconnected", "user []"]
    assert (child.returncode, errors) == (0, "")


def test_ctrl_c_during_the_start_releases_everything_and_raises() -> None:
    with scripted(keep_waiting) as agent, program(STARTING, agent.origin) as child:
        wait_for(child, "connecting", "ready")
        child.send_signal(signal.SIGINT)
        output, _ = child.communicate(timeout=LIMIT_S)
    assert output.split("\n")[:2] == ["disconnected", "interrupted, left: []"]
    assert child.returncode == -signal.SIGINT


def test_a_conversation_that_nobody_ends_is_ended_when_the_program_is_over() -> None:
    with scripted(talk) as agent, program(DROPPED, agent.origin) as child:
        output, errors = child.communicate(timeout=LIMIT_S)
    assert output.split() == ["connecting", "connected", "disconnecting", "disconnected"]
    assert (child.returncode, errors) == (0, "")


def test_a_program_is_not_over_while_another_thread_goes_on() -> None:
    with scripted(talk) as agent, program(IN_OTHER_THREAD, agent.origin) as child:
        output, errors = child.communicate(timeout=LIMIT_S)
    assert output.split("\n")[:4] == ["connecting", "connected", "goes on", "disconnecting"]
    assert (child.returncode, errors) == (0, "")


def test_neither_files_nor_threads_are_left() -> None:
    with scripted(talk) as agent, program(FILES, agent.origin) as child:
        output, errors = child.communicate(timeout=LIMIT_S)
    assert output.splitlines()[-1] == "more files: 0 left: []"
    assert errors == ""
