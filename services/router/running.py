"""Wiring: the router's clients, threads and folder put together."""

import fcntl
import hashlib
import logging
import os
import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from services.domain.errors import Refused
from services.fetcher.idle_limits import IdleLimits
from services.fetcher.marks import mark
from services.router.checks import Checker
from services.router.client import Client
from services.router.configuration import Configuration
from services.router.mailboxes import snapshot_of
from services.router.schedule import WORKERS, Schedule
from services.router.secret_files import secret_in

log = logging.getLogger(__name__)


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

        limits = IdleLimits(polling=WORKERS)
        limits.follow(snapshot_of(configuration.mailboxes))
        checker = Checker(client=client, room=room, ca_file=configuration.ca_file, idles=limits.room)
        key = hashlib.sha256(secret_in(configuration.token_file).reveal()).digest()
        log.info("the router reads %d mailboxes", len(configuration.mailboxes))
        Schedule(
            configuration.mailboxes, checker.check, hello=checker.hello, mark=partial(mark, key), limits=limits
        ).run(stopping)


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
