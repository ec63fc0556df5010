"""An index of mails for smart matching in memory: the same look-up as the stored one, for dry runs and one batch."""

from bisect import bisect_right, insort
from collections import defaultdict
from collections.abc import Iterator
from datetime import datetime
from operator import attrgetter
from typing import Generic

from services.domain.smart_matching import Hashes, Indexed, Key, Parameters, needed, rank, since

MOST_CANDIDATES = 500
"""Of each word that is looked up, so many of the newest mails are compared, so that a common subject costs no more."""

_sent = attrgetter("sent")


class SmartIndex(Generic[Key]):
    """Keeps, for each word, the mails that have it by the time they were sent. Not safe for several threads at once."""

    def __init__(self, most: int = MOST_CANDIDATES) -> None:
        """``most`` is how many mails of one word are compared."""
        self._most = most
        self._by_word: defaultdict[int, list[Indexed[Key]]] = defaultdict(list)

    def add(self, one: Indexed[Key]) -> None:
        """Add a mail. One that is added again, as with another copy, is there twice, which changes no answer."""
        for word in one.hashes.words:
            insort(self._by_word[word], one, key=_sent)

    def find(self, hashes: Hashes, sent: datetime, parameters: Parameters) -> Indexed[Key] | None:
        """Return what a mail with these hashes, sent at this time, continues, or None."""
        rarest = sorted(hashes.words, key=lambda word: (len(self._by_word.get(word, ())), word))
        oldest = since(sent, parameters)
        best: Indexed[Key] | None = None
        highest: tuple[datetime, int, str] | None = None
        for word in rarest[: needed(hashes, parameters)]:
            for one in self._newest(word, sent, oldest):
                if best is not None and one.sent < best.sent:
                    break
                found = rank(one, hashes, sent, parameters)
                if found is not None and (highest is None or found > highest):
                    best, highest = one, found
        return best

    def _newest(self, word: int, until: datetime, oldest: datetime) -> Iterator[Indexed[Key]]:
        """Yield the mails with a word that were sent in this time, the newest first."""
        mails = self._by_word.get(word, [])
        place = bisect_right(mails, until, key=_sent)
        for at in range(place - 1, max(-1, place - 1 - self._most), -1):
            if mails[at].sent < oldest:
                return
            yield mails[at]
