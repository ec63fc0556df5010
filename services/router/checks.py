"""One check of a mailbox by the router: claimed at the endpoint, read by the fetcher's code, its end told."""

import logging
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from itertools import chain
from pathlib import Path
from tempfile import TemporaryDirectory
from types import MappingProxyType

from services.domain.errors import MailweaveError
from services.domain.idling import next_look
from services.fetcher.choosing import Wanted
from services.fetcher.endpoint import claims, forms, refusals
from services.fetcher.failures import MailServerError, Unforeseen
from services.fetcher.kept import Awake, Kept
from services.fetcher.polling import Progress, Task
from services.fetcher.protocols import poll, session
from services.fetcher.sessions import Connection, over
from services.router.client import Client, EndpointError
from services.router.ledger import Remote
from services.router.mailboxes import Mailbox
from services.storage.blobs import BlobFolder

log = logging.getLogger(__name__)

SHARE = 5000  # mails of one mailbox at a time, as in the fetcher
MOST_WORDS = 1000
MOST_LEFT = 100
NEVER_TAKEN = frozenset({refusals.BadRequest.code, refusals.TooLarge.code})
"""Why the endpoint refuses what it would refuse again: the installation is told, since nobody else would be."""


@dataclass(frozen=True, slots=True)
class Ended:
    """
    How a check ended: ``code`` is empty after success, ``words`` say what was wrong.

    ``delay`` is None when the endpoint did not say one; then ``again`` is how long it wishes to be left alone.
    ``kept`` is the session, when it is still open and may idle; ``folders`` is how many folders are wanted, ``terms``
    the mark of what the settings said of the mailbox, empty when it was not heard.
    """

    code: str
    mails: int
    delay: float | None
    again: float = 0.0
    words: str = ""
    kept: Kept | None = None
    folders: int = 1
    terms: str = ""


@dataclass(frozen=True, slots=True)
class Hello:
    """
    What the endpoint says unasked: whether mailboxes are left to routers, and which are to be tested now.

    ``terms`` has for each mailbox what changes with what the settings say of it.
    """

    left: bool
    tests: frozenset[str]
    terms: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))


@dataclass(frozen=True, slots=True, kw_only=True)
class Checker:
    """
    Checks mailboxes, each call in whatever thread calls it; never raises.

    ``client`` gives each thread its own. ``room`` is a folder for mails that are too large for memory, each for as
    long as its check. ``idles`` says whether a mailbox may idle afterwards.
    """

    client: Callable[[], Client]
    room: Path
    ca_file: Path | None
    idles: Callable[[str], bool] = lambda _: False

    def hello(self) -> Hello | None:
        """Show the endpoint that the router lives; None when it is away."""
        try:
            said = self.client().introduce()
            return Hello(said.get("engine") == "router", frozenset(said.get("tests", ())), said.get("terms", {}))
        except MailweaveError:
            return None
        except Exception:
            log.exception("the endpoint greets in a way that nobody foresaw")
            return None

    def check(self, mailbox: Mailbox, go_on: Callable[[], bool], awake: Awake | None = None) -> Ended:
        """
        Check one mailbox.

        With ``awake`` over the connection that it idled on, or over a new one when that is of no more use.
        """
        ended = self._guarded(mailbox, go_on, awake)
        if awake is not None and ended.kept is None:
            awake.kept.close()
        return ended

    def _guarded(self, mailbox: Mailbox, go_on: Callable[[], bool], awake: Awake | None) -> Ended:
        progress = Progress()
        try:
            return self._check(mailbox, go_on, progress, awake)
        except EndpointError as error:
            # What has no answer is handed in again: cursor and rows are where the endpoint says.
            return Ended(error.code, progress.mails, None, error.again, str(error))
        except MailweaveError as error:
            return Ended(error.code, progress.mails, None, words=str(error))
        except Exception as error:
            log.exception("a check broke")
            return Ended("internal", progress.mails, None, words=type(error).__name__)

    def _check(self, mailbox: Mailbox, go_on: Callable[[], bool], progress: Progress, awake: Awake | None) -> Ended:
        client = self.client()
        answer = client.ask(mailbox.address, "claim", forms.Nothing())
        claimed = claims.Claimed.model_validate(answer, strict=False)
        terms = claimed.terms
        wanted = Wanted(folders=mailbox.table.folders, sent=terms.sent, rules=terms.rules)
        usable = awake is not None and not claimed.anew and awake.kept.under(mailbox.settings, mailbox.profile)
        task = Task(
            mailbox=mailbox.address,
            fence=claimed.fence,
            folders=wanted.folders,
            sent=wanted.sent,
            rules=wanted.rules,
            limit=terms.limit,
            go_on=lambda: go_on() and progress.mails < SHARE,
            start=terms.received_after,
            inbox_only=awake is not None and usable and not awake.full,
        )
        problem: MailweaveError | None = None
        kept: Kept | None = None
        try:
            with TemporaryDirectory(dir=self.room) as room:
                outside = Remote(client=client, blobs=BlobFolder(Path(room)), now=_now, limit=terms.limit)
                settings = mailbox.settings.model_copy(
                    update={"process_and_delete": terms.delete and mailbox.table.delete}
                )
                # A second try begins with what the first has written.
                ledger = outside.ledger(mailbox.address, claimed.fence)
                known = chain([claimed.known.known()], iter(ledger.known, None))
                kept = over(
                    awake.kept if awake is not None and usable else None,
                    lambda: self._session(mailbox),
                    lambda connection: poll(connection, settings, replace(task, known=next(known)), outside, progress),
                    under=(mailbox.settings, mailbox.profile),
                    keep=lambda: task.go_on() and self.idles(mailbox.address),
                )
        except EndpointError as error:
            if error.code not in NEVER_TAKEN:
                raise
            problem = Unforeseen(f"the endpoint refuses what was read ({error.code}); see the log of the router")
            log.warning("what was read is refused: %s", error)
        except MailweaveError as error:
            problem = error
        except Exception as error:
            # Told as the end of the check: the installation hears of nothing else than what it is told.
            log.exception("a check broke")
            problem = Unforeseen(f"the check broke inside ({type(error).__name__}); see the log of the router")
        end = forms.End(
            fence=claimed.fence,
            code=problem.code if problem else "",
            detail=str(problem)[:MOST_WORDS] if problem else "",
            permanent=problem is not None and getattr(problem, "permanent", not isinstance(problem, MailServerError)),
            progressed=progress.mails > 0,
            more=problem is None and not task.go_on(),
            whole=not task.inbox_only,
            left_out=tuple(
                forms.LeftOutForm(code=one.code, detail=one.detail[:MOST_WORDS])
                for one in progress.left_out[:MOST_LEFT]
            ),
            interval=round(next_look(mailbox.table.interval, wanted.count) if kept else mailbox.table.interval),
        )
        with ExitStack() as unless_told:
            if kept is not None:
                unless_told.callback(kept.close)
            delay = float(client.ask(mailbox.address, "end", end)["delay"])
            unless_told.pop_all()
        return Ended(
            end.code,
            progress.mails,
            delay,
            words=end.detail,
            kept=kept,
            folders=wanted.count,
            terms=terms.mark(),
        )

    def _session(self, mailbox: Mailbox) -> AbstractContextManager[Connection]:
        credential = mailbox.credential(_now, self.ca_file)
        return session(mailbox.profile, mailbox.table.user, credential, self.ca_file)


def _now() -> datetime:
    return datetime.now(UTC)
