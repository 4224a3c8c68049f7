"""What of the agent's words has been heard, by how much of their sound has been played."""

from __future__ import annotations

from array import array
from bisect import bisect_right
from collections.abc import Callable
from typing import Final

from duologue.protocol.server_events import Alignment

RESPONSES_LIMIT: Final = 256
"""How many responses are known at most; the oldest is forgotten first."""

ROUNDING_MS: Final = 1.0
"""Sound has been played whole if no more is missing: resampling rounds to whole samples."""


class Heard:
    """Knows which words belong to which sound, and so which of them have been heard.

    Characters that come aligned with the sound have been heard once they have been spoken in full.
    Where none come, the share of the response's sound that was played is taken for the share of
    its characters: an estimate, and too high a one while sound is still to come.

    How much was played is asked of the play-out, with an event id, in ms; it only ever grows.
    """

    def __init__(self) -> None:
        # In the order of their latest sound, which is that in which they are played.
        self._responses: dict[int, _Response] = {}

    def written(self, event_id: int, text: str) -> None:
        """The whole text of a response came."""
        self._response(event_id).text = text

    def sound(self, event_id: int, duration_ms: float, alignment: Alignment | None) -> None:
        """Sound of a response came, and is played after all that came before."""
        response = self._response(event_id)
        response.add(duration_ms, alignment)
        self._responses[event_id] = self._responses.pop(event_id)

    def interrupted(self, played_ms: Callable[[int], float]) -> None:
        """All sound that waits was dropped, and its words will not be heard."""
        for event_id, response in self._responses.items():
            response.cut(played_ms(event_id))

    def until_now(self, played_ms: Callable[[int], float]) -> str:
        """What has been heard of the response that is being heard, or else was heard last."""
        for event_id in reversed(self._responses):
            if played := played_ms(event_id):
                return self._responses[event_id].heard(played).strip()
        return ""

    def _response(self, event_id: int) -> _Response:
        if event_id not in self._responses:
            self._responses[event_id] = _Response()
            if len(self._responses) > RESPONSES_LIMIT:
                del self._responses[next(iter(self._responses))]
        return self._responses[event_id]


class _Response:
    """What is known of one response.

    Attributes:
        text: how it is written, once that is known.
    """

    def __init__(self) -> None:
        self.text = ""
        self._is_aligned = False
        self._chars: list[str] = []
        self._ends_ms = array("d")  # when each is spoken in full; ascending
        self._audible_ms = 0.0  # the sound that was played or waits to be
        self._received_ms = 0.0  # that and what was dropped

    def add(self, duration_ms: float, alignment: Alignment | None) -> None:
        if alignment is not None:
            self._is_aligned = True
            self._add_chars(alignment)
        self._audible_ms += duration_ms
        self._received_ms += duration_ms

    def cut(self, played_ms: float) -> None:
        heard = self._chars_heard(played_ms)
        del self._chars[heard:], self._ends_ms[heard:]
        self._audible_ms = min(self._audible_ms, played_ms)

    def heard(self, played_ms: float) -> str:
        if self._is_aligned:
            return "".join(self._chars[: self._chars_heard(played_ms)])
        if played_ms >= self._received_ms - ROUNDING_MS:
            return self.text
        return self.text[: int(len(self.text) * played_ms / self._received_ms)]

    def _add_chars(self, alignment: Alignment) -> None:
        latest_ms = self._ends_ms[-1] if self._ends_ms else 0.0
        for char, start_ms, duration_ms in zip(
            alignment.chars,
            alignment.char_start_times_ms,
            alignment.char_durations_ms,
            strict=False,  # see `Alignment`
        ):
            # A server may be wrong about an end, but not about the order of characters.
            latest_ms = max(latest_ms, self._audible_ms + start_ms + duration_ms)
            self._chars.append(char)
            self._ends_ms.append(latest_ms)

    def _chars_heard(self, played_ms: float) -> int:
        # The last character may be said to end after the sound: that is rounding, too.
        if played_ms >= self._audible_ms - ROUNDING_MS:
            return len(self._chars)
        return bisect_right(self._ends_ms, played_ms)
