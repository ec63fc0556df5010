"""Which mailbox the router checks when: what is due, what the endpoint wishes, what has changed beside it."""

import logging
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field

from services.router.checks import Ended, Hello
from services.router.mailboxes import Mailbox
from services.runtime.backoff import pauses

log = logging.getLogger(__name__)

WORKERS = 8
TICK_SECONDS = 0.1
HELLO_SECONDS = 10.0  # far below the time after which a router is missed
DRAIN_SECONDS = 7.0

Check = Callable[[Mailbox, Callable[[], bool]], Ended]


@dataclass(slots=True)
class _Turn:
    """A mailbox, when it is due, what is done with it now, and what it last came to."""

    mailbox: Mailbox
    due: float = 0.0
    work: Future[Ended] | None = None
    stamp: int = 0
    code: str = ""
    backing_off: Iterator[float] = field(default_factory=pauses)


class Schedule:
    """
    Checks each mailbox when it is due. Only ``run`` touches its state.

    ``hello`` shows the endpoint that the router lives and brings what it wishes, None when it is away; ``mark`` names a
    mailbox in the log.
    """

    def __init__(
        self,
        mailboxes: tuple[Mailbox, ...],
        check: Check,
        *,
        hello: Callable[[], Hello | None],
        mark: Callable[[str], str],
    ) -> None:
        self._turns = [_Turn(mailbox) for mailbox in mailboxes]
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
        checks = ThreadPoolExecutor(min(WORKERS, len(self._turns)), "check")
        greetings = ThreadPoolExecutor(1, "hello")
        while not stopping.wait(TICK_SECONDS):
            now = time.monotonic()
            self._greet(greetings, now)
            for turn in self._turns:
                self._collect(turn, now)
                if turn.work is None and turn.due <= now:
                    turn.stamp = turn.mailbox.stamp()
                    turn.work = checks.submit(self._check, turn.mailbox, lambda: not stopping.is_set())
        until = time.monotonic() + DRAIN_SECONDS
        while any(turn.work is not None and not turn.work.done() for turn in self._turns) and time.monotonic() < until:
            time.sleep(TICK_SECONDS)
        for pool in (checks, greetings):
            pool.shutdown(wait=False, cancel_futures=True)

    def _greet(self, pool: ThreadPoolExecutor, now: float) -> None:
        if self._greeting is not None and self._greeting.done():
            hello, self._greeting = self._greeting.result(), None
            if hello is not None:
                self._wished(hello)
        if self._greeting is None and now - self._greeted > HELLO_SECONDS:
            self._greeting, self._greeted = pool.submit(self._hello), now

    def _wished(self, hello: Hello) -> None:
        """Check now what is to be tested and what has a new password; everything, when it is left to us from now on."""
        newly = hello.left and not self._left
        self._left = hello.left
        for turn in self._turns:
            if newly or turn.mailbox.address in hello.tests or turn.stamp != turn.mailbox.stamp():
                turn.due = 0.0

    def _collect(self, turn: _Turn, now: float) -> None:
        if turn.work is None or not turn.work.done():
            return
        ended, turn.work = turn.work.result(), None
        if ended.delay is None:
            turn.due = now + max(next(turn.backing_off), ended.again)
        else:
            turn.due, turn.backing_off = now + ended.delay, pauses()
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
