"""
Which mailboxes this replica checks now: claims what is due, keeps leases alive, gives them back.

One loop and a bounded pool of threads. A server that hangs holds one thread until its time-out; the others go on.
"""

import logging
import threading
from collections import Counter
from collections.abc import Callable, Collection
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from time import monotonic, sleep
from typing import Any, Protocol

from services.domain.approval import Permit
from services.domain.errors import Retry
from services.fetcher.checks import Ended
from services.fetcher.following import Following
from services.fetcher.idle_limits import IdleLimits
from services.fetcher.idling import Idling
from services.fetcher.kept import Awake
from services.fetcher.leases import Leases
from services.settings.permits import left_to_routers, polling_of
from services.settings.snapshot import Snapshot

log = logging.getLogger(__name__)

WORKERS = 8
FOR_POLLING = 2  # of them: mailboxes that are woken all the time do not keep the others waiting
TICK_SECONDS = 0.2
BUSY_DELAY = 0.5
DRAIN_SECONDS = 6.0


class Check(Protocol):
    """What is done with a claimed mailbox; the true one is ``Checker.check``."""

    def __call__(self, mailbox: str, go_on: Callable[[], bool], awake: Awake | None = None, /) -> Ended:
        """Check the mailbox, over the connection that it idled on where it did."""


@dataclass(slots=True)
class _Held:
    profile: str
    work: Future[Ended] | None = None
    lost: threading.Event = field(default_factory=threading.Event)
    idled: bool = False


class Dispatcher:
    """
    The loop of one replica. Only ``run`` touches its state; workers see events alone.

    ``ended`` is told of each check; for ``settle`` and ``behind`` see :class:`Following`.
    """

    def __init__(
        self,
        leases: Leases,
        settings: Callable[[], Snapshot],
        check: Check,
        *,
        ended: Callable[[Ended], None] = lambda _: None,
        settle: Callable[[Snapshot], None] = lambda _: None,
        behind: Callable[[Snapshot], Collection[str]] = lambda _: (),
        workers: int = WORKERS,
        limits: IdleLimits | None = None,
    ) -> None:
        self._leases = leases
        self._settings = settings
        self._check = check
        self._ended = ended
        self._workers = workers
        self._stirred = threading.Event()  # a check has ended or a mailbox is awake
        self._idling = Idling(limits or IdleLimits(polling=workers), told=self._stirred.set)
        self._held: dict[str, _Held] = {}
        self._following = Following(leases, settle=settle, follow=self._idling.follow, behind=behind)
        self._renewed = float("-inf")

    def run(self, stopping: threading.Event, beat: Callable[[str | None], None]) -> None:
        """
        Work until ``stopping`` is set, then let running checks end at their next batch.

        ``beat`` is called at each turn, with the reason while Redis does not answer.
        """
        pool = ThreadPoolExecutor(self._workers, "check")
        while not stopping.is_set():
            beat(self._guarded(lambda: self.turn(pool, stopping)))
            self._stirred.wait(TICK_SECONDS)
            self._stirred.clear()
        self._idling.close()
        beat(self._guarded(self._release))
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
            self._keep_leases()
            self._renewed = now
        snapshot = self._settings()
        self._following.turn(snapshot, pool)
        self._resume(pool, stopping)
        busy = Counter(h.profile for h in self._held.values() if not h.idled) + Counter(self._idling.connections())
        claimed = self._leases.claim(self._workers - len(self._held))
        if claimed is None:
            self._following.match_again()
        for mailbox in claimed or ():
            settings = snapshot.mailboxes.get(mailbox)
            if mailbox in self._held or settings is None or settings.server not in snapshot.profiles:
                continue
            profile = settings.server
            if busy[profile] >= snapshot.profiles[profile].max_connections:
                self._leases.release(mailbox, BUSY_DELAY)
                continue
            busy[profile] += 1
            self._idling.lose(mailbox)  # Redis was flushed
            held = self._held[mailbox] = _Held(profile)
            self._start(pool, held, mailbox, self._asked(mailbox, held, stopping))

    def _keep_leases(self) -> None:
        for mailbox in self._leases.renew([*self._held, *self._idling.leased()]):
            self._idling.lose(mailbox)
            if mailbox in self._held:
                self._held[mailbox].lost.set()
            self._following.match_again()  # Redis may have been flushed
        self._idling.share(self._leases.replicas())

    def _resume(self, pool: ThreadPoolExecutor, stopping: threading.Event) -> None:
        """Check what is awake, and release what idles no more."""
        self._idling.turn()
        if self._idling.leased():
            for mailbox in self._leases.nudged():
                self._idling.end(mailbox)
        free = self._workers - max(len(self._held), FOR_POLLING + sum(held.idled for held in self._held.values()))
        for awake in self._idling.take(free, self._leases.renew):
            held = self._held[awake.mailbox] = _Held(awake.kept.settings.server, idled=True)
            self._start(pool, held, awake.mailbox, self._asked(awake.mailbox, held, stopping), awake)
        self._release()

    def _release(self) -> None:
        for mailbox, delay in self._idling.freed():
            self._leases.release(mailbox, delay)

    def _start(self, pool: ThreadPoolExecutor, held: _Held, *what: Any) -> None:  # noqa: ANN401 - for the check
        held.work = pool.submit(self._check, *what)
        held.work.add_done_callback(lambda _: self._stirred.set())

    def _asked(self, mailbox: str, held: _Held, stopping: threading.Event) -> Callable[[], bool]:
        def go_on() -> bool:
            snapshot = self._settings()
            allowed = polling_of(snapshot, mailbox) is Permit.ALLOWED and not left_to_routers(snapshot)
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
            if (delay := self._idling.after(mailbox, ended, leased=not held.lost.is_set())) is not None:
                self._leases.release(mailbox, delay)
