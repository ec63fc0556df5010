"""One check of a mailbox over a connection that stands: every folder from its cursor to the last mail."""

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from types import MappingProxyType

from services.domain.mailbox_state import LeftOut
from services.fetcher import failures, forgetting, keywords
from services.fetcher.choosing import INBOX, Wanted, choose
from services.fetcher.deliveries import Database
from services.fetcher.folder_reading import Reading
from services.fetcher.folder_rows import Known
from services.fetcher.folders import Folder
from services.fetcher.handover import Blobs, Send
from services.fetcher.imap import Connection
from services.fetcher.ledger import Outside
from services.fetcher.stored_ledger import StoredLedger

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ports:
    """
    The outside of the fetcher: database, blob store, Kafka, clock.

    ``collects`` is asked whether a mailbox is a forward mailbox now, so that its mail is unwrapped.
    """

    database: Database
    blobs: Blobs
    send: Send
    now: Callable[[], datetime]
    collects: Callable[[str], bool] = lambda _: False

    def ledger(self, mailbox: str, fence: int, known: Known | None = None) -> StoredLedger:
        """See :class:`Outside`."""
        return StoredLedger(
            database=self.database,
            blobs=self.blobs,
            send=self.send,
            now=self.now,
            mailbox=mailbox,
            fence=fence,
            collects=self.collects(mailbox),
            before=known,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """
    A mailbox to check under a fencing number.

    ``limit`` is the size of the largest mail taken whole; ``go_on`` is asked between two batches; mail received
    before ``start`` is passed over. ``sent`` and ``rules`` say what is read besides ``folders``;
    with ``inbox_only`` all but the inbox is left for another check. ``known`` is what the stores knew of its folders at
    the claim.
    """

    mailbox: str
    fence: int
    folders: Sequence[str]
    limit: int
    go_on: Callable[[], bool]
    start: datetime | None = None
    sent: bool = False
    inbox_only: bool = False
    rules: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    known: Known = field(default_factory=Known)


@dataclass(slots=True)
class Progress:
    """What a check has done so far; it stands when the check ends by an exception."""

    mails: int = 0
    left_out: list[LeftOut] = field(default_factory=list)


def poll(connection: Connection, task: Task, ports: Outside, progress: Progress) -> None:
    """
    Read every folder of the task, then what people have flagged elsewhere, and forget what is gone. Ends early, between
    two batches, when ``go_on`` says so.

    A folder that cannot be read is noted at its cursor and the others go on. A lost connection, a lost fence
    and a failing store end the check; what was handed over until then stands.
    """
    listing = [_inbox(task.known)] if task.inbox_only else connection.folders()
    ledger = ports.ledger(task.mailbox, task.fence, task.known)
    wanted = Wanted(folders=task.folders, sent=task.sent, rules=task.rules)
    places = choose(wanted, listing, task.known.ids)
    reading = Reading(
        connection=connection,
        mailbox=task.mailbox,
        limit=task.limit,
        start=task.start,
        go_on=task.go_on,
        blobs=ports.blobs,
        now=ports.now,
        ledger=ledger,
        known=task.known,
    )
    names = None if task.inbox_only else [folder.name for folder in listing]
    for place in places:
        if task.inbox_only and not place.inbox:
            continue
        try:
            for mails in reading.folder(place, names):
                progress.mails += mails
        except (failures.FolderUnknown, failures.BodyMissing) as error:
            progress.left_out.append(LeftOut(error.code, f"{place.name}: {error}"))
            log.warning("a folder cannot be read", extra={"code": error.code})
            ledger.folder_failed(place.name, str(error))
        if not task.go_on():
            return
    if not task.inbox_only:
        for mails in keywords.flagged(reading, listing, places, progress.left_out):
            progress.mails += mails
        forgetting.forget(ledger, task.known, wanted, listing, places, now=ports.now())


def _inbox(known: Known) -> Folder:
    """Return the folder that every server has, as its listing named it last."""
    named = (at.folder for at in known.cursors.values() if at.folder.upper() == INBOX)
    return Folder(next(named, INBOX), "", frozenset())
