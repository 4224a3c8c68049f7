from __future__ import annotations

import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from duologue.audio.playout.player import AUDIBLE_ABOVE
from duologue.audio.processing.voice import MAX_BLOCKS_WAITING, VoiceProcessor, last_of
from duologue.audio.samples import Samples, silence
from tests.audio.room import attenuation_db, babble, echo, resampled
from tests.audio.signals import noise

LEARNED_S = 3
"""From then on an echo is to be gone."""


def processed(
    processor: VoiceProcessor, heard: Samples, heard_hz: int, played: Samples, played_hz: int
) -> Samples:
    """What comes out if both devices call every 10 ms, the speaker first."""
    blocks = []
    for block in range(len(heard) * 100 // heard_hz):
        processor.played(played[block * played_hz // 100 : (block + 1) * played_hz // 100])
        blocks.append(
            processor.process(heard[block * heard_hz // 100 : (block + 1) * heard_hz // 100])
        )
    return np.concatenate(blocks)


def from_second(samples: Samples, rate_hz: int, second: int = LEARNED_S) -> Samples:
    return samples[second * rate_hz :]


@pytest.mark.parametrize("delay_ms", [20, 60, 120, 300])
@pytest.mark.parametrize(
    ("capture_hz", "playback_hz"), [(16_000, 16_000), (16_000, 24_000), (48_000, 44_100)]
)
def test_an_echo_is_taken_out(capture_hz: int, playback_hz: int, delay_ms: float) -> None:
    played = babble(6, 48_000)
    heard = resampled(echo(played, 48_000, delay_ms=delay_ms), 48_000, capture_hz)
    processor = VoiceProcessor(capture_rate_hz=capture_hz, playback_rate_hz=playback_hz)
    rest = processed(
        processor, heard, capture_hz, resampled(played, 48_000, playback_hz), playback_hz
    )
    assert attenuation_db(from_second(heard, capture_hz), from_second(rest, capture_hz)) >= 30


def test_an_echo_is_taken_out_when_a_speaker_asks_ahead_and_a_microphone_calls_more_often() -> None:
    played = babble(6, 16_000)
    heard = echo(played, 16_000, delay_ms=60)
    processor = VoiceProcessor(capture_rate_hz=16_000, playback_rate_hz=16_000)
    blocks = []
    for start in range(0, len(heard), 480):
        for played_start in range(start, start + 480, 160):
            processor.played(played[played_start : played_start + 160])
        blocks += [processor.process(heard[at : at + 80]) for at in range(start, start + 480, 80)]
    rest = np.concatenate(blocks)
    assert attenuation_db(from_second(heard, 16_000), from_second(rest, 16_000)) >= 30


@pytest.mark.parametrize("played_before", [0, 1, 50])
def test_an_echo_is_taken_out_when_a_microphone_brings_two_frames_at_once(
    played_before: int,
) -> None:
    played = babble(7, 16_000).reshape(-1, 320)
    heard = echo(played.ravel(), 16_000, delay_ms=60).reshape(-1, 320)
    processor = VoiceProcessor(capture_rate_hz=16_000, playback_rate_hz=16_000)
    rest = []
    for number, (plays, hears) in enumerate(zip(played, heard, strict=True)):
        processor.played(plays[:160])
        processor.played(plays[160:])
        if number >= played_before:
            rest.append(processor.process(hears))
    left = np.concatenate(rest)
    at_last = heard.ravel()[-len(left) :]
    assert attenuation_db(from_second(at_last, 16_000), from_second(left, 16_000)) >= 30


@pytest.mark.parametrize("still_frames", [1, 2, 3, 5, 10, 20])
@pytest.mark.parametrize("at_once", [160, 320, 640])
def test_a_user_is_heard_again_after_a_speaker_stood_still(at_once: int, still_frames: int) -> None:
    voice = babble(12, 16_000)
    played = voice[::-1].reshape(-1, 160) // 4
    processor = VoiceProcessor(capture_rate_hz=16_000, playback_rate_hz=16_000)
    rest = []
    for at, heard in enumerate(voice.reshape(-1, at_once)):
        for frame in range(at * at_once // 160, (at + 1) * at_once // 160):
            if not 400 <= frame < 400 + still_frames:
                processor.played(played[frame])
        rest.append(processor.process(heard))
    left = np.concatenate(rest)
    assert attenuation_db(from_second(voice, 16_000, 8), from_second(left, 16_000, 8)) < 6


@pytest.mark.parametrize("again_in_time_after_s", [1, 8])
def test_no_echo_comes_through_when_a_speaker_calls_later_than_before(
    again_in_time_after_s: float,
) -> None:
    played = babble(10, 16_000)
    heard = echo(played, 16_000, delay_ms=60).reshape(-1, 160)
    processor = VoiceProcessor(capture_rate_hz=16_000, playback_rate_hz=16_000)
    late = range(400, round(400 + again_in_time_after_s * 100))
    blocks, rest = list(played.reshape(-1, 160)), []
    for tick, frame in enumerate(heard):
        while len(blocks) > len(heard) - tick - 1 + (2 if tick in late else 0):
            processor.played(blocks.pop(0))
        rest.append(processor.process(frame))
    loudest = np.abs(np.array(rest[LEARNED_S * 100 :]).astype(np.int32)).max()
    assert loudest < AUDIBLE_ABOVE


def test_what_is_played_while_no_microphone_calls_is_forgotten_after_a_second() -> None:
    processor = VoiceProcessor(capture_rate_hz=16_000, playback_rate_hz=16_000)
    block = silence(160)
    before = sys.getrefcount(block)
    for _ in range(10 * MAX_BLOCKS_WAITING):
        processor.played(block)
    assert sys.getrefcount(block) == before + MAX_BLOCKS_WAITING
    processor.process(silence(160))
    assert sys.getrefcount(block) == before


@pytest.mark.parametrize(
    ("heard_s", "kept"), [(0.005, 1), (0.01, 1), (0.02, 2), (0.045, 3), (0.055, 4), (0.5, 5)]
)
def test_of_what_was_played_before_as_much_counts_as_is_heard_at_first(
    heard_s: float, kept: int
) -> None:
    block = silence(160)
    played: list[Samples | float] = [block, block, 0.03, block, block]
    assert len(last_of(played, heard_s, 16_000)) == kept


def test_without_echo_cancellation_the_echo_stays() -> None:
    played = babble(6, 16_000)
    heard = echo(played, 16_000, delay_ms=60)
    processor = VoiceProcessor(
        capture_rate_hz=16_000, playback_rate_hz=16_000, echo_cancellation=False
    )
    rest = processed(processor, heard, 16_000, played, 16_000)
    assert attenuation_db(from_second(heard, 16_000), from_second(rest, 16_000)) < 10


def test_a_voice_alone_stays_as_loud_as_it_is() -> None:
    voice = babble(6, 16_000)
    processor = VoiceProcessor(capture_rate_hz=16_000, playback_rate_hz=16_000)
    rest = processed(processor, voice, 16_000, silence(len(voice)), 16_000)
    assert abs(attenuation_db(from_second(voice, 16_000), from_second(rest, 16_000))) < 6


def test_steady_noise_is_suppressed_if_that_is_asked_for() -> None:
    fan = noise(6000, 16_000, dbfs=-40)

    def suppressed_db(*, noise_suppression: bool) -> float:
        processor = VoiceProcessor(
            capture_rate_hz=16_000,
            playback_rate_hz=16_000,
            noise_suppression=noise_suppression,
        )
        rest = processed(processor, fan, 16_000, silence(len(fan)), 16_000)
        return attenuation_db(from_second(fan, 16_000), from_second(rest, 16_000))

    assert suppressed_db(noise_suppression=True) > suppressed_db(noise_suppression=False) + 6


def test_gain_control_brings_a_quiet_voice_up() -> None:
    voice = babble(10, 16_000, peak=600)
    processor = VoiceProcessor(
        capture_rate_hz=16_000, playback_rate_hz=16_000, auto_gain_control=True
    )
    rest = processed(processor, voice, 16_000, silence(len(voice)), 16_000)
    assert attenuation_db(from_second(voice, 16_000, 8), from_second(rest, 16_000, 8)) < -6


@settings(max_examples=20, deadline=None)
@given(st.lists(st.integers(0, 700), min_size=1, max_size=20))
def test_however_the_sound_is_cut_as_much_comes_out_as_goes_in(sizes: list[int]) -> None:
    voice = babble(1, 16_000)
    whole = VoiceProcessor(capture_rate_hz=16_000, playback_rate_hz=16_000)
    cut = VoiceProcessor(capture_rate_hz=16_000, playback_rate_hz=16_000)
    pieces = [cut.process(piece) for piece in np.split(voice[: sum(sizes)], np.cumsum(sizes)[:-1])]
    rest = np.concatenate(pieces)
    expected = whole.process(voice[: sum(sizes)])
    assert min(sum(sizes), len(voice)) - len(rest) < 160
    assert rest.tobytes() == expected.tobytes()


@pytest.mark.parametrize("rate_hz", [4_000, 400_000])
def test_a_rate_that_cannot_be_processed_is_refused(rate_hz: int) -> None:
    with pytest.raises(ValueError, match=f"not {rate_hz:,} Hz; switch them off"):
        VoiceProcessor(capture_rate_hz=rate_hz, playback_rate_hz=16_000)
    with pytest.raises(ValueError, match="8,000 to 384,000 Hz"):
        VoiceProcessor(capture_rate_hz=16_000, playback_rate_hz=rate_hz)
