"""A room around the virtual devices of a sound server: the microphone hears what the speaker plays.

The echo is made within the server, by its own modules: a program in between, which may have to
wait for a processor, would tear holes into it and let its delay grow.
"""

from __future__ import annotations

import math
import os
import subprocess
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from unittest.mock import patch

import numpy as np

from duologue.audio.files.writing import WavWriter
from duologue.audio.samples import Samples, bytes_from_samples, samples_from_floats, silence
from tests.audio.room import room_response
from tests.audio.signals import noise
from tests.real.listening import RATE_HZ, Listening, listening
from tests.real.pulseaudio import MICROPHONE, SPEAKER, PulseAudio, running_pulseaudio

ECHO_DELAY_MS = 60
ECHO_LEVEL_DB = -6.0

_WALLS = "walls"
_LEVEL_OF_WALLS_DB = -6.5
"""The server scales a room's response as it likes; so loud is what it makes of ours."""

_WALLS_ARE_EARLY_MS = 5
"""So much sooner than it was asked to the server delivers, as measured."""

SILENCE = Path("/dev/zero")
_BURST_MS = 1000


@dataclass(frozen=True)
class Echo:
    """What the microphone hears of what the speaker plays, as measured."""

    delay_ms: float
    level_db: float


class Room:
    """A speaker and a microphone in one room.

    Args:
        server: whose devices they are.
        folder: for sounds on their way to the server.
    """

    def __init__(self, server: PulseAudio, folder: Path) -> None:
        self._server = server
        self._folder = folder

    @contextmanager
    def saying(self, sentence: Samples) -> Iterator[None]:
        """Say a sentence, of 48 kHz, into the microphone, until its end or the context's."""
        with self._playing(f"{MICROPHONE}_in", sentence):
            yield

    def hearing_microphone(self) -> AbstractContextManager[Listening]:
        """Record what the microphone hears while the context lasts."""
        return listening(self._server, MICROPHONE)

    def hearing_speaker(self) -> AbstractContextManager[Listening]:
        """Record what the speaker plays while the context lasts."""
        return listening(self._server, f"{SPEAKER}.monitor")

    def stand_still(self, duration_s: float) -> None:
        """Let the sound server and this process stand still, as they do on a busy machine.

        A shell in which this runs takes the process for one that the user has stopped.
        """
        both = f"{self._server.pid} {os.getpid()}"
        script = f"kill -STOP {both}; sleep {duration_s}; kill -CONT {both}"
        subprocess.run(["sh", "-c", script], check=True, timeout=10)

    def measure_echo(self) -> Echo:
        """Play noise on the speaker, and compare what is heard at either end."""
        # As dull as speech: what the server's own filters take away above does not count.
        burst = samples_from_floats(
            np.convolve(noise(_BURST_MS, RATE_HZ, dbfs=-20), np.hanning(24) / 12, "same")
        )
        pause = silence(RATE_HZ // 2)
        with (
            self.hearing_speaker() as played,
            self.hearing_microphone() as heard,
            self._playing(SPEAKER, np.concatenate((pause, burst, pause))),
        ):
            time.sleep(_BURST_MS / 1000 + 1.5)
        source, echo = played.find(burst), heard.find(burst)
        return Echo((echo.at_s - source.at_s) * 1000, 10 * math.log10(echo.power / source.power))

    def _playing(self, sink: str, sound: Samples) -> AbstractContextManager[None]:
        path = self._folder / f"for-{sink}.raw"
        path.write_bytes(bytes_from_samples(sound))
        return self._server.playing(sink, path, RATE_HZ)


@contextmanager
def echoing_room(folder: Path) -> Iterator[Room]:
    """Run a sound server whose speaker is heard by its microphone, at -6 dB, after 60 ms.

    While the context lasts, this process and those it starts find no other sound server.
    """
    with running_pulseaudio(folder) as server, patch.dict(os.environ, server.environment):
        _put_walls(server, folder / "walls.wav")
        # A microphone's sound takes as long as whoever speaks into it wants: without somebody who
        # is always there, the echo would come 9 ms sooner as soon as a user speaks.
        with server.playing(f"{MICROPHONE}_in", SILENCE, RATE_HZ):
            yield Room(server, folder)


def _put_walls(server: PulseAudio, response: Path) -> None:
    impulse = room_response(RATE_HZ)
    both_ears = np.repeat(samples_from_floats(impulse * 8000), 2)
    with WavWriter(response, RATE_HZ, channels=2) as writer:
        writer.write(both_ears)
    server.pactl(
        *("load-module", "module-virtual-surround-sink", f"sink_name={_WALLS}"),
        *(f"master={MICROPHONE}_in", f"hrir={response}", "use_volume_sharing=no"),
        *("channels=2", "channel_map=front-left,front-right"),
    )
    server.pactl("set-sink-volume", _WALLS, f"{ECHO_LEVEL_DB - _LEVEL_OF_WALLS_DB:+.1f}dB")
    server.pactl(
        *("load-module", "module-loopback", f"source={SPEAKER}.monitor", f"sink={_WALLS}"),
        # Without adjustments the rates stay as they are: both devices have the same clock.
        *(f"latency_msec={ECHO_DELAY_MS + _WALLS_ARE_EARLY_MS}", "adjust_time=0"),
    )
