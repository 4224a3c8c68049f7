"""A recording of a conversation: the user on the left, the agent on the right, as it was heard."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Final

import numpy as np

from duologue.audio.endpoints import log_failure
from duologue.audio.files.track import Track
from duologue.audio.files.writing import WavWriter
from duologue.audio.samples import Samples
from duologue.errors import AudioFileError

WRITE_EVERY_S: Final = 0.2
"""How often the file grows."""

WAIT_FOR_SIDE_S: Final = 1.5
"""How long one side is waited for, which may be late; then there is silence on it."""

CLOSE_LIMIT_S: Final = 2.0
"""How long closing waits for a write that is under way."""


class Recording:
    """Writes a stereo WAV file as the conversation goes on.

    It is a valid file at any time, at most 2.5 s behind: one of a program that was killed can be
    played. A thread of its own writes; the threads of the devices only hand over their blocks.

    Both sides are aligned by the clock. Where one has nothing it is silent.

    Attributes:
        failed: called once, in the writing thread, if the file cannot be written any more; what
            comes then is not recorded.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        *,
        user_rate_hz: int,
        agent_rate_hz: int,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Create the file, or replace it, and begin. The file has the higher of the two rates.

        Raises:
            AudioFileError: the file cannot be created.
        """
        self._rate_hz = max(user_rate_hz, agent_rate_hz)
        self._writer = WavWriter(path, self._rate_hz, channels=2)
        self.failed: Callable[[Exception], None] = log_failure
        self._clock = clock
        self._begin_s = clock()
        self._user = Track(user_rate_hz, self._rate_hz, self._begin_s)
        self._agent = Track(agent_rate_hz, self._rate_hz, self._begin_s)
        self._user_rate_hz = user_rate_hz
        self._written = 0
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="duologue recording", daemon=True)
        self._thread.start()

    def user(self, samples: Samples) -> None:
        """Record what was heard of the user until now."""
        if not self._stopping.is_set():
            self._user.put(self._clock() - len(samples) / self._user_rate_hz, samples)

    def agent(self, samples: Samples) -> None:
        """Record what is heard of the agent from now on."""
        if not self._stopping.is_set():
            self._agent.put(self._clock(), samples)

    def close(self) -> None:
        """Write what is left, and close the file, within 2 s. Without effect the second time."""
        self._stopping.set()
        self._thread.join(CLOSE_LIMIT_S)

    def write(self) -> None:
        """Write what is complete on both sides, and what has been waited for long enough."""
        waited_for = round((self._clock() - WAIT_FOR_SIDE_S - self._begin_s) * self._rate_hz)
        complete = min(self._user.ready, self._agent.ready)
        self._write_until(max(waited_for, complete))

    def _run(self) -> None:
        try:
            while not self._stopping.wait(WRITE_EVERY_S):
                self.write()
            self._write_until(max(self._user.ready, self._agent.ready))
            self._writer.close()
        except AudioFileError as error:
            self._stopping.set()
            with suppress(AudioFileError):  # the same again
                self._writer.close()
            self.failed(error)

    def _write_until(self, frame: int) -> None:
        if frame > self._written:
            sides = (self._user.take(frame), self._agent.take(frame))
            self._writer.write(np.stack(sides, axis=1).reshape(-1))
            self._written = frame
