"""What a session of a test is made of: its options, its devices, and those that break."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from duologue.audio.files.tap import WavTap
from duologue.audio.pacing.arrays import ArraySink, ArraySource
from duologue.audio.pacing.beat import Beat, Work
from duologue.audio.pacing.real_time import REAL_TIME
from duologue.conversation import Conversation
from duologue.conversation.starting.start import SessionStart
from duologue.errors import DeviceError
from duologue.testing.memory_devices import MemoryMicrophone, MemorySpeaker
from tests.leaks.servers import Origins, has_closed_meanwhile

RATE_HZ = 16_000
start_session: Any = Conversation.start_session  # with options that its types cannot see here
_numbers = itertools.count()


@dataclass(frozen=True)
class Stage:
    """Where sessions are started.

    Attributes:
        origins: the servers.
        folder: where speakers may write files.
        spoken: whether the sessions are spoken, or written.
    """

    origins: Origins
    folder: Path
    spoken: bool = field(kw_only=True)

    def start(self, script: str, **options: Any) -> SessionStart[Any]:
        """The start of a session with an agent that does what `script` says."""
        if "signed_url" not in options:
            options = {"agent_id": script, "origin": self.origins.agent, **options}
        devices = self._devices() if self.spoken else {}
        started: SessionStart[Any] = start_session(
            text_only=not self.spoken,
            **{"connection_type": "websocket", **devices, **options},
        )
        return started

    def _devices(self) -> dict[str, Any]:
        """Every second session has a microphone that plays an array, and a speaker with a file."""
        number = next(_numbers)
        if number % 2:
            return {"microphone": MemoryMicrophone(RATE_HZ), "speaker": MemorySpeaker(RATE_HZ)}
        samples = np.full(RATE_HZ // 10, 1000, np.int16)
        return {
            "microphone": ArraySource(samples, RATE_HZ),
            "speaker": WavTap(MemorySpeaker(RATE_HZ), self.folder / f"{number}.wav"),
        }


class UnopenableMicrophone(ArraySource):
    """A microphone that cannot be opened."""

    def __init__(self) -> None:
        super().__init__(np.zeros(0, np.int16), RATE_HZ)

    def start(self, deliver: Callable[[memoryview], None]) -> None:
        raise DeviceError("no such microphone")


class SlowMicrophone(ArraySource):
    """A microphone that opens once the server has closed."""

    def __init__(self) -> None:
        super().__init__(np.zeros(0, np.int16), RATE_HZ)

    def start(self, deliver: Callable[[memoryview], None]) -> None:
        assert has_closed_meanwhile.wait(10)
        has_closed_meanwhile.clear()
        super().start(deliver)


class UnopenableSpeaker(ArraySink):
    """A speaker that cannot be opened."""

    def __init__(self) -> None:
        super().__init__(RATE_HZ)

    def start(self, render: Callable[[int], memoryview]) -> None:
        raise DeviceError("no such speaker")


class BreakingPace:
    """Lets a device work for five blocks, and then fail."""

    def now(self) -> float:
        return REAL_TIME.now()

    def beat(self, work: Work) -> Beat:
        blocks = itertools.count()

        def work_for_a_while(at_once: int) -> None:
            if next(blocks) == 5:
                raise DeviceError("the device was pulled out")
            work.do(at_once)

        return REAL_TIME.beat(replace(work, do=work_for_a_while))


def breaking_microphone() -> MemoryMicrophone:
    """A microphone that fails after 50 ms."""
    return MemoryMicrophone(RATE_HZ, pace=BreakingPace())


def breaking_speaker() -> MemorySpeaker:
    """A speaker that fails after 50 ms."""
    return MemorySpeaker(RATE_HZ, pace=BreakingPace())
