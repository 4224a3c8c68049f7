"""An agent with the bundled models asks nobody for anything, and talks to this machine alone."""

from __future__ import annotations

import os
import select
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
import soundfile

from duologue.agent.speech.models.registry import MODELS_FOLDER_VARIABLE, models_folder
from tests.real.bad_network import (
    FAR_ADDRESS,
    LARGEST_PACKET_BYTES,
    NEAR_ADDRESS,
    Namespace,
    namespace,
)
from tests.real.speech import SpokenSentences

pytestmark = pytest.mark.waits

RATE_HZ = 16_000
SILENCE_S = 20.0
"""onnxruntime looks for its host after 9 s."""

LIMIT_S = 90.0
WITH_OWN_RESOLVER = 'mount --bind "$1" /etc/resolv.conf; shift; exec "$@"'


@pytest.fixture
def outside() -> Iterator[Namespace]:
    """A network in which all that is not for this machine comes out of one device."""
    with namespace(NEAR_ADDRESS, FAR_ADDRESS) as network:
        yield network


@contextmanager
def program(network: Namespace, folder: Path, *command: str) -> Iterator[subprocess.Popen[str]]:
    """A Python program in that network, whose resolver is beyond the device."""
    resolver = folder / "resolv.conf"
    resolver.write_text(f"nameserver {FAR_ADDRESS}\n")
    with subprocess.Popen(
        [
            *(*network.enter, "unshare", "--mount", "sh", "-ec", WITH_OWN_RESOLVER, "sh"),
            *(str(resolver), sys.executable, *command),
        ],
        cwd=Path(__file__).parents[2],
        env=_environment(folder),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as running:
        try:
            yield running
        finally:
            running.kill()


def _environment(folder: Path) -> dict[str, str]:
    """That of this process, without what a test or a user may have switched off, and a home of its
    own."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("ORT_")}
    own = {name: str(folder) for name in ("HOME", "XDG_CACHE_HOME")}
    return kept | own | {MODELS_FOLDER_VARIABLE: str(models_folder())}


def sent_outside(network: Namespace, running: subprocess.Popen[str]) -> list[str]:
    """Where packets went until the program ended, neighbours of IPv6 apart, which the kernel looks
    for by itself."""
    targets = []
    until_s = time.monotonic() + LIMIT_S
    while time.monotonic() < until_s:
        ready, _, _ = select.select([network.device], [], [], 0.2)
        if ready:
            packet = os.read(network.device, LARGEST_PACKET_BYTES)
            if packet[0] >> 4 == 4:
                targets.append(f"{socket.inet_ntoa(packet[16:20])}: {packet[28:]!r}")
        elif running.poll() is not None:
            return targets
    raise TimeoutError(f"the program still runs after {LIMIT_S:g} s")


def test_what_goes_out_is_seen(outside: Namespace, tmp_path: Path) -> None:
    look_up = "import socket, contextlib\nwith contextlib.suppress(OSError):\n"
    look_up += "    socket.getaddrinfo('telemetry.example', 443)"
    with program(outside, tmp_path, "-c", look_up) as running:
        assert "telemetry" in sent_outside(outside, running)[0]


def test_an_agent_with_the_bundled_models_talks_to_this_machine_alone(
    outside: Namespace, tmp_path: Path, spoken: SpokenSentences
) -> None:
    question = spoken("What is the capital of France?", RATE_HZ)
    silence = np.zeros(round(SILENCE_S * RATE_HZ), np.int16)
    soundfile.write(tmp_path / "question.wav", np.concatenate((question, silence)), RATE_HZ)
    with program(
        outside,
        tmp_path,
        *("-m", "duologue", "talk"),
        *("--input", str(tmp_path / "question.wav"), "--output", str(tmp_path / "answer.wav")),
    ) as running:
        assert sent_outside(outside, running) == []
        assert running.stdout is not None
        said = running.stdout.read()
    assert running.returncode == 0, said
    assert "agent: " in said
    assert not [*tmp_path.rglob("*onnxruntime*")]
