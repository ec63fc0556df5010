"""One check of a POP3 mailbox: everything whose unique id was not taken yet, and deleting what was, if wished."""

import logging
from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple
from uuid import UUID

from services.domain.identity import delivery_id_pop3, uidl_other
from services.domain.mailbox_state import LeftOut
from services.domain.start_date import is_before
from services.fetcher import failures, pop3_content
from services.fetcher.deliveries import Passed
from services.fetcher.fetch import BATCH_BYTES, BATCH_MAILS
from services.fetcher.handover import Arrival, Content, HeadersOnly
from services.fetcher.ledger import Outside
from services.fetcher.polling import Progress, Task
from services.fetcher.pop3 import Connection
from services.mime import parse_headers
from services.runtime import metrics

log = logging.getLogger(__name__)

INBOX = "INBOX"


class _Listed(NamedTuple):
    id: UUID
    number: int
    uidl: str
    size: int


def poll(connection: Connection, task: Task, ports: Outside, progress: Progress, *, delete: bool) -> None:
    """
    Hand over every mail that is new, in batches; ends early, between two batches, when ``go_on`` says so.

    The delivery rows are the cursor: an id that has one was handed over. Identical copies may share a unique id (RFC
    1939 section 7) and are one delivery. A mail that the server refuses is noted at the folder, the others go on.

    With ``delete`` a mail is deleted once its row and its raw mail are stored. One that lies there under a known id (a
    crash left it, or the server has given the id anew) is read again: it goes only when it is stored, byte for byte.
    One that was too large to be stored stays.
    """
    listed = [
        _Listed(delivery_id_pop3(task.mailbox, uidl), number, uidl, size)
        for number, (uidl, size) in connection.listed().items()
    ]
    ledger = ports.ledger(task.mailbox, task.fence)
    known = ledger.handled([one.id for one in listed])
    new = {one.id: one for one in reversed(listed) if one.id not in known}
    taking = _Taking(connection, task, ports, progress, delete=delete)
    for batch in taking.batches(reversed(new.values())):
        taking.hand_over(batch)
    if delete:
        taking.leftovers([one for one in listed if one.id in known])
    if connection.refused:
        log.warning("mails are listed and not given", extra={"code": failures.BodyMissing.code})
        why = f"{connection.server} lists {connection.refused} mails but does not give their content"
        progress.left_out.append(LeftOut(failures.BodyMissing.code, why))
        ledger.folder_failed(INBOX, why)
    else:
        ledger.folder_mended(INBOX)


class _Taking:
    """The parts of one check; ``delete`` is whether mails go once they are stored."""

    def __init__(self, connection: Connection, task: Task, ports: Outside, progress: Progress, *, delete: bool) -> None:
        self._connection = connection
        self._task = task
        self._ports = ports
        self._ledger = ports.ledger(task.mailbox, task.fence)
        self._progress = progress
        self._delete = delete

    def batches(self, new: Iterable[_Listed]) -> Iterator[Mapping[int, Arrival]]:
        """Yield arrivals by number, few enough for memory whatever was announced."""
        batch: dict[int, Arrival] = {}
        size = 0
        for one in new:
            if not batch and not self._task.go_on():
                return
            with metrics.step("fetcher", "read"):
                arrival = self._arrival(one)
            if arrival is None:
                continue
            batch[one.number] = arrival
            size += len(arrival.content.raw) if isinstance(arrival.content, Content | HeadersOnly) else 0
            if len(batch) == BATCH_MAILS or size >= BATCH_BYTES:
                yield batch
                batch, size = {}, 0
        if batch:
            yield batch

    def hand_over(self, batch: Mapping[int, Arrival]) -> None:
        """Hand a batch over, and mark for deletion what of it is stored."""
        self._ledger.hand_over(list(batch.values()), to=None)
        self._progress.mails += len(batch)
        if self._delete:
            for number, arrival in batch.items():
                if not isinstance(arrival.content, HeadersOnly):
                    self._connection.delete(number)

    def leftovers(self, listed: Iterable[_Listed]) -> None:
        """Delete what lies there under an id that is known, once it is sure that this very mail is stored."""
        there = list(listed)
        stored = self._ledger.stored([one.id for one in there])
        for one in there:
            if one.id not in stored:
                continue
            if not self._task.go_on():
                return
            try:
                found = pop3_content.digest(self._connection, one.number)
            except failures.BodyMissing:
                self._connection.refused += 1
                continue
            if found == stored[one.id]:
                self._connection.delete(one.number)
            else:
                self._take_anew(one, found)

    def _take_anew(self, one: _Listed, sha256: str) -> None:
        """Take another mail under an id that was given before, as the delivery of id and content."""
        uidl = uidl_other(one.uidl, sha256)
        other = one._replace(id=delivery_id_pop3(self._task.mailbox, uidl), uidl=uidl)
        if self._ledger.stored([other.id]):
            self._connection.delete(one.number)
        elif arrival := self._arrival(other):
            self.hand_over({one.number: arrival})

    def _arrival(self, one: _Listed) -> Arrival | None:
        """Return a mail on its way in; None when it is passed over, or refused by the server."""
        try:
            if self._passed_over(one):
                return None
            what, size = pop3_content.read(self._connection, one.number, one.size, self._ports.blobs, self._task.limit)
        except failures.BodyMissing:
            self._connection.refused += 1
            return None
        return Arrival(
            id=one.id,
            source="pop3",
            mailbox=self._task.mailbox,
            folder_id=INBOX,
            folder=INBOX,
            folder_role="inbox",
            uidvalidity=None,
            uid=None,
            internal_date=None,
            size=size,
            content=what,
            uidl=one.uidl,
        )

    def _passed_over(self, one: _Listed) -> bool:
        """Note a mail from before the start date: by its own Date, since POP3 knows no date of arrival."""
        if self._task.start is None:
            return False
        date = parse_headers(pop3_content.head(self._connection, one.number, one.size)).date
        if date is None or not is_before(date, self._task.start):
            return False
        mailbox = self._task.mailbox
        passed = Passed(
            id=one.id, mailbox=mailbox, folder_id=INBOX, uidvalidity=None, uid=None, received=date, uidl=one.uidl
        )
        self._ledger.pass_over([passed])
        return True
