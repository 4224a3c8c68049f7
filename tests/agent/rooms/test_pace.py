from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from duologue.agent.rooms.pace import LATE_MS, RoomPace
from duologue.audio.tracks.packets import PACKET_BYTES, PACKET_MS

BEGAN_S = 1000.0
SILENCE = bytes(PACKET_BYTES)


def voice(number: int = 1, size: int = PACKET_BYTES) -> bytes:
    return bytes([number]) * size


class Sender:
    """Takes packets when they are due, and keeps when it has taken which."""

    def __init__(self) -> None:
        self.pace = RoomPace(BEGAN_S)
        self.sent: list[tuple[int, bytes]] = []

    def until(self, now_ms: int) -> None:
        """Take what is due, one look each millisecond."""
        began_ms = self.sent[-1][0] + 1 if self.sent else 0
        for at_ms in range(began_ms, now_ms + 1):
            self.look(at_ms)

    def look(self, at_ms: int) -> None:
        # The time of the next packet is a sum of many: one falls a hair before it.
        while (packet := self.pace.take(BEGAN_S + at_ms / 1000 + 1e-6)) is not None:
            self.sent.append((at_ms, packet))


def test_silence_flows_at_the_pace_of_real_time() -> None:
    sender = Sender()
    sender.until(1000)
    assert [at_ms for at_ms, _ in sender.sent] == list(range(0, 1001, PACKET_MS))
    assert {packet for _, packet in sender.sent} == {SILENCE}


def test_voice_takes_the_place_of_the_next_silence() -> None:
    sender = Sender()
    sender.until(107)
    sender.pace.push(voice(1) + voice(2))
    sender.until(200)
    assert sender.sent[6:9] == [(120, voice(1)), (140, voice(2)), (160, SILENCE)]


def test_an_end_that_fills_no_packet_is_filled_up() -> None:
    sender = Sender()
    sender.pace.push(voice(1) + voice(2, 960))
    sender.until(40)
    assert [packet for _, packet in sender.sent] == [
        voice(1),
        voice(2, 960) + bytes(PACKET_BYTES - 960),
        SILENCE,
    ]


def test_what_is_cleared_is_not_sent() -> None:
    sender = Sender()
    sender.pace.push(voice(1) * 3)
    sender.until(0)
    sender.pace.clear()
    sender.pace.push(voice(2))
    sender.until(40)
    assert [packet for _, packet in sender.sent] == [voice(1), voice(2), SILENCE]


def test_a_short_delay_is_made_up_for() -> None:
    sender = Sender()
    sender.pace.push(b"".join(voice(number) for number in range(1, 11)))
    sender.until(20)
    sender.look(20 + LATE_MS)
    sender.until(180)
    assert [packet for _, packet in sender.sent] == [voice(number) for number in range(1, 11)]
    assert [at_ms for at_ms, _ in sender.sent] == [0, 20, 80, 80, 80, 100, 120, 140, 160, 180]


def test_a_long_delay_is_not_made_up_for() -> None:
    sender = Sender()
    sender.until(0)
    sender.look(5000)
    assert len([at_ms for at_ms, _ in sender.sent if at_ms == 5000]) == LATE_MS // PACKET_MS + 1
    sender.until(5100)
    assert sender.sent[-1][0] - sender.sent[-2][0] == PACKET_MS


def test_it_says_how_much_waits_and_how_much_came() -> None:
    pace = RoomPace(BEGAN_S)
    pace.push(voice() * 5)
    pace.take(BEGAN_S)
    assert (pace.waiting_ms, pace.pushed_ms) == (80, 100)
    pace.clear()
    assert (pace.waiting_ms, pace.pushed_ms) == (0, 100)


@given(
    st.lists(
        st.tuples(st.integers(0, 300), st.integers(1, 4 * PACKET_BYTES // 2).map(lambda n: 2 * n)),
        max_size=10,
    )
)
def test_nothing_of_the_voice_is_lost_or_comes_twice(pushes: list[tuple[int, int]]) -> None:
    sender = Sender()
    pushed, now_ms = b"", 0
    for number, (pause_ms, size) in enumerate(pushes, 1):
        now_ms += pause_ms
        sender.until(now_ms)
        sender.pace.push(voice(number, size))
        pushed += voice(number, size)
    sender.until(now_ms + 1000)
    assert b"".join(packet for _, packet in sender.sent).replace(b"\0", b"") == pushed
    times_ms = [at_ms for at_ms, _ in sender.sent]
    assert times_ms == list(range(0, times_ms[-1] + 1, PACKET_MS))
