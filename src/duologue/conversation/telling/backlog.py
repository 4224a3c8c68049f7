"""What waits for somebody who is slower than what comes: in order, bounded, and cheap to drop."""

from __future__ import annotations

import itertools
from collections import deque
from collections.abc import Callable, Iterable
from typing import Generic, TypeVar

Item = TypeVar("Item")


class Backlog(Generic[Item]):
    """A queue that is never longer than its limit. Nothing here takes longer the more waits.

    Args:
        limit: how many items wait at most.
        goes_first: whether an item is dropped before all others, when one has to go.
        items: what waits from the beginning.

    Attributes:
        dropped: how many items were dropped.
    """

    def __init__(
        self, limit: int, goes_first: Callable[[Item], bool], items: Iterable[Item] = ()
    ) -> None:
        self._limit = limit
        self._goes_first = goes_first
        self._numbers = itertools.count()
        self._sparable: deque[tuple[int, Item]] = deque()
        self._others: deque[tuple[int, Item]] = deque()
        self.dropped = 0
        for item in items:
            self.append(item)

    def __len__(self) -> int:
        return len(self._sparable) + len(self._others)

    def append(self, item: Item) -> None:
        """Let an item wait after the others; if they are too many, the oldest is dropped."""
        if len(self) >= self._limit:
            (self._sparable or self._others).popleft()
            self.dropped += 1
        kind = self._sparable if self._goes_first(item) else self._others
        kind.append((next(self._numbers), item))

    def popleft(self) -> Item:
        """Take the item that has waited longest.

        Raises:
            IndexError: nothing waits.
        """
        heads = [kind for kind in (self._sparable, self._others) if kind]
        if not heads:
            raise IndexError("nothing waits")
        return min(heads, key=lambda kind: kind[0][0]).popleft()[1]
