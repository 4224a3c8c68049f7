"""How soon the agent notices that the user talks over it, where the microphone hears both.

    python -m benchmarks.barge_in_through_echo

lets an agent tell a story on virtual devices, in a room in which the speaker is heard by the
microphone at -6 dB, after 60 ms, and talks over it 8 dB louder than that echo. Measured is from
the first voiced sample of the user in the microphone to the interruption at the client, and to the
last sample of the story that is audible at the speaker.
"""

from __future__ import annotations

import asyncio
import statistics
import tempfile
import time
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

import numpy as np

from benchmarks.barge_in import DEFINITION
from benchmarks.conversations import agent
from duologue import Conversation, Mode
from duologue.audio.playout.player import AUDIBLE_ABOVE
from duologue.audio.samples import Samples, samples_from_floats
from tests.real.acoustics import Room, echoing_room
from tests.real.listening import RATE_HZ
from tests.real.speech import SpokenSentences

BARGE_INS = 5
SENTENCE = "What is the capital of France?"
LOUDER_DB = 8.0
LISTEN_S = 4.0
"""By then the canceller knows the room."""
FADED_S = 0.15
LIMIT_S = 20.0
NOTICED_LIMIT_S = 10.0


@dataclass(frozen=True)
class BargeIn:
    """From the first voiced sample of the user in the microphone on."""

    noticed_ms: float
    silent_ms: float


class Missed(Enum):
    """Why there is nothing to measure."""

    INTERRUPTED_ITSELF = "the agent interrupted itself"
    UNNOTICED = "the agent talked on"


async def barge_in(
    room: Room, spoken: SpokenSentences, *, origin: str, agent_id: str
) -> BargeIn | Missed:
    """Talk over an agent once."""
    noticed: asyncio.Future[float] = asyncio.get_running_loop().create_future()

    def interrupted() -> None:
        if not noticed.done():
            noticed.set_result(time.monotonic())

    async with Conversation.start_session(
        agent_id=agent_id, origin=origin, on_interruption=lambda event: interrupted()
    ) as conversation:
        async with asyncio.timeout(LIMIT_S):
            while conversation.mode is not Mode.SPEAKING:
                await asyncio.sleep(0.01)
        with room.hearing_microphone() as echo:
            await asyncio.sleep(LISTEN_S)
        if noticed.done():
            return Missed.INTERRUPTED_ITSELF
        sentence = at_level(spoken(SENTENCE, RATE_HZ), level_of(echo.samples) * gain(LOUDER_DB))
        with (
            room.hearing_speaker() as speaker,
            room.hearing_microphone() as microphone,
            room.saying(sentence),
        ):
            try:
                noticed_s = await asyncio.wait_for(noticed, NOTICED_LIMIT_S)
            except TimeoutError:
                return Missed.UNNOTICED
            # The answer comes later than that.
            await asyncio.sleep(FADED_S)
            silent_s = speaker.last_audible_s(AUDIBLE_ABOVE)
            await asyncio.sleep(len(sentence) / RATE_HZ)
    first_voiced = int(np.flatnonzero(np.abs(sentence.astype(np.int32)) > AUDIBLE_ABOVE)[0])
    spoke_s = microphone.find(sentence).at_s + first_voiced / RATE_HZ
    return BargeIn((noticed_s - spoke_s) * 1000, (silent_s - spoke_s) * 1000)


def gain(level_db: float) -> float:
    """The factor of so many dB."""
    return float(10 ** (level_db / 20))


def level_of(samples: Samples) -> float:
    """The root mean square of those blocks of 10 ms in which something is audible."""
    blocks = samples[: len(samples) // 480 * 480].reshape(-1, 480).astype(np.float64)
    audible = blocks[np.abs(blocks).max(axis=1) > AUDIBLE_ABOVE]
    return float(np.sqrt(np.mean(np.square(audible))))


def at_level(samples: Samples, level: float) -> Samples:
    """The same sound so loud; at full scale it is clipped."""
    return samples_from_floats(samples.astype(np.float64) * level / level_of(samples))


async def measure(barge_ins: int = BARGE_INS) -> list[BargeIn | Missed]:
    """Talk over the agent, print each figure, and return them."""
    with tempfile.TemporaryDirectory() as folder, echoing_room(Path(folder)) as room:
        spoken = SpokenSentences(Path(folder))
        async with agent(DEFINITION) as (origin, _):
            results = [
                await barge_in(room, spoken, origin=origin, agent_id="reader")
                for _ in range(barge_ins)
            ]
    for result in results:
        print(
            f"noticed after {result.noticed_ms:.0f} ms, silent after {result.silent_ms:.0f} ms"
            if isinstance(result, BargeIn)
            else result.value
        )
    measured = [result for result in results if isinstance(result, BargeIn)]
    print(
        f"{len(measured)} barge-ins through the echo: noticed after "
        f"{statistics.median(result.noticed_ms for result in measured):.0f} ms (median), silent "
        f"after {statistics.median(result.silent_ms for result in measured):.0f} ms"
    )
    return results


if __name__ == "__main__":
    asyncio.run(measure())
