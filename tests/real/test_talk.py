"""`duologue talk` as a user runs it: the real client, wire, server and models."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import wave
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from duologue import get_signed_url
from duologue.agent.speech.models import models_folder
from duologue.audio import last_voiced_frame_end_ms, read_wav, write_wav
from duologue.audio.samples import Samples
from tests.real.agent_process import AgentServer
from tests.real.speech import Listener, SpokenSentences
from tests.real.understanding import assert_answered, ends_like, is_like

LIMIT_S = 90.0

STORYTELLER = Path(__file__).with_name("agents") / "storyteller.yaml"

over_both_transports = pytest.mark.parametrize("transport", ["websocket", "webrtc"])


@dataclass(frozen=True)
class Talk:
    """What a `duologue talk` with files left behind."""

    exit_code: int
    screen: str
    messages: list[dict[str, Any]]
    reply: Samples
    reply_rate_hz: int
    log: str

    def said(self, role: str) -> str:
        """All that one side has said, in lower case."""
        return " ".join(m["text"] for m in self.messages if m["role"] == role).lower()

    def last_said(self, role: str) -> str:
        """The last that one side has said."""
        return str([m["text"] for m in self.messages if m["role"] == role][-1])


def talk(folder: Path, question: Path, *arguments: str) -> Talk:
    """Run `duologue talk` with a recorded question, and read what it wrote."""
    reply, transcript, log = folder / "reply.wav", folder / "t.jsonl", folder / "agent.log"
    finished = run(
        "--input", str(question),
        "--output", str(reply),
        "--transcript", str(transcript),
        "--agent-log", str(log),
        *arguments,
    )  # fmt: skip
    assert finished.returncode == 0, finished.stderr
    samples, rate_hz = read_wav(reply)
    return Talk(
        exit_code=finished.returncode,
        screen=finished.stdout,
        messages=[json.loads(line) for line in transcript.read_text().splitlines()],
        reply=samples,
        reply_rate_hz=rate_hz,
        log=log.read_text(),
    )


def run(*arguments: str, typed: str = "") -> subprocess.CompletedProcess[str]:
    """Run `duologue talk` with these arguments and this standard input."""
    return subprocess.run(
        [sys.executable, "-m", "duologue", "talk", *arguments],
        input=typed,
        capture_output=True,
        text=True,
        timeout=LIMIT_S,
        check=False,
    )


def latencies_ms(screen: str) -> list[float]:
    lines = [line for line in screen.splitlines() if line.startswith('{"turn_latency_ms"')]
    return [json.loads(line)["turn_latency_ms"] for line in lines]


@over_both_transports
@pytest.mark.parametrize(
    ("question", "answer"),
    [("What is the capital of France?", "paris"), ("What color is the sky?", "blue")],
)
def test_a_spoken_question_is_answered(
    tmp_path: Path,
    spoken: SpokenSentences,
    transcribe: Listener,
    question: str,
    answer: str,
    transport: str,
) -> None:
    write_wav(tmp_path / "question.wav", spoken(question), 16_000)
    held = talk(
        tmp_path,
        tmp_path / "question.wav",
        *("--transport", transport, "--record", str(tmp_path / "call.wav")),
    )
    assert_answered(question, held.said("user"), held.last_said("agent"), answer)
    with wave.open(str(tmp_path / "call.wav")) as file:
        sides = np.frombuffer(file.readframes(file.getnframes()), dtype="<i2").reshape(-1, 2)
    assert (np.abs(sides.astype(int)).max(axis=0) > 1000).all()
    assert ends_like(held.last_said("agent"), transcribe(held.reply, held.reply_rate_hz))
    transcript = next(m["text"] for m in held.messages if m["role"] == "user")
    requests = [line for line in held.log.splitlines() if "duologue.agent.llm" in line]
    assert any(transcript in request for request in requests)
    (latency_ms,) = latencies_ms(held.screen)
    assert 0 < latency_ms < 10_000
    assert held.screen.splitlines()[-1].startswith('{"turn_latency_ms"')
    times_ms = [m["at_ms"] for m in held.messages]
    assert times_ms == sorted(times_ms)
    assert all(isinstance(m["event_id"], int) for m in held.messages)


@pytest.mark.parametrize(
    ("rate_hz", "channels", "voice", "question", "answer"),
    [
        (44_100, 2, "en-gb+m3", "What is the capital of France?", "paris"),
        # At this rate Whisper tiny mishears a fifth of the words of espeak-ng's voices and more,
        # but not these.
        (8_000, 1, "en-us", "What color is the sky?", "blue"),
    ],
)
def test_a_recording_from_elsewhere_is_understood(
    tmp_path: Path,
    spoken: SpokenSentences,
    rate_hz: int,
    channels: int,
    voice: str,
    question: str,
    answer: str,
) -> None:
    samples = spoken(question, rate_hz, voice=voice)
    _write_channels(tmp_path / "question.wav", samples, rate_hz, channels)
    held = talk(tmp_path, tmp_path / "question.wav")
    assert_answered(question, held.said("user"), held.last_said("agent"), answer)


@over_both_transports
def test_a_recording_barges_into_the_greeting(
    tmp_path: Path, spoken: SpokenSentences, transcribe: Listener, transport: str
) -> None:
    question, silence_s = "Excuse me. What color is the sky?", 4.0
    recording = np.concatenate((np.zeros(int(silence_s * 16_000), np.int16), spoken(question)))
    write_wav(tmp_path / "question.wav", recording, 16_000)
    held = talk(
        tmp_path,
        tmp_path / "question.wav",
        "--no-wait-for-greeting",
        *("--transport", transport, "--agent-file", str(STORYTELLER)),
    )
    assert is_like(question, held.said("user"))
    assert "sends InterruptionEvent" in held.log
    assert "sends AgentResponseCorrectionEvent" in held.log
    silent_ms = _silent_from_ms(held.reply, held.reply_rate_hz, after_ms=silence_s * 1000)
    # The figure itself is measured by benchmarks/barge_in.py; here the machine may be busy.
    assert silent_ms - silence_s * 1000 < 1500
    answer = held.reply[int(silent_ms / 1000 * held.reply_rate_hz) :]
    # What it says depends on how much of its story was heard.
    assert is_like(held.last_said("agent"), transcribe(answer, held.reply_rate_hz))


@over_both_transports
def test_typed_lines_are_answered(transport: str) -> None:
    finished = run(
        *("--text", "--transport", transport),
        typed="What is the capital of France?\n\nAnd of Italy?\n",
    )
    assert finished.returncode == 0, finished.stderr
    greeting, first, second = finished.stdout.splitlines()
    assert greeting == "agent: Hello! I am Duologue. What would you like to know?"
    assert "Paris" in first
    assert first.count("agent: ") == 1
    assert second.startswith("agent: ")
    assert len(second) > len("agent: ")


@over_both_transports
def test_a_private_agent_lets_its_own_talk_in(tmp_path: Path, transport: str) -> None:
    path = tmp_path / "private.yaml"
    path.write_text("platform_settings: {auth: {enable_auth: true}}\n")
    finished = run(
        *("--text", "--transport", transport, "--agent-file", str(path)),
        typed="What is the capital of France?\n",
    )
    assert finished.returncode == 0, finished.stderr
    assert "Paris" in finished.stdout


@pytest.mark.parametrize("way", ["variable", "file", "signed URL"])
def test_a_private_agent_elsewhere_is_talked_with(
    way: str, agent_server: AgentServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("DUOLOGUE_ORIGIN", raising=False)
    arguments = ["confidant", "--origin", agent_server.url]
    if way == "variable":
        monkeypatch.setenv("DUOLOGUE_API_KEY", agent_server.key)
    elif way == "file":
        (tmp_path / "key").write_text(f"{agent_server.key}\n")
        arguments += ["--api-key-file", str(tmp_path / "key")]
    else:
        signed_url = asyncio.run(
            get_signed_url("confidant", api_key=agent_server.key, origin=agent_server.url)
        )
        arguments = ["--signed-url", signed_url]
    override = ("--override", "agent.first_message=Hello {{name}}.")
    finished = run("--text", *arguments, *override, "--dynamic-variable", "name=Ada")
    assert finished.returncode == 0, finished.stderr
    assert "agent: Hello Ada." in finished.stdout


def test_a_private_agent_elsewhere_wants_a_key(agent_server: AgentServer) -> None:
    finished = run("--text", "confidant", "--origin", agent_server.url)
    assert finished.returncode != 0
    assert "signed URL" in finished.stderr


def test_an_agent_elsewhere_is_talked_with_over_webrtc(agent_server: AgentServer) -> None:
    finished = run(
        *("guide", "--origin", agent_server.url, "--text", "--transport", "webrtc"),
        typed="What is the capital of France?\n",
    )
    assert finished.returncode == 0, finished.stderr
    assert "Paris" in finished.stdout


def test_a_file_that_is_no_sound_is_named(tmp_path: Path) -> None:
    (tmp_path / "question.wav").write_text("What is the capital of France?")
    finished = run("--input", str(tmp_path / "question.wav"))
    assert finished.returncode == 1
    assert "question.wav" in finished.stderr
    assert "Traceback" not in finished.stderr


def test_an_agent_that_does_not_exist_is_named(agent_server: AgentServer) -> None:
    finished = run("nobody", "--origin", agent_server.url, "--text", typed="Hello?\n")
    assert finished.returncode == 1
    assert "nobody" in finished.stderr
    assert "Traceback" not in finished.stderr


def test_a_server_that_is_not_there_is_named() -> None:
    finished = run("x", "--origin", "http://127.0.0.1:9", "--text")
    assert finished.returncode == 1
    assert "127.0.0.1:9" in finished.stderr
    assert "Traceback" not in finished.stderr


@pytest.mark.parametrize(
    ("arguments", "about"),
    [
        (["--text", "--input", "q.wav"], "--text has no sound"),
        (["--text", "--record", "call.wav"], "--text has no sound"),
        (["--text", "--no-echo-cancellation"], "--text has no sound"),
        (["--input", "q.wav", "--microphone", "usb"], "--input takes the place of"),
        (["--record", "nowhere/call.wav"], "--record nowhere/call.wav: its folder"),
        (["x", "--origin", "localhost:8080", "--text"], "localhost:8080"),
        (["", "--text"], "AGENT_ID is empty"),
        (["--output", "/nowhere/reply.wav"], "--output"),
        (["--text", "--transcript", "/"], "--transcript"),
    ],
)
def test_options_that_cannot_be_met_are_refused_at_once(arguments: list[str], about: str) -> None:
    finished = run(*arguments)
    assert finished.returncode == 2
    assert about in " ".join(finished.stderr.replace("│", " ").split())
    assert "Traceback" not in finished.stderr


def test_without_models_and_network_it_says_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DUOLOGUE_MODELS_DIR", str(tmp_path))
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path))
    finished = run("--text", typed="Hello?\n")
    assert finished.returncode == 1
    assert "duologue models pull" in finished.stderr
    assert "Traceback" not in finished.stderr


def test_without_a_livekit_server_and_go_it_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DUOLOGUE_MODELS_DIR", str(models_folder()))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setenv("PATH", str(tmp_path))
    finished = run("--text", "--transport", "webrtc", typed="Hello?\n")
    assert finished.returncode == 1
    assert "install Go" in finished.stderr
    assert "Traceback" not in finished.stderr


def test_a_mistake_in_the_definition_is_shown_where_it_is(tmp_path: Path) -> None:
    path = tmp_path / "agent.yaml"
    path.write_text("conversation_config:\n  agent:\n    frist_message: Hello!\n")
    finished = run("--text", "--agent-file", str(path))
    assert finished.returncode == 1
    assert "line 3" in finished.stderr
    assert "first_message" in finished.stderr
    assert "Traceback" not in finished.stderr


def _write_channels(path: Path, samples: Samples, rate_hz: int, channels: int) -> None:
    with wave.open(str(path), "wb") as file:
        file.setnchannels(channels)
        file.setsampwidth(2)
        file.setframerate(rate_hz)
        file.writeframes(np.repeat(samples, channels).astype("<i2").tobytes())


def _silent_from_ms(samples: Samples, rate_hz: int, *, after_ms: float) -> float:
    """When the first silence of half a second begins that ends later than `after_ms`."""
    before = int(after_ms / 1000 * rate_hz)
    for end in range(before, len(samples), rate_hz // 100):
        window = samples[end : end + rate_hz // 2]
        if np.abs(window.astype(np.int32)).max(initial=0) < 200:
            voiced_ms = last_voiced_frame_end_ms(samples[:end], rate_hz)
            return max(after_ms, voiced_ms or 0.0)
    raise AssertionError("the agent was never silent")
