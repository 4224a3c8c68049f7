"""What the agent does when nobody speaks: it speaks again, and in the end it hangs up."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from duologue.agent.definition import NEVER, Turn


class Silence:
    """Watches for stretches in which neither side speaks or is about to.

    The agent speaks again once for each time the user has been heard: a user who has walked away
    is not talked to for ever.

    Args:
        turn: the limits, from the agent's definition.
        speak_again: called after `turn_timeout`.
        end_call: called after `silence_end_call_timeout`.
    """

    def __init__(
        self, turn: Turn, *, speak_again: Callable[[], None], end_call: Callable[[], None]
    ) -> None:
        self._turn = turn
        self._speak_again = speak_again
        self._end_call = end_call
        self._has_spoken_again = False
        self._timers: list[asyncio.TimerHandle] = []

    def user_acts(self) -> None:
        """The user speaks or writes."""
        self._has_spoken_again = False

    def begins(self) -> None:
        """Neither side speaks now."""
        self.ends()
        if self._turn.turn_timeout != NEVER and not self._has_spoken_again:
            self._call_later(self._turn.turn_timeout, self._on_turn_timeout)
        if self._turn.silence_end_call_timeout != NEVER:
            self._call_later(self._turn.silence_end_call_timeout, self._end_call)

    def ends(self) -> None:
        """Somebody speaks, or the call is over."""
        for timer in self._timers:
            timer.cancel()
        self._timers.clear()

    def _on_turn_timeout(self) -> None:
        self._has_spoken_again = True
        self._speak_again()

    def _call_later(self, delay_s: float, call: Callable[[], None]) -> None:
        self._timers.append(asyncio.get_running_loop().call_later(delay_s, call))
