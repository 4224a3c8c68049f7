"""How many conversations one process holds at once, in real time.

The server runs in a process of its own, as `duologue serve` runs it, with a scripted speech
stack: the voice activity detector is real, the other models answer at once. The clients run in
this process. Every ten seconds each user speaks for 3.4 s and is answered for about 3 s.

    python -m benchmarks.capacity [--calls 50] [--seconds 40] [--profile FILE]

Printed: CPU of the server per second of conversation, the longest gap in the agents' sound (how
long a client would have had nothing left to play within an answer), and the latency of the turns,
from the user's last sound to the first sound of the answer. Exits with 1 if a target is missed.
"""

from __future__ import annotations

import _thread
import argparse
import asyncio
import base64
import contextlib
import cProfile
import json
import multiprocessing
import os
import statistics
import sys
import threading
import time
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import aiohttp
import numpy as np
import numpy.typing as npt

RATE_HZ = 16_000
CHUNK_MS = 32
"""What ElevenLabs' JavaScript client sends in a browser at this rate."""
CHUNK_SAMPLES = RATE_HZ * CHUNK_MS // 1000
SPEECH_S = 3.4
CYCLE_S = 10.0
RAMP_S = 5.0
ANSWER = "This is an answer of the usual length, about three seconds."

MOST_CPU_MS = 15.0
LONGEST_GAP_MS = 100.0

Samples = npt.NDArray[np.int16]


@dataclass
class Heard:
    """What the client of one call saw."""

    turns: int = 0
    latencies_ms: list[float] = field(default_factory=list)
    gaps_ms: list[float] = field(default_factory=list)
    spoke_until_s: float | None = None
    event_id: int | None = None
    plays_until_s: float = 0.0

    def take_audio(self, now_s: float, event: dict[str, Any]) -> None:
        """Play a chunk as a client without any buffer of its own would."""
        if event["event_id"] != self.event_id:
            self.event_id = event["event_id"]
            self.plays_until_s = now_s
            if self.spoke_until_s is not None:
                self.latencies_ms.append((now_s - self.spoke_until_s) * 1000)
                self.spoke_until_s = None
        self.gaps_ms.append(max(0.0, now_s - self.plays_until_s) * 1000)
        length_s = len(base64.b64decode(event["audio_base_64"])) / 2 / RATE_HZ
        self.plays_until_s = max(self.plays_until_s, now_s) + length_s


def main() -> int:
    """Run the benchmark; return the exit code."""
    options = _options()
    ours, theirs = multiprocessing.Pipe()
    context = multiprocessing.get_context("spawn")
    server = context.Process(target=_serve, args=(theirs, options.profile), daemon=True)
    server.start()
    try:
        url = ours.recv()
        heard, cpu_s = asyncio.run(_load(url, server.pid or 0, options.calls, options.seconds))
    finally:
        ours.send("stop")
        server.join(20)
    return _report(heard, cpu_s, options)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--calls", type=int, default=50)
    parser.add_argument("--seconds", type=float, default=40.0)
    parser.add_argument("--profile", help="write the server's cProfile there")
    return parser.parse_args()


def _serve(control: Connection, profile: str | None) -> None:
    """The server's process, until a word comes from the other."""
    from duologue.agent.app import create_app
    from duologue.agent.definition import AgentDefinition
    from duologue.agent.listener import listen, url_of
    from duologue.agent.server import run_server
    from duologue.testing.scripted_speech import ScriptedSpeech

    agent = AgentDefinition.model_validate(
        {"agent_id": "agent", "conversation_config": {"turn": {"turn_timeout": -1}}}
    )
    speech = ScriptedSpeech(transcripts=["A question."], replies=[ANSWER])
    threading.Thread(target=_interrupt_after_a_word, args=(control,), daemon=True).start()
    profiler = cProfile.Profile()
    with (
        contextlib.suppress(KeyboardInterrupt),
        profiler if profile else contextlib.nullcontext(),
        listen("127.0.0.1", 0) as listener,
    ):
        run_server(
            create_app({agent.agent_id: agent}, speech),
            listener,
            ready=lambda: control.send(url_of(listener)),
        )
    if profile:
        profiler.dump_stats(profile)


def _interrupt_after_a_word(control: Connection) -> None:
    control.recv()
    _thread.interrupt_main()


async def _load(url: str, server_pid: int, calls: int, seconds: float) -> tuple[list[Heard], float]:
    """Hold the calls; return what was heard, and the server's CPU in the steady part."""
    speech = _speech()
    heard = [Heard() for _ in range(calls)]
    started_s = time.monotonic()
    async with aiohttp.ClientSession() as session, asyncio.TaskGroup() as group:
        for number, one in enumerate(heard):
            begins_s = started_s + RAMP_S * number / calls
            ends_s = started_s + RAMP_S + seconds
            group.create_task(_call(session, url, speech, one, begins_s, ends_s))
        await asyncio.sleep(RAMP_S)
        before_s = _cpu_s(server_pid)
        await asyncio.sleep(seconds - 0.5)
        cpu_s = _cpu_s(server_pid) - before_s
    return heard, cpu_s / (seconds - 0.5)


async def _call(
    session: aiohttp.ClientSession,
    url: str,
    speech: list[str],
    heard: Heard,
    begins_s: float,
    ends_s: float,
) -> None:
    await asyncio.sleep(max(0.0, begins_s - time.monotonic()))
    where = f"{url}/v1/convai/conversation"
    async with session.ws_connect(where, params={"agent_id": "agent"}) as socket:
        await socket.send_str(json.dumps({"type": "conversation_initiation_client_data"}))
        listening = asyncio.create_task(_listen(socket, heard))
        began_s = time.monotonic()
        for number in range(int((ends_s - began_s) * 1000 / CHUNK_MS)):
            position = number % len(speech)
            await socket.send_str(speech[position])
            if position == int(SPEECH_S * 1000 / CHUNK_MS):
                heard.turns += 1
                heard.spoke_until_s = time.monotonic()
            due_s = began_s + (number + 1) * CHUNK_MS / 1000
            await asyncio.sleep(max(0.0, due_s - time.monotonic()))
        listening.cancel()


async def _listen(socket: aiohttp.ClientWebSocketResponse, heard: Heard) -> None:
    async for message in socket:
        event = json.loads(message.data)
        if event["type"] == "audio":
            heard.take_audio(time.monotonic(), event["audio_event"])
        elif event["type"] == "ping":
            pong = {"type": "pong", "event_id": event["ping_event"]["event_id"]}
            await socket.send_str(json.dumps(pong))


def _speech() -> list[str]:
    """One cycle of a user: a voice, then silence; as messages."""
    from tests.agent.vowels import silence, vowels

    sound = np.concatenate([vowels(SPEECH_S), silence(CYCLE_S - SPEECH_S)])
    return [
        json.dumps({"user_audio_chunk": base64.b64encode(chunk.tobytes()).decode()})
        for chunk in np.split(
            sound[: len(sound) // CHUNK_SAMPLES * CHUNK_SAMPLES], len(sound) // CHUNK_SAMPLES
        )
    ]


def _cpu_s(pid: int) -> float:
    """User and system time of a process so far (Linux)."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _report(heard: list[Heard], cpu_share: float, options: argparse.Namespace) -> int:
    cpu_ms = cpu_share * 1000 / options.calls
    latencies_ms = sorted(latency for one in heard for latency in one.latencies_ms)
    gap_ms = max(gap for one in heard for gap in one.gaps_ms)
    asked = sum(one.turns for one in heard)
    print(f"conversations          {options.calls} for {options.seconds:g} s")
    print(f"turns answered         {len(latencies_ms)} of {asked}")
    print(f"CPU                    {cpu_ms:.1f} ms per conversation-second ({cpu_share:.2f} cores)")
    print(f"longest gap in sound   {gap_ms:.0f} ms")
    print(
        f"turn latency           p50 {statistics.median(latencies_ms):.0f} ms, "
        f"p95 {latencies_ms[int(len(latencies_ms) * 0.95)]:.0f} ms"
    )
    is_reached = cpu_ms <= MOST_CPU_MS and gap_ms <= LONGEST_GAP_MS
    print("targets                " + ("reached" if is_reached else "MISSED"))
    return 0 if is_reached else 1


if __name__ == "__main__":
    sys.exit(main())
