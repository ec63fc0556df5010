"""A check of one mailbox from beginning to end: claim, log in, poll, note how it ended, say when it is due again."""

import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from itertools import chain
from pathlib import Path

from services.domain.approval import Permit
from services.domain.errors import MailweaveError, Retry, Stop
from services.domain.idling import next_look
from services.domain.mailbox_state import CHECKED, UNREAD, Failed, Succeeded
from services.domain.start_date import start_of
from services.fetcher import cursor, folder_rows, lifecycle, marks
from services.fetcher.authentication import Credential
from services.fetcher.choosing import wanted_of
from services.fetcher.cursor import FenceLost
from services.fetcher.failures import MailServerError, Unforeseen
from services.fetcher.kept import Awake, Kept, usable
from services.fetcher.lifecycle import Holding
from services.fetcher.polling import Ports, Progress, Task
from services.fetcher.protocols import poll, session
from services.fetcher.sessions import over
from services.settings.objects import logins
from services.settings.permits import left_to_routers, polling_of
from services.settings.snapshot import Snapshot

log = logging.getLogger(__name__)

WORLD_DELAY = 2.0
SHARE = 5000  # mails of one mailbox at a time, so that a large one lets the others in between
MEGABYTE = 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """
    How a check ended: ``code`` is empty after success, ``world`` when a store of ours failed and not the mailbox.

    ``delay`` is the time to the next check, in seconds. ``kept`` is the session, when it is still open and may idle;
    ``folders`` is how many folders are wanted.
    """

    code: str
    delay: float
    mails: int
    world: bool = False
    kept: Kept | None = None
    folders: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Checker:
    """
    Checks mailboxes, each call in whatever thread calls it. Never raises.

    ``credential`` gives what a mailbox logs in with by its name and is asked at each check, so that a new one acts
    without a restart. ``log_key`` hashes mailboxes for the log. ``room`` says whether a mailbox may idle afterwards.
    """

    settings: Callable[[], Snapshot]
    ports: Callable[[], Ports]
    credential: Callable[[Ports, str], Credential] = field(repr=False)
    chance: Callable[[], float]
    log_key: bytes = field(repr=False)
    ca_file: Path | None = None
    room: Callable[[str], bool] = lambda _: False

    def check(self, mailbox: str, go_on: Callable[[], bool], awake: Awake | None = None) -> Ended:
        """
        Check one mailbox that this replica has leased; return when it is due again.

        With ``awake`` over the connection that it idled on, or over a new one when that is of no more use.
        """
        ended = self._guarded(mailbox, go_on, awake)
        if awake is not None and ended.kept is None:
            awake.kept.close()
        return ended

    def _guarded(self, mailbox: str, go_on: Callable[[], bool], awake: Awake | None) -> Ended:
        mark = {"mailbox": marks.mark(self.log_key, mailbox)}
        progress = Progress()
        try:
            return self._check(mailbox, go_on, progress, mark, awake)
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

    def _check(
        self, mailbox: str, go_on: Callable[[], bool], progress: Progress, mark: dict[str, str], awake: Awake | None
    ) -> Ended:
        snapshot = self.settings()
        if polling_of(snapshot, mailbox) is not Permit.ALLOWED or left_to_routers(snapshot):
            return Ended(code="disabled", delay=0, mails=0)
        settings = snapshot.mailboxes[mailbox]
        profile = snapshot.profile_of(mailbox)
        assert profile is not None, "a mailbox without a server is not polled"
        login = logins.incoming(settings, profile)
        assert login is not None, "a mailbox without a credential is not polled"
        ports = self.ports()
        claimed = cursor.claim(ports.database, mailbox)
        held = Holding(mailbox=mailbox, fence=claimed.fence, version=snapshot.version)
        if claimed.phase not in CHECKED and lifecycle.begin(ports.database, held, ports.now()).phase in UNREAD:
            # Another replica knows newer settings.
            return Ended(code="disabled", delay=WORLD_DELAY, mails=0)
        resumed = usable(awake, settings, profile, tested=claimed.phase in CHECKED)
        wanted = wanted_of(snapshot, mailbox)
        task = Task(
            mailbox=mailbox,
            fence=claimed.fence,
            folders=wanted.folders,
            sent=wanted.sent,
            rules=wanted.rules,
            inbox_only=resumed is not None and not resumed.full,
            start=start_of(profile.received_after, settings.received_after),
            limit=snapshot.organization.message_max_mb * MEGABYTE,
            go_on=lambda: go_on() and progress.mails < SHARE,
        )
        # A second try begins with what the first has written.
        known = chain([claimed.folders], iter(lambda: folder_rows.read(ports.database, mailbox), None))
        problem: MailweaveError | None = None
        kept: Kept | None = None
        with _named(mark):
            try:
                kept = over(
                    resumed.kept if resumed is not None else None,
                    lambda: session(
                        profile, login.user, self.credential(ports, login.credential), self.ca_file, opens=login.opens
                    ),
                    lambda connection: poll(connection, settings, replace(task, known=next(known)), ports, progress),
                    under=(settings, profile),
                    keep=lambda: task.go_on() and self.room(mailbox),
                )
            except (FenceLost, Retry) as error:
                if not isinstance(error, MailServerError):
                    raise
                problem = error
            except Stop:
                raise
            except MailweaveError as error:  # no such credential, or a key that does not fit
                problem = error
            except Exception as error:
                log.exception("a check broke", extra=mark)
                problem = Unforeseen(f"the check broke inside ({type(error).__name__}); see the log of the fetcher")
        how = (
            Succeeded(tuple(progress.left_out)) if problem is None else _failed(problem, progressed=progress.mails > 0)
        )
        # What is left is for whoever takes the mailbox next.
        more = problem is None and not task.go_on()
        with ExitStack() as unless_noted:
            if kept is not None:
                unless_noted.callback(kept.close)
            delay = lifecycle.end(
                ports.database,
                held,
                how,
                ports.now(),
                poll_seconds=next_look(profile.poll_seconds, wanted.count) if kept else profile.poll_seconds,
                more=more,
                whole=not task.inbox_only,
                chance=self.chance(),
            )
            unless_noted.pop_all()
        if problem is not None:
            log.warning("the mailbox could not be checked", extra={**mark, "code": problem.code})
        code = problem.code if problem else ""
        return Ended(code=code, delay=delay.total_seconds(), mails=progress.mails, kept=kept, folders=wanted.count)


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
