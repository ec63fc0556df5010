"""Due times and states follow the settings: each minute, and when these change."""

from collections.abc import Callable, Collection
from concurrent.futures import Future, ThreadPoolExecutor
from time import monotonic

from services.fetcher.leases import Leases
from services.settings.permits import changed, fetched
from services.settings.snapshot import Snapshot

MATCH_SECONDS = 60.0


class Following:
    """
    What a replica does about the settings. One thread calls it.

    ``settle`` gets them each minute and when they change, in a thread of the pool; ``follow`` when they change.
    ``behind`` names, at start, the mailboxes that failed under older settings: what was wrong may be mended.
    """

    def __init__(
        self,
        leases: Leases,
        *,
        settle: Callable[[Snapshot], None],
        follow: Callable[[Snapshot], None],
        behind: Callable[[Snapshot], Collection[str]],
    ) -> None:
        self._leases = leases
        self._settle = settle
        self._follow = follow
        self._behind = behind
        self._settling: Future[None] | None = None
        self._seen: Snapshot | None = None
        self._matched = self._settled = float("-inf")

    def turn(self, snapshot: Snapshot, pool: ThreadPoolExecutor) -> None:
        """Bring due times and states to what the settings say, where it is time for it."""
        now = monotonic()
        new = self._seen is None or snapshot.version != self._seen.version
        # Not after each match: with nothing to be read there is one at every turn.
        if (new or now - self._settled > MATCH_SECONDS) and (self._settling is None or self._settling.done()):
            self._settling = pool.submit(self._settle, snapshot)
            self._settled = now
        elif new:
            self._settled = float("-inf")  # when the one that runs is done
        if new or now - self._matched > MATCH_SECONDS:
            self._leases.match(fetched(snapshot))
            if new:
                self._follow(snapshot)
            if new and (mended := self._behind(snapshot) if self._seen is None else changed(self._seen, snapshot)):
                self._leases.make_due(mended)
            self._seen, self._matched = snapshot, now

    def match_again(self) -> None:
        """Have the due times matched at the next turn: some may be gone."""
        self._matched = float("-inf")
