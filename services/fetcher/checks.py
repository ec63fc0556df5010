"""A check of one mailbox from beginning to end: claim, log in, poll, note how it ended, say when it is due again."""

import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from services.domain.approval import Permit
from services.domain.errors import MailweaveError, Retry, Stop
from services.domain.mailbox_state import CHECKED, UNREAD, Failed, Succeeded
from services.domain.start_date import start_of
from services.fetcher import cursor, lifecycle, marks
from services.fetcher.authentication import Credential
from services.fetcher.cursor import FenceLost
from services.fetcher.failures import MailServerError
from services.fetcher.lifecycle import Holding
from services.fetcher.polling import Ports, Progress, Task
from services.fetcher.protocols import poll, session
from services.settings.permits import permit_of
from services.settings.snapshot import Snapshot

log = logging.getLogger(__name__)

WORLD_DELAY = 2.0
SHARE = 5000  # mails of one mailbox at a time, so that a large one lets the others in between
MEGABYTE = 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """
    How a check ended: ``code`` is empty after success, ``world`` when a store of ours failed and not the mailbox.

    ``delay`` is the time to the next check, in seconds.
    """

    code: str
    delay: float
    mails: int
    world: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Checker:
    """
    Checks mailboxes, each call in whatever thread calls it. Never raises.

    ``credential`` gives what a mailbox logs in with by its name and is asked at each check, so that a new one acts
    without a restart. ``log_key`` hashes mailboxes for the log.
    """

    settings: Callable[[], Snapshot]
    ports: Callable[[], Ports]
    credential: Callable[[Ports, str], Credential] = field(repr=False)
    chance: Callable[[], float]
    log_key: bytes = field(repr=False)
    ca_file: Path | None = None

    def check(self, mailbox: str, go_on: Callable[[], bool]) -> Ended:
        """Check one mailbox that this replica has leased; return when it is due again."""
        mark = {"mailbox": marks.mark(self.log_key, mailbox)}
        progress = Progress()
        try:
            return self._check(mailbox, go_on, progress, mark)
        except FenceLost:
            log.info("another replica has taken the mailbox over; what was not written is dropped", extra=mark)
            return Ended(code="fence_lost", delay=0, mails=progress.mails)
        except Retry as error:
            # A store of ours is away. That is not the mailbox's fault, so it is neither noted nor grown.
            log.warning("a check was given up: %s", error, extra=mark)
            return Ended(code=error.code, delay=WORLD_DELAY, mails=progress.mails, world=True)
        except Exception:
            log.exception("a check broke", extra=mark)
            return Ended(code="internal", delay=WORLD_DELAY, mails=progress.mails, world=True)

    def _check(self, mailbox: str, go_on: Callable[[], bool], progress: Progress, mark: dict[str, str]) -> Ended:
        snapshot = self.settings()
        if permit_of(snapshot, mailbox) is not Permit.ALLOWED:
            return Ended(code="disabled", delay=0, mails=0)
        settings = snapshot.mailboxes[mailbox]
        profile = snapshot.profiles[settings.server_profile]
        ports = self.ports()
        claimed = cursor.claim(ports.database, mailbox)
        held = Holding(mailbox=mailbox, fence=claimed.fence, version=snapshot.version)
        if claimed.phase not in CHECKED and lifecycle.begin(ports.database, held, ports.now()).phase in UNREAD:
            # Another replica knows newer settings.
            return Ended(code="disabled", delay=WORLD_DELAY, mails=0)
        task = Task(
            mailbox=mailbox,
            fence=claimed.fence,
            folders=tuple(settings.folders),
            start=start_of(profile.received_after, settings.received_after),
            limit=snapshot.organization.message_max_mb * MEGABYTE,
            unwrap=settings.is_forward_mailbox,
            go_on=lambda: go_on() and progress.mails < SHARE,
        )
        problem: MailweaveError | None = None
        with _named(mark):
            try:
                credential = self.credential(ports, settings.credential)
                with session(profile, settings.user, credential, self.ca_file) as connection:
                    poll(connection, settings, task, ports, progress)
            except (FenceLost, Retry) as error:
                if not isinstance(error, MailServerError):
                    raise
                problem = error
            except Stop:
                raise
            except MailweaveError as error:  # no such credential, or a key that does not fit
                problem = error
        how = Succeeded() if problem is None else _failed(problem, progressed=progress.mails > 0)
        # What is left is for whoever takes the mailbox next.
        more = problem is None and not task.go_on()
        delay = lifecycle.end(
            ports.database,
            held,
            how,
            ports.now(),
            poll_seconds=profile.poll_seconds,
            more=more,
            chance=self.chance(),
        )
        if problem is not None:
            log.warning("the mailbox could not be checked", extra={**mark, "code": problem.code})
        return Ended(code=problem.code if problem else "", delay=delay.total_seconds(), mails=progress.mails)


def _failed(problem: MailweaveError, *, progressed: bool) -> Failed:
    permanent = getattr(problem, "permanent", True)
    return Failed(code=problem.code, detail=str(problem), permanent=permanent, progressed=progressed)


@contextmanager
def _named(mark: dict[str, str]) -> Iterator[None]:
    """Name the thread for the mailbox's hash while it works, so that a stack dump says what hangs."""
    thread = threading.current_thread()
    before, thread.name = thread.name, f"check-{mark['mailbox']}"
    try:
        yield
    finally:
        thread.name = before
