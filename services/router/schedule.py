"""Which mailbox the router checks when: what is due, what the endpoint wishes, what has changed beside it."""

import logging
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Protocol

from services.fetcher import checks
from services.fetcher.idle_limits import IdleLimits
from services.fetcher.idling import Idling
from services.fetcher.kept import Awake
from services.router.checks import Ended, Hello
from services.router.mailboxes import Mailbox
from services.runtime.backoff import pauses

log = logging.getLogger(__name__)

WORKERS = 8
FOR_POLLING = 2  # of them: mailboxes that are woken all the time do not keep the others waiting
TICK_SECONDS = 0.1
HELLO_SECONDS = 10.0  # far below the time after which a router is missed
DRAIN_SECONDS = 7.0

IDLES = float("inf")


class Check(Protocol):
    """What is done with a mailbox that is due; the true one is ``Checker.check``."""

    def __call__(self, mailbox: Mailbox, go_on: Callable[[], bool], awake: Awake | None = None, /) -> Ended:
        """Check the mailbox, over the connection that it idled on where it did."""


@dataclass(slots=True)
class _Turn:
    """
    A mailbox, when it is due (``IDLES``: when it is told of), what is done with it now, and what it last came to.

    ``terms`` is the mark of the settings under which it was last checked.
    """

    mailbox: Mailbox
    due: float = 0.0
    work: Future[Ended] | None = None
    woken: bool = False
    stamp: int = 0
    code: str = ""
    terms: str = ""
    backing_off: Iterator[float] = field(default_factory=pauses)


class Schedule:
    """
    Checks each mailbox when it is due. Only ``run`` touches its state.

    ``hello`` shows the endpoint that the router lives and brings what it wishes, None when it is away; ``mark`` names a
    mailbox in the log. ``limits`` says how many may idle between their checks.
    """

    def __init__(
        self,
        mailboxes: tuple[Mailbox, ...],
        check: Check,
        *,
        hello: Callable[[], Hello | None],
        mark: Callable[[str], str],
        limits: IdleLimits | None = None,
    ) -> None:
        self._turns = {mailbox.address: _Turn(mailbox) for mailbox in mailboxes}
        self._idling = Idling(limits or IdleLimits(polling=WORKERS), told=lambda: None)
        self._check = check
        self._hello = hello
        self._mark = mark
        self._greeting: Future[Hello | None] | None = None
        self._greeted = float("-inf")
        self._left = True

    def run(self, stopping: threading.Event) -> None:
        """
        Work until ``stopping`` is set, then let running checks end at their next batch.

        While the endpoint is away each mailbox is tried again after ever longer pauses, up to ten seconds, or when the
        endpoint wishes; nothing is kept meanwhile.
        """
        pool = ThreadPoolExecutor(min(WORKERS, len(self._turns)), "check")
        greetings = ThreadPoolExecutor(1, "hello")
        while not stopping.wait(TICK_SECONDS):
            now = time.monotonic()
            self._greet(greetings, now)
            for turn in self._turns.values():
                self._collect(turn, now)
            self._resume(pool, stopping, now)
            for turn in self._turns.values():
                if turn.work is None and turn.due <= now:
                    self._start(pool, stopping, turn)
        self._idling.close()
        until = time.monotonic() + DRAIN_SECONDS
        while any(turn.work is not None for turn in self._turns.values()) and time.monotonic() < until:
            time.sleep(TICK_SECONDS)
            for turn in self._turns.values():
                self._collect(turn, time.monotonic())
        for one in (pool, greetings):
            one.shutdown(wait=False, cancel_futures=True)

    def _start(
        self, pool: ThreadPoolExecutor, stopping: threading.Event, turn: _Turn, awake: Awake | None = None
    ) -> None:
        turn.stamp, turn.woken = turn.mailbox.stamp(), awake is not None
        over = () if awake is None else (awake,)
        turn.work = pool.submit(self._check, turn.mailbox, lambda: not stopping.is_set(), *over)

    def _resume(self, pool: ThreadPoolExecutor, stopping: threading.Event, now: float) -> None:
        """Check what is awake; what idles no more is due."""
        self._idling.turn()
        working = [turn for turn in self._turns.values() if turn.work is not None]
        free = WORKERS - max(len(working), FOR_POLLING + sum(turn.woken for turn in working))
        for awake in self._idling.take(free, lambda _: ()):
            self._start(pool, stopping, self._turns[awake.mailbox], awake)
        for mailbox, delay in self._idling.freed():
            self._turns[mailbox].due = now + delay

    def _greet(self, pool: ThreadPoolExecutor, now: float) -> None:
        if self._greeting is not None and self._greeting.done():
            hello, self._greeting = self._greeting.result(), None
            if hello is not None:
                self._wished(hello)
        if self._greeting is None and now - self._greeted > HELLO_SECONDS:
            self._greeting, self._greeted = pool.submit(self._hello), now

    def _wished(self, hello: Hello) -> None:
        """
        Check now what is to be tested, what has a new password and of what the settings say something else; everything,
        when it is left to us from now on.

        When it is not any more nothing idles.
        """
        newly = hello.left and not self._left
        self._left = hello.left
        for address, turn in self._turns.items():
            # One that was never checked is tried again soon anyhow.
            changed = turn.terms != "" and hello.terms.get(address, turn.terms) != turn.terms
            wanted = newly or changed or address in hello.tests or turn.stamp != turn.mailbox.stamp()
            if wanted or not hello.left:
                self._idling.end(address)
            if wanted and turn.due != IDLES:
                turn.due = 0.0

    def _collect(self, turn: _Turn, now: float) -> None:
        if turn.work is None or not turn.work.done():
            return
        ended, turn.work = turn.work.result(), None
        turn.terms = ended.terms or turn.terms
        if ended.delay is None:
            turn.due = now + max(next(turn.backing_off), ended.again)
        self._idle(turn, ended, now)
        told = {"mailbox": self._mark(turn.mailbox.address), "code": ended.code}
        if ended.mails:
            log.info("mails are handed in", extra={**told, "mails": ended.mails})
        if ended.code != turn.code:
            # Once, and not at each try: an endpoint may be away for a night.
            if ended.code:
                log.warning("a mailbox cannot be read: %s", ended.words, extra=told)
            else:
                log.info("a mailbox is read again", extra=told)
        turn.code = ended.code

    def _idle(self, turn: _Turn, ended: Ended, now: float) -> None:
        """Let a mailbox idle, where it may; else it is due when the endpoint has said."""
        said = checks.Ended(
            code=ended.code,
            delay=ended.delay or 0.0,
            mails=ended.mails,
            kept=ended.kept,
            folders=ended.folders,
        )
        delay = self._idling.after(turn.mailbox.address, said, leased=True)
        if ended.delay is not None:
            turn.due, turn.backing_off = IDLES if delay is None else now + delay, pauses()
