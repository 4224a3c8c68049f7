"""How much may come at once, and in the long run."""

from __future__ import annotations


class Allowance:
    """A token bucket: full at first, and filled again as time passes.

    Args:
        per_s: how much comes in each second.
        at_once: how much it holds.
        now_s: the time, in seconds that never go back.
    """

    def __init__(self, per_s: float, at_once: float, now_s: float) -> None:
        self._per_s = per_s
        self._at_once = at_once
        self._left = at_once
        self._filled_s = now_s

    def take(self, amount: float, now_s: float) -> bool:
        """Take so much; False if it is not there. Then nothing is taken."""
        self._left = min(self._at_once, self._left + (now_s - self._filled_s) * self._per_s)
        self._filled_s = now_s
        if amount > self._left:
            return False
        self._left -= amount
        return True
