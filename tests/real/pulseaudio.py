"""A PulseAudio server of one's own, with virtual devices, for tests of real devices."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

READY_LIMIT_S = 10.0

SPEAKER = "spk1"
"""A speaker; what it plays can be recorded from `spk1.monitor`."""
MICROPHONE = "mic1"
"""A microphone; it hears what is played on `mic1_in`."""

LATENCY_MS = 20
"""Of what is played and recorded beside the client: short, so that times are exact."""

OTHER_SPEAKER = "spk2"
OTHER_MICROPHONE = "mic2"


def _speaker(name: str, description: str) -> str:
    # Without norewinds an idle null sink keeps its monitor waiting for more than a second.
    return (
        f"module-null-sink sink_name={name} rate=48000 norewinds=1"
        f" sink_properties=device.description={description}"
    )


def _microphone(name: str, description: str) -> tuple[str, str]:
    return (
        f"module-null-sink sink_name={name}_in rate=48000 norewinds=1",
        f"module-remap-source source_name={name} master={name}_in.monitor"
        f" source_properties=device.description={description}",
    )


_MODULES = (
    "module-native-protocol-unix",
    _speaker(SPEAKER, "Speaker_One"),
    *_microphone(MICROPHONE, "Mic_One"),
)


class PulseAudio:
    """A running server, for programs that are started with `environment`."""

    def __init__(self, runtime_dir: Path) -> None:
        self.environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith("PULSE_")},
            "XDG_RUNTIME_DIR": str(runtime_dir),
        }
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start the server, and wait until it is ready."""
        arguments = [argument for module in _MODULES for argument in ("-L", module)]
        self._process = subprocess.Popen(
            [
                "pulseaudio",
                "-n",
                "--daemonize=no",
                "--exit-idle-time=-1",
                "--log-level=error",
                *arguments,
            ],
            env=self.environment,
        )
        self._wait_until_ready(self._process)

    def stop(self) -> None:
        """End the server in an orderly way."""
        assert self._process is not None
        self._process.terminate()
        self._process.wait(timeout=10)

    def kill(self) -> None:
        """End the server as a crash does."""
        assert self._process is not None
        self._process.kill()
        self._process.wait(timeout=10)

    @contextmanager
    def hanging(self) -> Iterator[None]:
        """Let the server hang while the context lasts."""
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)
        try:
            yield
        finally:
            self._process.send_signal(signal.SIGCONT)

    @property
    def pid(self) -> int:
        """The id of the server's process."""
        assert self._process is not None
        return self._process.pid

    def add_speaker(self, name: str, description: str = "Speaker_Two") -> None:
        self.pactl("load-module", *_speaker(name, description).split(" "))

    def add_microphone(self, name: str, description: str = "Mic_Two") -> None:
        for module in _microphone(name, description):
            self.pactl("load-module", *module.split(" "))

    def pactl(self, *arguments: str) -> str:
        return subprocess.run(
            ["pactl", *arguments],
            env=self.environment,
            capture_output=True,
            text=True,
            check=True,
            timeout=10,
        ).stdout

    def unload(self, name_in_arguments: str) -> None:
        """Take a device away: unload the module that was loaded with this in its arguments."""
        for line in self.pactl("list", "modules", "short").splitlines():
            number, _, arguments = line.split("\t")[:3]
            if name_in_arguments in arguments:
                self.pactl("unload-module", number)
                return
        raise LookupError(f"no module was loaded with {name_in_arguments!r}")

    @contextmanager
    def playing(
        self, sink: str, sound: Path, sample_rate_hz: int, *, latency_ms: int = LATENCY_MS
    ) -> Iterator[None]:
        """Play a file of bare mono samples of 16 bits on a sink, until its end or the context's.

        A virtual microphone delivers as often as its sink asks for sound: every quarter of the
        latency, or as often as those who record want it, whichever is sooner.
        """
        with self._pacat("--playback", sink, sample_rate_hz, str(sound), latency_ms=latency_ms):
            yield

    @contextmanager
    def recording(self, source: str, sample_rate_hz: int) -> Iterator[IO[bytes]]:
        """Record bare mono samples of 16 bits from a source, to be read while the context lasts."""
        with self._pacat("--record", source, sample_rate_hz) as process:
            assert process.stdout is not None
            yield process.stdout

    @contextmanager
    def _pacat(
        self,
        mode: str,
        device: str,
        sample_rate_hz: int,
        *files: str,
        latency_ms: int = LATENCY_MS,
    ) -> Iterator[subprocess.Popen[bytes]]:
        process = subprocess.Popen(
            [
                "pacat",
                mode,
                f"--device={device}",
                "--format=s16le",
                "--channels=1",
                f"--rate={sample_rate_hz}",
                f"--latency-msec={latency_ms}",
                "--raw",
                *files,
            ],
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
        )
        # Leaving a process's own context waits for its end and closes its pipe.
        with process:
            try:
                yield process
            finally:
                process.terminate()
                process.wait(timeout=10)  # before its pipe is closed, or it complains

    def _wait_until_ready(self, process: subprocess.Popen[bytes]) -> None:
        give_up_at_s = time.monotonic() + READY_LIMIT_S
        while True:
            try:
                if MICROPHONE in self.pactl("list", "sources", "short"):
                    return
            except subprocess.CalledProcessError:
                if process.poll() is not None:
                    raise
            if time.monotonic() > give_up_at_s:
                raise TimeoutError(f"PulseAudio was not ready within {READY_LIMIT_S:.0f} s")
            time.sleep(0.05)


@contextmanager
def running_pulseaudio(directory: Path) -> Iterator[PulseAudio]:
    """Run a server within `directory` until the context ends."""
    runtime_dir = directory / "run"
    runtime_dir.mkdir(mode=0o700)
    server = PulseAudio(runtime_dir)
    server.start()
    try:
        yield server
    finally:
        server.stop()
