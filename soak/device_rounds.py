"""One conversation, whose devices are switched, unplugged, and lost with their server, in rounds.

The process of `soak.devices`, which watches what is written to the terminal meanwhile.
"""

from __future__ import annotations

import asyncio
import logging
import os
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from duologue import Conversation, DeviceChange, ErrorReport, VoiceConversation
from duologue.audio.samples import bytes_from_samples
from soak.figures import HEADER, Figures, growth
from soak.talker import Talker
from tests.audio.room import babble
from tests.real.pulseaudio import (
    MICROPHONE,
    OTHER_MICROPHONE,
    OTHER_SPEAKER,
    SPEAKER,
    PulseAudio,
    running_pulseaudio,
)

DEVICE_RATE_HZ: Final = 48_000
WAIT_S: Final = 10.0
"""How long anything may take, on a machine that is busy."""

NOTICED_WITHIN_MS: Final = 1500.0
"""A loss is noticed within 500 ms on a machine that has nothing else to do."""

BESIDE_MS: Final = 6 * 40.0
"""By so much sound a round may be longer or shorter than the time it took: in each, another
microphone is heard six times, and of no gap more than 40 ms are to be missing or too much."""

SETTLING_S: Final = 1.0
"""Until then what was heard before the conversation began has been sent."""

VOLUME: Final = 0.25
HEARD_ABOVE: Final = 300


@dataclass
class Told:
    """What the conversation has told of its devices."""

    changes: list[DeviceChange] = field(default_factory=list)
    errors: list[tuple[float, str]] = field(default_factory=list)

    def error(self, report: ErrorReport) -> None:
        """Note a report, and when it came."""
        self.errors.append((time.monotonic(), str(report.context.get("device"))))

    def forget(self) -> None:
        """Begin anew, for the next event."""
        self.changes.clear()
        self.errors.clear()

    def both_in_use(self, microphone: str | None, speaker: str | None) -> bool:
        """Whether these have been told to be in use, last of all."""
        latest = {change.kind: change for change in self.changes}
        return {kind: change.device_id for kind, change in latest.items() if change.available} == {
            "microphone": microphone,
            "speaker": speaker,
        }

    def both_missing(self) -> bool:
        """Whether there are no devices at all, as told last."""
        latest = {change.kind: change for change in self.changes}
        return len(latest) == 2 and not any(change.available for change in latest.values())


@dataclass
class Course:
    """What was measured.

    Attributes:
        noticed_ms: after how long each loss was told.
        beside_ms: by how much more time than sound went by in each round.
        figures: what the process used after each round.
    """

    noticed_ms: list[float] = field(default_factory=list)
    beside_ms: list[float] = field(default_factory=list)
    figures: list[Figures] = field(default_factory=list)

    def failures(self) -> list[str]:
        """What was not as it should be, in sentences."""
        failures = growth(self.figures[1:] or self.figures, conversations=1)
        if (slowest_ms := max(self.noticed_ms)) > NOTICED_WITHIN_MS:
            failures.append(f"a loss was noticed after {slowest_ms:.0f} ms")
        if (furthest_ms := max(map(abs, self.beside_ms))) > BESIDE_MS:
            failures.append(f"what was sent in a round is {furthest_ms:.0f} ms beside the time")
        return failures


class Trial:
    """The conversation, its devices, and what is done to them."""

    def __init__(
        self,
        conversation: VoiceConversation,
        server: PulseAudio,
        talker: Talker,
        told: Told,
        voice: Path,
    ) -> None:
        self._conversation = conversation
        self._server = server
        self._talker = talker
        self._told = told
        self._course = Course()
        self._voice = voice

    async def run(self, rounds: int) -> Course:
        """Do everything in turn, so many times; measure after each."""
        began_s = time.monotonic()
        print(f"round {HEADER}")
        for number in range(1, rounds + 1):
            behind_ms = self._talker.behind_ms
            for step in (self._switch, self._unplug, self._kill):
                self._told.forget()
                await step()
                await self._both_go_on()
            self._course.beside_ms.append(self._talker.behind_ms - behind_ms)
            self._course.figures.append(await self._settled(time.monotonic() - began_s))
            print(
                f"{number:5} {self._course.figures[-1]}, noticed after "
                f"{max(self._course.noticed_ms[-4:]):4.0f} ms, "
                f"{self._course.beside_ms[-1]:4.0f} ms of sound missing",
                flush=True,
            )
        return self._course

    async def _switch(self) -> None:
        """To the other devices and back, muted and not."""
        conversation = self._conversation
        with (
            self._server.playing(f"{MICROPHONE}_in", self._voice, DEVICE_RATE_HZ),
            self._server.playing(f"{OTHER_MICROPHONE}_in", self._voice, DEVICE_RATE_HZ),
        ):
            await _eventually(lambda: self._talker.loudest > HEARD_ABOVE, "the user is heard")
            conversation.set_mic_muted(True)
            await _eventually(lambda: self._talker.loudest == 0, "the microphone is muted")
            await self._use(OTHER_MICROPHONE, OTHER_SPEAKER)
            await self._both_go_on()
            _see(self._talker.loudest == 0, "a muted microphone was heard after the switch")
            conversation.set_mic_muted(False)
            await _eventually(lambda: self._talker.loudest > HEARD_ABOVE, "the other is heard")
            await self._use(MICROPHONE, SPEAKER)
            await _eventually(lambda: self._talker.loudest > HEARD_ABOVE, "the first is heard")

    async def _use(self, microphone: str, speaker: str) -> None:
        await self._conversation.change_input_device(microphone)
        await self._conversation.change_output_device(speaker)
        await _eventually(
            lambda: self._told.both_in_use(microphone, speaker), f"{microphone}, {speaker} in use"
        )

    async def _unplug(self) -> None:
        """Both devices, which are replaced by the others, and plug them in again."""
        await self._lose(lambda: self._server.unload(f"source_name={MICROPHONE}"))
        await self._lose(lambda: self._server.unload(f"sink_name={SPEAKER}"))
        await _eventually(lambda: self._told.both_in_use(None, None), "the defaults are in use")
        await self._both_go_on()
        await asyncio.to_thread(self._server.unload, f"sink_name={MICROPHONE}_in")
        await asyncio.to_thread(self._server.add_microphone, MICROPHONE, "Mic_One")
        await asyncio.to_thread(self._server.add_speaker, SPEAKER, "Speaker_One")
        await self._chosen_are_back()

    async def _kill(self) -> None:
        """The server, and start it again."""
        await self._lose(self._server.kill, devices=2)
        await _eventually(self._told.both_missing, "nothing is in use")
        await self._both_go_on()
        await asyncio.to_thread(self._server.start)
        await asyncio.to_thread(self._server.add_microphone, OTHER_MICROPHONE)
        await asyncio.to_thread(self._server.add_speaker, OTHER_SPEAKER)
        await self._chosen_are_back()

    async def _lose(self, take_away: Callable[[], None], devices: int = 1) -> None:
        expected = len(self._told.errors) + devices
        began_s = time.monotonic()
        await asyncio.to_thread(take_away)
        await _eventually(lambda: len(self._told.errors) >= expected, "the loss is told")
        self._course.noticed_ms += [
            (at_s - began_s) * 1000 for at_s, _ in self._told.errors[-devices:]
        ]

    async def _chosen_are_back(self) -> None:
        await _eventually(
            lambda: self._told.both_in_use(MICROPHONE, SPEAKER), "the chosen devices are back"
        )

    async def _both_go_on(self) -> None:
        """Sound goes on in both directions, with the same volume, and is metered."""
        conversation = self._conversation
        chunks, played_ms = self._talker.chunks, conversation.audio_counters.played_ms
        await _eventually(lambda: self._talker.chunks > chunks + 5, "the agent hears on")
        await _eventually(
            lambda: conversation.audio_counters.played_ms > played_ms + 100, "the agent talks on"
        )
        await _eventually(lambda: conversation.output_level > 0, "the agent's level is shown")
        # Of what the agent says, no 50 ms are louder than 0.14, as received.
        _see(conversation.output_level < 0.14 * 2 * VOLUME, "the volume is not what it was")
        _see(conversation.is_open(), "the conversation has ended")

    async def _settled(self, at_s: float) -> Figures:
        """What the process uses, once nothing of what was lost is being closed."""
        await asyncio.sleep(0.1)
        return Figures.of(os.getpid(), at_s, len(asyncio.all_tasks()))


async def soak(server: PulseAudio, rounds: int, voice: Path) -> list[str]:
    """Hold the conversation; return what was wrong, in sentences.

    Args:
        voice: a file of bare samples, to be said into the microphones.
    """
    talker, told = Talker(), Told()
    await _fill_pool()
    server.add_microphone(OTHER_MICROPHONE)
    server.add_speaker(OTHER_SPEAKER)
    async with talker.agent as agent:
        async with Conversation.start_session(
            agent_id="talker",
            origin=agent.origin,
            input_device_id=MICROPHONE,
            output_device_id=SPEAKER,
            on_device_change=told.changes.append,
            on_error=told.error,
        ) as conversation:
            conversation.set_volume(VOLUME)
            await asyncio.sleep(SETTLING_S)
            course = await Trial(conversation, server, talker, told, voice).run(rounds)
            counters = conversation.audio_counters
        failures = course.failures()
        if counters.chunks_dropped or counters.dropped_ms:
            failures.append(f"sound was dropped: {counters}")
        if talker.chunks != counters.chunks_sent:
            failures.append(f"{counters.chunks_sent} chunks were sent, {talker.chunks} came")
    print(
        f"\n{rounds} rounds: {len(course.noticed_ms)} losses, noticed after "
        f"{sum(course.noticed_ms) / len(course.noticed_ms):.0f} ms on average and "
        f"{max(course.noticed_ms):.0f} ms at most; {counters.chunks_sent} chunks, at most "
        f"{max(map(abs, course.beside_ms)):.0f} ms beside the time in a round; "
        f"{counters.underruns} underruns"
    )
    return failures


async def _fill_pool() -> None:
    """Start all threads of the loop's pool: one that comes late would look like a leak."""
    most = min(32, (os.cpu_count() or 1) + 4)  # as ThreadPoolExecutor has it
    await asyncio.gather(*(asyncio.to_thread(time.sleep, 0.1) for _ in range(most)))


def main() -> int:
    """Do as many rounds as the first argument says; return the exit code."""
    logging.getLogger("duologue").addHandler(logging.NullHandler())
    with (
        tempfile.TemporaryDirectory() as folder,
        running_pulseaudio(Path(folder)) as server,
    ):
        os.environ |= server.environment
        voice = Path(folder) / "voice.pcm"
        voice.write_bytes(bytes_from_samples(babble(60, DEVICE_RATE_HZ)))
        failures = asyncio.run(soak(server, int(sys.argv[1]), voice))
    print("\n".join(failures) or "nothing was lost, nothing has grown")
    return 1 if failures else 0


def _see(condition: bool, otherwise: str) -> None:
    if not condition:
        raise AssertionError(otherwise)


async def _eventually(condition: Callable[[], bool], what: str) -> None:
    deadline_s = time.monotonic() + WAIT_S
    while not condition():
        if time.monotonic() > deadline_s:
            raise TimeoutError(f"this did not come to pass within {WAIT_S:g} s: {what}")
        await asyncio.sleep(0.005)


if __name__ == "__main__":
    sys.exit(main())
