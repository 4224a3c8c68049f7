"""What resampling costs an agent's ear: words taken for others after 48 kHz became 16.

    python -m benchmarks.resampled_words

has short sentences spoken by ten voices of espeak-ng, brings them from a microphone's 48 kHz to
the 16 of WebSocket with our resampler, with libsamplerate's next cheaper filter, and with soxr's
HQ, which keeps nearly all but is late by far too much for a conversation, recognises each, and
prints the word error rates.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import jiwer
import numpy as np
import samplerate
import soxr

from benchmarks.word_error_rate import SENTENCES, espeak, plain
from duologue.agent.speech.hearing.whisper import SAMPLE_RATE_HZ, WhisperTranscriber
from duologue.agent.speech.models import WHISPER_TINY_EN, model_folder
from duologue.audio.resample import Resampler
from duologue.audio.samples import Samples, samples_from_floats
from duologue.cli.models import pull_missing

MICROPHONE_HZ = 48_000
VOICES = (
    *("en-us", "en-us+f2", "en-us+f3", "en-us+m3", "en-us+m7"),
    *("en-gb", "en-gb+f4", "en-gb-scotland", "en-gb-x-rp", "en-029"),
)
LONGEST_SENTENCE = 75
"""In characters: the longer ones are understood anyhow, by what they are about."""


def by_ours(samples: Samples) -> Samples:
    """What a microphone's sound goes through."""
    resampler = Resampler(MICROPHONE_HZ, SAMPLE_RATE_HZ)
    return np.concatenate((resampler.push(samples), resampler.flush()))


def by_the_cheaper_filter(samples: Samples) -> Samples:
    """libsamplerate's `sinc_fastest`."""
    ratio = SAMPLE_RATE_HZ / MICROPHONE_HZ
    converted = samplerate.resample(samples.astype(np.float32), ratio, "sinc_fastest")
    return samples_from_floats(converted)


def by_soxr_hq(samples: Samples) -> Samples:
    """soxr's filter for recordings."""
    return np.asarray(soxr.resample(samples, MICROPHONE_HZ, SAMPLE_RATE_HZ, quality="HQ"))


WAYS: dict[str, Callable[[Samples], Samples]] = {
    "ours": by_ours,
    "sinc_fastest": by_the_cheaper_filter,
    "soxr HQ": by_soxr_hq,
}


def main() -> None:
    """Speak, resample and recognise all, and print the word error rates."""
    pull_missing()
    said = [text for text in SENTENCES if len(text) < LONGEST_SENTENCE]
    spoken = [espeak(text, voice, MICROPHONE_HZ) for voice in VOICES for text in said]
    whisper = WhisperTranscriber(model_folder(WHISPER_TINY_EN), draws=False)
    try:
        for name, convert in WAYS.items():
            heard = [asyncio.run(whisper.transcribe(convert(samples))) for samples in spoken]
            rate = jiwer.wer([plain(text) for text in said] * len(VOICES), [*map(plain, heard)])
            print(f"{name}: {rate:.3f} of the words of {len(spoken)} sentences")
    finally:
        whisper.close()


if __name__ == "__main__":
    main()
