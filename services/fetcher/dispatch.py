"""
Which mailboxes this replica checks now: claims what is due, keeps leases alive, gives them back.

One loop and a bounded pool of threads. A server that hangs holds one thread until its time-out; the others go on.
"""

import logging
import threading
from collections import Counter
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from time import monotonic, sleep
from typing import Protocol

from services.domain.approval import Permit
from services.domain.errors import Retry
from services.fetcher.checks import Ended
from services.fetcher.leases import Leases
from services.settings.permits import changed, permit_of, readable
from services.settings.snapshot import Snapshot

log = logging.getLogger(__name__)

WORKERS = 8
MATCH_SECONDS = 60.0
TICK_SECONDS = 0.2
BUSY_DELAY = 0.5
DRAIN_SECONDS = 6.0


class Check(Protocol):
    """What is done with a claimed mailbox; the true one is ``Checker.check``."""

    def __call__(self, mailbox: str, go_on: Callable[[], bool], /) -> Ended:
        """Check the mailbox."""


@dataclass(slots=True)
class _Held:
    profile: str
    work: Future[Ended] | None = None
    lost: threading.Event = field(default_factory=threading.Event)


class Dispatcher:
    """
    The loop of one replica. Only ``run`` touches its state; workers see events alone.

    ``ended`` is told of each check; ``settle`` gets the settings each minute and when they change.
    """

    def __init__(
        self,
        leases: Leases,
        settings: Callable[[], Snapshot],
        check: Check,
        *,
        ended: Callable[[Ended], None] = lambda _: None,
        settle: Callable[[Snapshot], None] = lambda _: None,
        workers: int = WORKERS,
    ) -> None:
        self._leases = leases
        self._settings = settings
        self._check = check
        self._ended = ended
        self._settle = settle
        self._settling: Future[None] | None = None
        self._workers = workers
        self._held: dict[str, _Held] = {}
        self._seen: Snapshot | None = None
        self._matched = self._renewed = self._settled = float("-inf")

    def run(self, stopping: threading.Event, beat: Callable[[str | None], None]) -> None:
        """
        Work until ``stopping`` is set, then let running checks end at their next batch.

        ``beat`` is called at each turn, with the reason while Redis does not answer.
        """
        pool = ThreadPoolExecutor(self._workers, "check")
        while not stopping.wait(TICK_SECONDS):
            beat(self._guarded(lambda: self.turn(pool, stopping)))
        until = monotonic() + DRAIN_SECONDS
        while self._held and monotonic() < until:
            beat(self._guarded(self._collect))
            sleep(TICK_SECONDS / 4)
        for held in self._held.values():
            held.lost.set()
        # A check that waits for a server is not waited for: what it has not committed is offered again.
        pool.shutdown(wait=False, cancel_futures=True)

    @staticmethod
    def _guarded(step: Callable[[], None]) -> str | None:
        try:
            step()
        except Retry as error:
            return str(error)
        return None

    def turn(self, pool: ThreadPoolExecutor, stopping: threading.Event) -> None:
        """Give back what is done, keep what runs, take what is due."""
        self._collect()
        now = monotonic()
        if now - self._renewed > self._leases.ttl / 3:
            for mailbox in self._leases.renew(list(self._held)):
                self._held[mailbox].lost.set()
                self._matched = float("-inf")  # Redis may have been flushed
            self._renewed = now
        snapshot = self._settings()
        self._follow(snapshot, pool, now)
        busy = Counter(h.profile for h in self._held.values())
        claimed = self._leases.claim(self._workers - len(self._held))
        if claimed is None:
            self._matched = float("-inf")
        for mailbox in claimed or ():
            settings = snapshot.mailboxes.get(mailbox)
            if mailbox in self._held or settings is None or settings.server_profile not in snapshot.profiles:
                continue
            profile = settings.server_profile
            if busy[profile] >= snapshot.profiles[profile].max_connections:
                self._leases.release(mailbox, BUSY_DELAY)
                continue
            busy[profile] += 1
            held = self._held[mailbox] = _Held(profile)
            held.work = pool.submit(self._check, mailbox, self._asked(mailbox, held, stopping))

    def _follow(self, snapshot: Snapshot, pool: ThreadPoolExecutor, now: float) -> None:
        """Bring due times and states to what the settings say, each minute and when they change."""
        new = self._seen is None or snapshot.version != self._seen.version
        # Not after each match: with nothing to be read there is one at every turn.
        if (new or now - self._settled > MATCH_SECONDS) and (self._settling is None or self._settling.done()):
            self._settling = pool.submit(self._settle, snapshot)
            self._settled = now
        elif new:
            self._settled = float("-inf")  # when the one that runs is done
        if new or now - self._matched > MATCH_SECONDS:
            self._leases.match(readable(snapshot))
            if self._seen is not None and (mended := changed(self._seen, snapshot)):
                self._leases.make_due(mended)
            self._seen, self._matched = snapshot, now

    def _asked(self, mailbox: str, held: _Held, stopping: threading.Event) -> Callable[[], bool]:
        def go_on() -> bool:
            allowed = permit_of(self._settings(), mailbox) is Permit.ALLOWED
            return allowed and not held.lost.is_set() and not stopping.is_set()

        return go_on

    def _collect(self) -> None:
        for mailbox, held in list(self._held.items()):
            if held.work is None or not held.work.done():
                continue
            # Taken out first: when Redis is away the lease ends by itself.
            del self._held[mailbox]
            ended = held.work.result()
            self._ended(ended)
            self._leases.release(mailbox, ended.delay)
