"""One check of a mailbox over a connection that stands: every folder from its cursor to the last mail."""

import logging
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial

from services.domain.identity import delivery_id_imap
from services.domain.start_date import is_before
from services.fetcher import cursor, deliveries, failures
from services.fetcher.answers import Listed
from services.fetcher.cursor import Position
from services.fetcher.deliveries import Database, Passed
from services.fetcher.fetch import Large, Small, TooLarge, batches, read, windows
from services.fetcher.folders import folder_id, role
from services.fetcher.handover import Arrival, Blobs, Content, HeadersOnly, Send, Stored, hand_over
from services.fetcher.imap import Connection, Selected
from services.fetcher.unwrapping import unwrap
from services.runtime import metrics

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ports:
    """The outside of the fetcher: database, blob store, Kafka, clock."""

    database: Database
    blobs: Blobs
    send: Send
    now: Callable[[], datetime]


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """
    A mailbox to check under a fencing number.

    ``limit`` is the size of the largest mail taken whole; ``go_on`` is asked between two batches; mail received
    before ``start`` is passed over; with ``unwrap`` the messages are taken out of the mails that forward them.
    """

    mailbox: str
    fence: int
    folders: Sequence[str]
    limit: int
    go_on: Callable[[], bool]
    start: datetime | None = None
    unwrap: bool = False


@dataclass(slots=True)
class Progress:
    """What a check has done so far; it stands when the check ends by an exception."""

    mails: int = 0
    failed_folders: int = 0


def poll(connection: Connection, task: Task, ports: Ports, progress: Progress) -> None:
    """
    Read every folder of the task. Ends early, between two batches, when ``go_on`` says so.

    A folder that cannot be read is noted at its cursor and the others go on. A lost connection, a lost fence
    and a failing store end the check; what was handed over until then stands.
    """
    listing = connection.folders()
    for name in task.folders:
        try:
            for mails in _folder(connection, name, role(name, listing), task, ports):
                progress.mails += mails
        except (failures.FolderUnknown, failures.BodyMissing) as error:
            progress.failed_folders += 1
            log.warning("a folder cannot be read", extra={"code": error.code})
            cursor.folder_failed(ports.database, task.mailbox, task.fence, name, str(error))
        if not task.go_on():
            return


def _folder(connection: Connection, name: str, folder_role: str, task: Task, ports: Ports) -> Iterator[int]:
    """Read a folder; yield the number of mails of each batch that is handed over."""
    selected = connection.select(name)
    stable = folder_id(name, selected.mailbox_id)
    before = cursor.position(ports.database, task.mailbox, stable)
    at = _start(before, selected, stable, name)
    # UIDs of another epoch mean other mails (RFC 9051 section 2.3.1.1), so a new epoch is read from its start.
    advance = partial(cursor.advance, ports.database, task.mailbox, task.fence)
    if at != before:
        advance((), at)
    for window in windows(connection, at.uid, selected.uidnext, ports.now()):
        early = [mail for mail in window.mails if is_before(mail.internal_date, task.start)]
        if early:
            # Before the cursor moves over them, else verify would take them for lost.
            passing = [_passed(mail, task.mailbox, at) for mail in early]
            deliveries.pass_over(ports.database, passing)
        wanted = [mail for mail in window.mails if not is_before(mail.internal_date, task.start)]
        groups = list(batches(wanted, limit=task.limit))
        for i, batch in enumerate(groups):
            if not task.go_on():
                return
            with metrics.step("fetcher", "read"):
                got = read(connection, batch, ports.blobs.writer, limit=task.limit)
            # After its last mail a window is done to its end: what was not listed there is not in the folder.
            last = window.last if i + 1 == len(groups) else batch[-1].uid
            at = _moved(at, last)
            arrivals = [_arrival(g, task.mailbox, at, folder_role) for g in got]
            if task.unwrap:
                arrivals = unwrap(arrivals, ports.blobs)
            commit = partial(advance, to=at)
            hand_over(arrivals, blobs=ports.blobs, send=ports.send, commit=commit, now=ports.now())
            yield len(arrivals)
        if at.uid < window.last:
            at = _moved(at, window.last)
            advance((), at)


def _passed(mail: Listed, mailbox: str, at: Position) -> Passed:
    return Passed(
        id=delivery_id_imap(mailbox, at.folder_id, at.uidvalidity, mail.uid),
        mailbox=mailbox,
        folder_id=at.folder_id,
        uidvalidity=at.uidvalidity,
        uid=mail.uid,
        received=mail.internal_date,
    )


def _start(before: Position | None, selected: Selected, stable: str, name: str) -> Position:
    same = before is not None and before.uidvalidity == selected.uidvalidity
    return Position(
        folder_id=stable,
        folder=name,
        uidvalidity=selected.uidvalidity,
        uid=before.uid if before is not None and same else 0,
        uidnext=selected.uidnext,
    )


def _moved(at: Position, uid: int) -> Position:
    return replace(at, uid=max(at.uid, uid))


def _arrival(got: Small | Large | TooLarge, mailbox: str, at: Position, folder_role: str) -> Arrival:
    match got:
        case Small(_, content):
            what: Content | Stored | HeadersOnly = Content(content)
            size = len(content)
        case Large(_, sha256, size):
            what = Stored(sha256)
        case TooLarge(listed, headers):
            what, size = HeadersOnly(headers), listed.size
    return Arrival(
        id=delivery_id_imap(mailbox, at.folder_id, at.uidvalidity, got.listed.uid),
        source="imap",
        mailbox=mailbox,
        folder_id=at.folder_id,
        folder=at.folder,
        folder_role=folder_role,
        uidvalidity=at.uidvalidity,
        uid=got.listed.uid,
        internal_date=got.listed.internal_date,
        size=size,
        content=what,
    )
