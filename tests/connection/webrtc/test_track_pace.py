from __future__ import annotations

import numpy as np
import pytest

from duologue.audio.samples import Samples, bytes_from_samples, samples_from_bytes
from duologue.audio.tracks.packets import PACKET_BYTES, PACKET_MS, SAMPLE_RATE_HZ
from duologue.connection.webrtc.track_pace import (
    EARLY_MS,
    LATE_MS,
    LEAD_MS,
    TrackPace,
)

CHUNK_MS = PACKET_MS
BEGAN_S = 1000.0


def silence(duration_ms: int) -> Samples:
    return np.zeros(duration_ms * SAMPLE_RATE_HZ // 1000, np.int16)


def voice(duration_ms: int) -> Samples:
    times = np.arange(duration_ms * SAMPLE_RATE_HZ // 1000) / SAMPLE_RATE_HZ
    return (12_000 * np.sin(2 * np.pi * 200 * times)).astype(np.int16)


class Sender:
    """Takes packets in time, and keeps what it has taken and when."""

    def __init__(self) -> None:
        self.now_ms = 0.0
        self.pace = TrackPace(BEGAN_S)
        self.sent: list[tuple[float, Samples]] = []

    @property
    def now_s(self) -> float:
        # The time of the next packet is a sum of many: one falls a hair before it.
        return BEGAN_S + self.now_ms / 1000 + 1e-9

    def push(self, samples: Samples, *, chunk_ms: int = CHUNK_MS, every_ms: float = 0.0) -> None:
        """Push samples in chunks, one each so many milliseconds."""
        size = chunk_ms * SAMPLE_RATE_HZ // 1000
        for start in range(0, len(samples), size):
            self.pace.push(bytes(bytes_from_samples(samples[start : start + size])), self.now_s)
            self.take()
            self.pass_ms(every_ms)

    def pass_ms(self, duration_ms: float) -> None:
        end_ms = self.now_ms + duration_ms
        while (next_ms := (self.pace.next_s() - BEGAN_S) * 1000) < end_ms:
            self.now_ms = max(self.now_ms, next_ms)
            self.take()
        self.now_ms = end_ms

    def take(self) -> None:
        while (packet := self.pace.take(self.now_s)) is not None:
            assert len(packet) == PACKET_BYTES
            self.sent.append((self.now_ms, samples_from_bytes(packet)))

    @property
    def sound(self) -> Samples:
        return np.concatenate([silence(0), *(samples for _, samples in self.sent)])

    @property
    def loud(self) -> Samples:
        """What was sent, the silent packets left out."""
        return np.concatenate([silence(0), *(one for _, one in self.sent if one.any())])


def test_where_nothing_is_pushed_silence_is_sent_at_the_pace_of_real_time() -> None:
    sender = Sender()
    sender.pass_ms(995)
    assert [at_ms for at_ms, _ in sender.sent] == pytest.approx(
        [PACKET_MS * number for number in range(50)]
    )
    assert not sender.sound.any()


@pytest.mark.parametrize("chunk_ms", [10, PACKET_MS])
@pytest.mark.parametrize("waited_ms", [0, 3, 19, 500])
def test_sound_in_time_is_sent_with_the_chunk_that_makes_a_packet_full(
    waited_ms: int, chunk_ms: int
) -> None:
    sender = Sender()
    sender.pass_ms(waited_ms)
    sender.sent.clear()
    sender.push(voice(400), chunk_ms=chunk_ms, every_ms=chunk_ms)
    first_ms = waited_ms + PACKET_MS - chunk_ms  # a chunk comes when it has been spoken
    whole_at_ms = [first_ms + PACKET_MS * number for number in range(20)]
    loud = [(at_ms, one) for at_ms, one in sender.sent if one.any()]
    assert [at_ms for at_ms, _ in loud] == pytest.approx(whole_at_ms)
    assert np.array_equal(np.concatenate([one for _, one in loud]), voice(400))


@pytest.mark.parametrize("late_ms", [1, 20, LATE_MS - 1])
def test_no_silence_is_sent_in_place_of_sound_that_is_a_little_late(late_ms: int) -> None:
    sender = Sender()
    sender.push(voice(200), every_ms=CHUNK_MS)
    sender.pass_ms(late_ms)
    sender.push(voice(200), every_ms=CHUNK_MS)
    assert all(one.any() for _, one in sender.sent)
    assert np.array_equal(sender.loud, np.tile(voice(200), 2))


def test_silence_is_sent_in_place_of_sound_that_does_not_come() -> None:
    sender = Sender()
    sender.push(voice(200), every_ms=CHUNK_MS)
    sender.pass_ms(500)
    sender.push(voice(200), every_ms=CHUNK_MS)
    assert np.array_equal(sender.loud, np.tile(voice(200), 2))
    assert 850 <= len(sender.sound) * 1000 / SAMPLE_RATE_HZ <= 950


def test_speech_that_comes_at_once_is_sent_whole_and_no_faster_than_it_is_spoken() -> None:
    sender = Sender()
    sender.push(voice(600))
    assert sender.pace.waiting_ms == pytest.approx(600 - EARLY_MS, abs=2 * PACKET_MS)
    sender.pass_ms(700)
    assert np.array_equal(sender.loud, voice(600))
    assert sender.sent[-1][0] >= 600 - EARLY_MS - PACKET_MS


def test_pauses_that_come_at_once_delay_nothing() -> None:
    sender = Sender()
    sender.push(silence(5000))
    assert sender.pace.waiting_ms <= EARLY_MS + PACKET_MS


def test_what_has_fallen_behind_is_made_up_for_in_the_next_pause() -> None:
    sender = Sender()
    sender.push(voice(300))
    sender.push(silence(1000), every_ms=CHUNK_MS)
    sender.sent.clear()
    began_ms = sender.now_ms
    sender.push(voice(100), every_ms=CHUNK_MS)
    first_ms = next(at_ms for at_ms, one in sender.sent if one.any())
    assert first_ms - began_ms <= CHUNK_MS


@pytest.mark.parametrize("at_once_ms", range(20, 201, 20))
def test_no_part_of_a_packet_waits_for_good_after_a_pause_that_was_left_out(
    at_once_ms: int,
) -> None:
    sender = Sender()
    sender.push(silence(at_once_ms))
    sender.pass_ms(at_once_ms)
    sender.push(voice(200), every_ms=CHUNK_MS)
    assert sender.pace.waiting_ms == 0


def test_the_soft_beginning_of_speech_is_sent_though_pauses_are_left_out() -> None:
    sender = Sender()
    soft = voice(LEAD_MS) // 200
    sender.push(np.concatenate((silence(800), soft, voice(300))))
    sender.pass_ms(1000)
    beginning = int(np.flatnonzero(np.abs(sender.sound) > np.abs(soft).max())[0])
    assert np.count_nonzero(sender.sound[:beginning]) > 0.7 * len(soft)


def test_a_pause_of_the_program_is_not_made_up_for_with_silence() -> None:
    sender = Sender()
    sender.pass_ms(100)
    sender.sent.clear()
    sender.now_ms += 10_000
    sender.take()
    assert len(sender.sent) <= LATE_MS // PACKET_MS + 1


@pytest.mark.parametrize("chunk_ms", [5, 7, 20, 250])
def test_chunks_may_be_of_any_length(chunk_ms: int) -> None:
    sender = Sender()
    sender.push(voice(1750), chunk_ms=chunk_ms, every_ms=chunk_ms)
    sender.pass_ms(500)
    whole = len(sender.loud)
    assert np.array_equal(sender.loud, voice(1750)[:whole])
    assert 1750 - whole * 1000 / SAMPLE_RATE_HZ < PACKET_MS
