"""Sound as numpy arrays: a recorded question is asked, and the agent's voice comes back measured.

Shows `ArraySource` in place of the microphone and `ArraySink` in place of the speaker: everything
between them is arithmetic on int16 samples. Good for evaluations, data sets and notebooks.

With an agent on this machine (`duologue serve` in another terminal), and any recording:

    python examples/numpy_audio.py question.wav --output reply.wav

With a public agent of yours at ElevenLabs:

    python examples/numpy_audio.py question.wav agent_… --origin wss://api.elevenlabs.io
"""

from __future__ import annotations

import argparse
import asyncio
import os
import sys

import numpy as np
import numpy.typing as npt

from duologue import Conversation, DuologueError
from duologue.audio import ArraySink, ArraySource, read_wav, write_wav

REPLY_RATE_HZ = 24_000
FULL_SCALE = 32_768
ANSWER_LIMIT_S = 60.0
QUIET_S = 2.0
"""The answer is over once the agent has been silent for so long."""

Samples = npt.NDArray[np.int16]


async def ask(
    question: Samples, rate_hz: int, *, agent_id: str, origin: str, greeting_s: float
) -> Samples:
    """Speak to the agent, and return all that it said, at 24 kHz.

    Args:
        question: the user's voice.
        rate_hz: its sample rate.
        greeting_s: how long the agent may greet before the question is asked.

    Raises:
        TimeoutError: it was not done within `ANSWER_LIMIT_S`.
    """
    pause = np.zeros(round(greeting_s * rate_hz), dtype=np.int16)
    speaker = ArraySink(REPLY_RATE_HZ)
    answering = asyncio.Event()
    async with (
        asyncio.timeout(ANSWER_LIMIT_S),
        Conversation.start_session(
            agent_id=agent_id,
            origin=origin,
            microphone=ArraySource(np.concatenate((pause, question)), rate_hz),
            speaker=speaker,
            on_message=lambda message: print(f"{message.role}: {message.text}"),
            on_turn_metrics=lambda metrics: answering.set(),
        ),
    ):
        await answering.wait()  # a turn is measured once its answer is audible; a greeting is none
        await asyncio.sleep(QUIET_S)
        heard = speaker.heard()
        while not is_quiet(heard):
            await asyncio.sleep(0.1)
            heard = speaker.heard()
    return heard


def is_quiet(heard: Samples) -> bool:
    """Whether the last two seconds were silence."""
    latest = heard[-round(QUIET_S * REPLY_RATE_HZ) :]
    return not np.any(np.abs(latest.astype(np.int32)) > FULL_SCALE // 100)


def at_full_level(samples: Samples) -> Samples:
    """The same sound, so loud that its peak is 3 dB below full scale."""
    peak = max(1, int(np.abs(samples.astype(np.int32)).max(initial=0)))
    return (samples * (10 ** (-3 / 20) * (FULL_SCALE - 1) / peak)).astype(np.int16)


def loudness_db(samples: Samples, rate_hz: int, window_s: float = 0.25) -> npt.NDArray[np.float64]:
    """The root mean square of each window, in dB below full scale (0 is the loudest)."""
    size = round(window_s * rate_hz)
    windows = samples[: len(samples) // size * size].reshape(-1, size).astype(np.float64)
    rms = np.sqrt(np.mean(windows**2, axis=1)) / FULL_SCALE
    decibels: npt.NDArray[np.float64] = 20 * np.log10(np.maximum(rms, 1e-5))
    return decibels


def plot(decibels: npt.NDArray[np.float64], window_s: float = 0.25) -> None:
    """One line for each window, a character for every 2 dB above -80."""
    for number, level_db in enumerate(decibels):
        print(f"{number * window_s:6.2f} s {level_db:6.1f} dB {'#' * int((level_db + 80) / 2)}")


def main(arguments: argparse.Namespace) -> None:
    question, rate_hz = read_wav(arguments.question)
    reply = asyncio.run(
        ask(
            at_full_level(question),
            rate_hz,
            agent_id=arguments.agent_id,
            origin=arguments.origin,
            greeting_s=arguments.greeting,
        )
    )
    plot(loudness_db(reply, REPLY_RATE_HZ))
    if arguments.output:
        write_wav(arguments.output, reply, REPLY_RATE_HZ)


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Talk with an agent in numpy arrays.")
    parser.add_argument("question", help="a WAV file")
    parser.add_argument("agent_id", nargs="?", default="default")
    parser.add_argument(
        "--origin", default=os.environ.get("DUOLOGUE_ORIGIN", "http://127.0.0.1:8080")
    )
    parser.add_argument("--output", help="a WAV file for all that the agent said")
    parser.add_argument(
        "--greeting", type=float, default=4.0, help="seconds before the question (%(default)s)"
    )
    return parser.parse_args()


if __name__ == "__main__":
    try:
        main(parse_arguments())
    except KeyboardInterrupt:
        pass
    except TimeoutError:
        sys.exit(f"The agent gave no answer within {ANSWER_LIMIT_S:g} s.")
    except DuologueError as error:
        sys.exit(str(error))
