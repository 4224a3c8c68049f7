"""`duologue talk` with a terminal, a microphone and a speaker, all of them virtual but real."""

from __future__ import annotations

import os
import pty
import re
import signal
import subprocess
import sys
import threading
import time
import wave
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest

from duologue.audio import read_wav
from tests.real.pulseaudio import (
    MICROPHONE,
    OTHER_SPEAKER,
    SPEAKER,
    PulseAudio,
    running_pulseaudio,
)
from tests.real.speech import SpokenSentences

LIMIT_S = 60.0
RATE_HZ = 48_000
COLUMNS = {"COLUMNS": "100", "LINES": "40", "TERM": "xterm-256color"}
_CONTROL = re.compile(r"\x1b\[[0-9;?]*[a-zA-Z]")


class Terminal:
    """A program in a terminal of its own: what it shows, and what is typed into it."""

    def __init__(self, process: subprocess.Popen[bytes], screen: int) -> None:
        self.process = process
        self._shown = ""
        self._reader = threading.Thread(target=self._read, args=(screen,), daemon=True)
        self._reader.start()

    @property
    def shown(self) -> str:
        """All that has been shown, without control sequences."""
        return _CONTROL.sub("", self._shown)

    def wait_for(self, condition: Callable[[str], object], what: str) -> None:
        """Wait until what is shown fulfils a condition."""
        deadline_s = time.monotonic() + LIMIT_S
        while not condition(self.shown):
            assert time.monotonic() < deadline_s, f"never shown: {what}\n{self.shown[-3000:]}"
            assert self.process.poll() is None, f"ended before {what}:\n{self.shown[-3000:]}"
            time.sleep(0.05)

    def wait_until_ended(self) -> int:
        """Wait until the program has ended, and all that it has shown is here; its exit code."""
        code = self.process.wait(timeout=20)
        self._reader.join(timeout=10)
        return code

    def _read(self, screen: int) -> None:
        while True:
            try:
                data = os.read(screen, 65536)
            except OSError:  # Linux: the program at the other end has ended
                return
            if not data:
                return
            self._shown += data.decode(errors="replace")


@contextmanager
def talking(*arguments: str, environment: dict[str, str]) -> Iterator[Terminal]:
    """`duologue talk` in a terminal."""
    screen, program_side = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "duologue", "talk", *arguments],
        stdin=program_side,
        stdout=program_side,
        stderr=program_side,
        env=os.environ | COLUMNS | environment,
        start_new_session=True,
    )
    os.close(program_side)
    try:
        yield Terminal(process, screen)
    finally:
        process.kill()
        process.wait()
        os.close(screen)


@pytest.mark.parametrize("transport", ["websocket", "webrtc"])
def test_a_live_conversation_is_shown_and_ends_politely(
    tmp_path: Path, spoken: SpokenSentences, transport: str
) -> None:
    question = tmp_path / "question.pcm"
    question.write_bytes(spoken("What is the capital of France?", RATE_HZ).tobytes())
    transcript, record, output = tmp_path / "t.jsonl", tmp_path / "call.wav", tmp_path / "reply.wav"
    with running_pulseaudio(tmp_path) as pulse:
        pulse.add_speaker(OTHER_SPEAKER)
        pulse.pactl("set-default-sink", SPEAKER)
        with talking(
            "--microphone", "Mic_One",
            "--speaker", "Speaker_Two",
            "--no-echo-cancellation",
            "--transport", transport,
            "--transcript", str(transcript),
            "--record", str(record),
            "--output", str(output),
            environment=pulse.environment,
        ) as screen:  # fmt: skip
            _converse(screen, pulse, question)
    assert '"role": "user"' in transcript.read_text()
    with wave.open(str(record)) as file:
        sides = np.frombuffer(file.readframes(file.getnframes()), dtype="<i2").reshape(-1, 2)
    assert (np.abs(sides.astype(int)).max(axis=0) > 1000).all()
    assert np.abs(read_wav(output)[0].astype(int)).max() > 1000


def _converse(screen: Terminal, pulse: PulseAudio, question: Path) -> None:
    screen.wait_for(lambda shown: "agent: " in shown, "the greeting")
    screen.wait_for(lambda shown: "speaking" in shown, "that the agent speaks")
    screen.wait_for(lambda shown: _bar(shown, "agent"), "the agent's level")
    screen.wait_for(lambda shown: _latest_mode(shown) == "listening", "the greeting's end")
    with pulse.playing(f"{MICROPHONE}_in", question, RATE_HZ):
        screen.wait_for(lambda shown: _bar(shown, "you"), "the user's level")
        screen.wait_for(lambda shown: "you: " in shown, "what was heard")
    screen.wait_for(lambda shown: re.search(r"latency +\d+ ms", shown), "the latency")
    pulse.unload(f"sink_name={OTHER_SPEAKER}")
    screen.wait_for(lambda shown: "the system's default (The speaker" in shown, "the loss")
    pulse.add_speaker(OTHER_SPEAKER)
    screen.wait_for(lambda shown: re.search(r"speaker +Speaker_Two", shown), "its return")
    screen.process.send_signal(signal.SIGINT)
    assert screen.wait_until_ended() == 0
    assert "disconnected" in screen.shown


def _bar(shown: str, name: str) -> bool:
    return re.search(rf"{name} +█", shown) is not None


def _latest_mode(shown: str) -> str:
    modes: list[str] = re.findall(r"mode +(\w+)", shown)
    return modes[-1]
