"""Compares what a server has with what was taken from it. Changes nothing there: folders are opened read-only."""

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from uuid import UUID

from services.domain.identity import delivery_id_pop3
from services.fetcher import failures
from services.fetcher.folders import folder_id
from services.fetcher.imap import Connection

RANGE = 50_000
FEW = 500  # UIDs in one command


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """What the rows say of one folder: the cursor, and the UIDs of its epoch that have a delivery."""

    uidvalidity: int
    cursor: int
    uids: frozenset[int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Audit:
    """
    One folder compared. ``missing`` are UIDs on the server, up to the cursor, that have no delivery: lost mail.

    ``backlog`` counts those beyond the cursor, ``expunged`` deliveries whose mail is gone from the server. ``epoch``
    says that the server numbers the folder anew, so that nothing can be compared until it has been read again.
    """

    mailbox: str
    folder: str
    on_server: int
    missing: tuple[int, ...] = ()
    backlog: int = 0
    expunged: int = 0
    epoch: bool = False
    error: str = ""


def compare(mailbox: str, folder: str, uidvalidity: int, present: Iterable[int], taken: Taken | None) -> Audit:
    """Return what differs between the UIDs on the server and the rows."""
    there = frozenset(present)
    if taken is None:
        return Audit(mailbox=mailbox, folder=folder, on_server=len(there), backlog=len(there))
    if taken.uidvalidity != uidvalidity:
        return Audit(mailbox=mailbox, folder=folder, on_server=len(there), epoch=True)
    return Audit(
        mailbox=mailbox,
        folder=folder,
        on_server=len(there),
        missing=tuple(sorted(uid for uid in there - taken.uids if uid <= taken.cursor)),
        backlog=sum(uid > taken.cursor for uid in there),
        expunged=len(taken.uids - there),
    )


Rows = Callable[[str, str], Taken | None]
"""Gives what was taken of a mailbox's folder, by its stable id; None before its first check. Asked anew each time."""


def audit(connection: Connection, mailbox: str, folders: Sequence[str], rows: Rows) -> Iterator[Audit]:
    """
    Yield each folder compared.

    The server is asked before the rows, so mail that comes meanwhile is at most backlog; what seems missing is looked
    at a second time, since it may have been expunged, or taken, in between.
    """
    for name in folders:
        try:
            selected = connection.select(name)
            present = uids(connection, selected.uidnext)
            stable = folder_id(name, selected.mailbox_id)
            found = compare(mailbox, name, selected.uidvalidity, present, rows(mailbox, stable))
            if found.missing:
                parts = (found.missing[n : n + FEW] for n in range(0, len(found.missing), FEW))
                still = frozenset(uid for part in parts for uid in connection.present(part))
                taken = rows(mailbox, stable)
                found = compare(mailbox, name, selected.uidvalidity, still | (present - set(found.missing)), taken)
        except failures.FolderUnknown as error:
            found = Audit(mailbox=mailbox, folder=name, on_server=0, error=str(error))
        yield found


def audit_pop3(mailbox: str, uidls: Iterable[str], known: Callable[[Sequence[UUID]], Collection[UUID]]) -> Audit:
    """Compare a POP3 mailbox: what has no delivery yet is backlog, since nothing tells old mail from new."""
    ids = {delivery_id_pop3(mailbox, uidl) for uidl in uidls}
    return Audit(mailbox=mailbox, folder="INBOX", on_server=len(ids), backlog=len(ids) - len(known(sorted(ids))))


def uids(connection: Connection, uidnext: int) -> frozenset[int]:
    """Return every UID of the folder, asked for in ranges so that no answer is endless."""
    found: set[int] = set()
    for first in range(1, max(uidnext, 2), RANGE):
        found |= connection.search(first, first + RANGE - 1)
    return frozenset(found)
