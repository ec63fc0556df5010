"""The router at work: which mailbox is checked when, in a bounded pool of threads, until it is asked to stop."""

import fcntl
import hashlib
import logging
import os
import shutil
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from services.domain.errors import Refused
from services.router.checks import Checker, Ended
from services.router.client import Client
from services.router.configuration import Configuration, Mailbox, secret_in
from services.runtime.backoff import pauses

log = logging.getLogger(__name__)

WORKERS = 8
TICK_SECONDS = 0.1
DRAIN_SECONDS = 7.0


@dataclass(slots=True)
class _Turn:
    """A mailbox, when it is due, and what is done with it now."""

    mailbox: Mailbox
    due: float = 0.0
    work: Future[Ended] | None = None
    backing_off: Iterator[float] = field(default_factory=pauses)


class Router:
    """Checks each mailbox when it is due. Only ``run`` touches its state."""

    def __init__(self, mailboxes: tuple[Mailbox, ...], check: Callable[[Mailbox, Callable[[], bool]], Ended]) -> None:
        self._turns = [_Turn(mailbox) for mailbox in mailboxes]
        self._check = check

    def run(self, stopping: threading.Event) -> None:
        """
        Work until ``stopping`` is set, then let running checks end at their next batch.

        While the endpoint is away each mailbox is tried again after ever longer pauses, up to ten seconds, or when the
        endpoint wishes; nothing is kept meanwhile.
        """
        pool = ThreadPoolExecutor(min(WORKERS, len(self._turns)), "check")
        while not stopping.wait(TICK_SECONDS):
            now = time.monotonic()
            for turn in self._turns:
                self._collect(turn, now)
                if turn.work is None and turn.due <= now:
                    turn.work = pool.submit(self._check, turn.mailbox, lambda: not stopping.is_set())
        until = time.monotonic() + DRAIN_SECONDS
        while any(turn.work is not None and not turn.work.done() for turn in self._turns) and time.monotonic() < until:
            time.sleep(TICK_SECONDS)
        pool.shutdown(wait=False, cancel_futures=True)

    @staticmethod
    def _collect(turn: _Turn, now: float) -> None:
        if turn.work is None or not turn.work.done():
            return
        ended, turn.work = turn.work.result(), None
        if ended.delay is None:
            turn.due = now + max(next(turn.backing_off), ended.again)
        else:
            turn.due, turn.backing_off = now + ended.delay, pauses()


def run(configuration: Configuration, stopping: threading.Event) -> None:
    """Run the router of this file until asked to stop. ``Refused`` when another one uses its state folder."""
    with _alone(configuration.state) as room:
        own = threading.local()

        def client() -> Client:
            if not hasattr(own, "client"):
                token = partial(secret_in, configuration.token_file)
                own.client = Client(configuration.endpoint, token, configuration.ca_file)
            found: Client = own.client
            return found

        key = hashlib.sha256(secret_in(configuration.token_file).reveal()).digest()
        checker = Checker(client=client, room=room, ca_file=configuration.ca_file, log_key=key)
        log.info("the router reads %d mailboxes", len(configuration.mailboxes))
        Router(configuration.mailboxes, checker.check).run(stopping)


@contextmanager
def _alone(state: Path) -> Iterator[Path]:
    """Give an empty room in the state folder; what a killed router left there goes."""
    try:
        state.mkdir(mode=0o700, parents=True, exist_ok=True)
        lock = os.open(state / "lock", os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        raise Refused(f"the state folder {state} cannot be used: {error.strerror}.") from None
    try:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Refused(f"another router uses the state folder {state}: end it, or give each its own.") from None
        room = state / "room"
        shutil.rmtree(room, ignore_errors=True)
        room.mkdir(mode=0o700)
        yield room
    finally:
        os.close(lock)
