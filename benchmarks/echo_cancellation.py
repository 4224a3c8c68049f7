"""What echo cancellation takes out of an echo, and what it costs a voice without one.

    python -m benchmarks.echo_cancellation

lets voices speak in a simulated room and measures by how much their echo is weaker from the third
second on (the ERLE), at three delays and three rates; lets nine voices speak in four rooms each, to
find those with which the canceller is slow; then puts sentences of three voices through
the processing, with nothing played, and compares the word error rates with and without it, for
voices as they are and for quiet ones (-30 dB). Each is done as by default, without noise
suppression, and with gain control.

Measured: by default 51 to 57 dB at every delay and rate, 39 to 45 dB without noise suppression, 36
to 42 dB with gain control. At 16 kHz 6.6 % of the words are wrong without processing, 7.1 % with
it, 8.5 % without noise suppression; of quiet voices 7.9 %, 11.5 %, and 8.2 % with gain control.
In four rooms, seven of nine voices keep 32 dB and more everywhere; of the voices f3 and f5 of
espeak-ng, 4 echoes of 24 are below 30 dB (20 to 29): the canceller lets one second of them through.
"""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path

import jiwer
import numpy as np

from benchmarks.conversations import spoken as spoken_by_agent
from benchmarks.word_error_rate import SENTENCES, plain
from duologue.audio.processing.voice import VoiceProcessor
from duologue.audio.samples import Samples, samples_from_floats, silence
from duologue.cli.models import pull_missing
from tests.audio.room import attenuation_db, echo, resampled
from tests.real.speech import Listener, SpokenSentences

RATES_HZ = (16_000, 24_000, 48_000)
DELAYS_MS = (20.0, 60.0, 120.0)
VOICES = ("agent", "en-us", "en-gb+f3")
"""The agent's own and two of espeak-ng."""
MORE_VOICES = tuple(f"en-us+{variant}" for variant in ("f1", "f2", "f3", "f4", "f5", "m3"))
ROOMS = (2, 3, 4, 5)
"""What their reflections are drawn from."""
LEARNED_S = 2
"""The third second begins then."""
PLAYED_S = 12
WANTED_DB = 30.0
QUIET_DB = -30.0
BLOCKS_PER_SECOND = 100
PAUSE_S = 0.5


@dataclass(frozen=True)
class Processing:
    """Options of a `VoiceProcessor`."""

    noise_suppression: bool = True
    auto_gain_control: bool = False


DEFAULT = Processing()
PROCESSINGS = {
    "default": DEFAULT,
    "without noise suppression": Processing(noise_suppression=False),
    "with gain control": Processing(auto_gain_control=True),
}


def say(spoken: SpokenSentences, voice: str, text: str, rate_hz: int) -> Samples:
    """A sentence in one of the voices."""
    if voice == "agent":
        return resampled(spoken_by_agent(text), 16_000, rate_hz)
    return spoken(text, rate_hz, voice=voice)


def processed(heard: Samples, played: Samples, rate_hz: int, options: Processing) -> Samples:
    """What is left of what was heard, if both devices call every 10 ms."""
    processor = VoiceProcessor(
        capture_rate_hz=rate_hz,
        playback_rate_hz=rate_hz,
        noise_suppression=options.noise_suppression,
        auto_gain_control=options.auto_gain_control,
    )
    size = rate_hz // BLOCKS_PER_SECOND
    blocks = []
    for start in range(0, len(heard) - size + 1, size):
        processor.played(played[start : start + size])
        blocks.append(processor.process(heard[start : start + size]))
    return np.concatenate(blocks)


def erle_db(
    played: Samples,
    rate_hz: int,
    delay_ms: float,
    options: Processing = DEFAULT,
    *,
    room: int = ROOMS[0],
) -> float:
    """By how much an echo at -6 dB is weaker from the third second on."""
    heard = echo(played, rate_hz, delay_ms=delay_ms, seed=room)
    rest = processed(heard, played, rate_hz, options)
    learned = LEARNED_S * rate_hz
    return attenuation_db(heard[learned : len(rest)], rest[learned:])


def word_error_rate(
    listener: Listener,
    sentences: dict[str, list[Samples]],
    texts: list[str],
    rate_hz: int,
    options: Processing | None,
) -> float:
    """The rate over all voices, each of which says all sentences in one go.

    Args:
        sentences: of each voice, one for each of the texts.
        options: None for no processing at all.
    """
    said, heard = [], []
    pause = silence(round(PAUSE_S * rate_hz))
    for of_voice in sentences.values():
        stream = np.concatenate([part for sentence in of_voice for part in (pause, sentence)])
        stream = np.concatenate((stream, pause))
        if options is not None:
            stream = processed(stream, silence(len(stream)), rate_hz, options)
        position = 0
        for text, sentence in zip(texts, of_voice, strict=True):
            end = position + 2 * len(pause) + len(sentence)
            said.append(plain(text))
            # From half of the pause before it to half of that after it.
            cut = stream[position + len(pause) // 2 : end - len(pause) // 2]
            heard.append(plain(listener(cut, rate_hz)))
            position = end - len(pause)
    return float(jiwer.wer(said, heard))


def measure() -> None:
    """Print all figures."""
    pull_missing()
    with tempfile.TemporaryDirectory() as folder:
        spoken = SpokenSentences(Path(folder))
        _measure_erle(spoken)
        _measure_rooms(spoken)
        listener = Listener()
        try:
            _measure_words(spoken, listener)
        finally:
            listener.close()


def _measure_erle(spoken: SpokenSentences) -> None:
    speech = " ".join(SENTENCES[20:26])
    for voice in VOICES:
        for rate_hz in RATES_HZ:
            played = say(spoken, voice, speech, rate_hz)[: PLAYED_S * rate_hz]
            for name, options in PROCESSINGS.items():
                figures = ", ".join(
                    f"{erle_db(played, rate_hz, delay_ms, options):.0f} dB at {delay_ms:.0f} ms"
                    for delay_ms in DELAYS_MS
                )
                print(f"ERLE, {voice}, {rate_hz} Hz, {name}: {figures}", flush=True)


def _measure_rooms(spoken: SpokenSentences) -> None:
    rate_hz = RATES_HZ[0]
    for voice in (*VOICES, *MORE_VOICES):
        played = say(spoken, voice, " ".join(SENTENCES[20:26]), rate_hz)[: PLAYED_S * rate_hz]
        figures = [
            erle_db(played, rate_hz, delay_ms, room=room)
            for room in ROOMS
            for delay_ms in DELAYS_MS
        ]
        low = sum(figure < WANTED_DB for figure in figures)
        print(
            f"ERLE, {voice}, {len(ROOMS)} rooms: {min(figures):.0f} to {max(figures):.0f} dB, "
            f"{low} of {len(figures)} below {WANTED_DB:.0f}",
            flush=True,
        )


def _measure_words(spoken: SpokenSentences, listener: Listener) -> None:
    texts = list(SENTENCES[:24:2])
    for rate_hz in RATES_HZ:
        loud = {voice: [say(spoken, voice, text, rate_hz) for text in texts] for voice in VOICES}
        quiet = {
            voice: [samples_from_floats(said * 10 ** (QUIET_DB / 20)) for said in of_voice]
            for voice, of_voice in loud.items()
        }
        for loudness, sentences in (("", loud), ("quiet, ", quiet)):
            figures = ", ".join(
                f"{name} {word_error_rate(listener, sentences, texts, rate_hz, options):.3f}"
                for name, options in (("as it is", None), *PROCESSINGS.items())
            )
            print(f"word error rate, {loudness}{rate_hz} Hz: {figures}", flush=True)


if __name__ == "__main__":
    measure()
