"""One point in time for each of many things, and which of them have come."""

import heapq
import itertools
from collections.abc import Hashable
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)
STALE = 100


class Timers(Generic[K]):
    """A thing has one time, the one that was set last. Memory goes with the number of things, not of changes."""

    def __init__(self) -> None:
        self._at: dict[K, float] = {}
        self._heap: list[tuple[float, int, K]] = []
        self._numbers = itertools.count()

    def set(self, what: K, when: float) -> None:
        """Give a thing its time."""
        if self._at.get(what) != when:
            self._at[what] = when
            heapq.heappush(self._heap, (when, next(self._numbers), what))
            if len(self._heap) > 2 * len(self._at) + STALE:
                self._heap = [one for one in self._heap if self._at.get(one[2]) == one[0]]
                heapq.heapify(self._heap)

    def forget(self, what: K) -> None:
        """Take a thing's time away, if it has one."""
        self._at.pop(what, None)

    def next(self) -> float | None:
        """Return a time that no thing's is before; None when there is none."""
        return self._heap[0][0] if self._heap else None

    def due(self, now: float) -> list[K]:
        """Take and return the things whose time has come, in its order."""
        found = []
        while self._heap and self._heap[0][0] <= now:
            when, _, what = heapq.heappop(self._heap)
            if self._at.get(what) == when:
                del self._at[what]
                found.append(what)
        return found
