"""
Mail that a person has flagged as tracked, in whatever folder: the keyword ``$MailweaveTracked`` (domain rule 2.4).

A folder in which nothing has changed costs nothing: the listing says its HIGHESTMODSEQ (RFC 5819, RFC 7162). Where a
server does not, only what is flagged before it is read is seen. Flags are read, never written.
"""

from collections.abc import Iterator, Sequence

from services.domain.mailbox_state import LeftOut
from services.domain.start_date import is_before
from services.fetcher import failures
from services.fetcher.answers import LISTING, Listed, listed
from services.fetcher.choosing import Place, readable
from services.fetcher.fetch import batches, read
from services.fetcher.folder_reading import Reading
from services.fetcher.folders import Folder, Status, folder_id, role
from services.fetcher.ledger import Ledger
from services.fetcher.position import Position

NOT_LOOKED_IN = frozenset({"\\drafts", "\\all", "\\flagged"})
"""Drafts are no mail yet; the other two show mail that lies elsewhere."""
AT_ONCE = 500
LONGEST_NAME = 1000  # what is longer goes into no index and over no wire


def flagged(
    reading: Reading,
    listing: Sequence[Folder],
    places: Sequence[Place],
    left_out: list[LeftOut],
) -> Iterator[int]:
    """
    Hand over what was flagged since the last look; yield the number of mails of each batch.

    A mail that was handed over before is handed over again under its id, this time as tracked. A folder that is read
    is looked at up to its cursor: the rest is seen when it is read. A folder that does not give its mail is added to
    ``left_out`` and looked at again at the next check; the others go on.
    """
    looked = reading.known.looked
    read_by_name = {place.name: place for place in places}
    for folder in listing:
        status = folder.status
        if status is None or not status.modseq or not _looked_in(folder):
            continue
        stable = folder_id(folder.name, status.mailbox_id)
        before = looked.get(stable)
        if before == (status.uidvalidity, status.modseq):
            continue
        if not reading.go_on():
            return
        same = before is not None and before[0] == status.uidvalidity
        place = read_by_name.get(folder.name)
        at = _position(reading.ledger, folder, status, anew=before is not None and not same, read=place is not None)
        if at is None:
            continue
        place = place or Place(name=folder.name, role=role(folder.name, listing), asked=folder.name)
        try:
            reading.connection.select(folder.name)
        except failures.FolderUnknown:
            continue
        uids = reading.connection.flagged(before[1] + 1 if before is not None and same else 0)
        if uids is None:
            continue
        try:
            yield from _taken(reading, place, at, sorted(uid for uid in uids if uid <= at.uid))
        except failures.BodyMissing as error:
            left_out.append(LeftOut(error.code, f"{folder.name}: {error}"))
            continue
        reading.ledger.looked(stable, (status.uidvalidity, status.modseq))


def _looked_in(folder: Folder) -> bool:
    return readable(folder) and not folder.attributes & NOT_LOOKED_IN and len(folder.name) <= LONGEST_NAME


def _position(ledger: Ledger, folder: Folder, status: Status, *, anew: bool, read: bool) -> Position | None:
    """Return up to where a folder is looked at; None where its cursor is of another epoch, and has to come first."""
    stable = folder_id(folder.name, status.mailbox_id)
    if read:
        at = ledger.position(stable)
        return at if at is not None and at.uidvalidity == status.uidvalidity else None
    whole = Position(
        folder_id=stable,
        folder=folder.name,
        uidvalidity=status.uidvalidity,
        uid=status.uidnext - 1,
        uidnext=status.uidnext,
    )
    if anew:
        ledger.vacate(whole)
    return whole


def _taken(reading: Reading, place: Place, at: Position, uids: Sequence[int]) -> Iterator[int]:
    wanted = sorted(reading.ledger.untracked(at, uids)) if uids else []
    for first in range(0, len(wanted), AT_ONCE):
        some = wanted[first : first + AT_ONCE]
        answers = reading.connection.fetch_checked(",".join(map(str, some)), LISTING)
        mails = [mail for mail in listed(answers, reading.now()) if mail.uid in some and _due(reading, mail)]
        for batch in batches(mails, limit=reading.limit):
            got = read(reading.connection, batch, reading.blobs.writer, limit=reading.limit)
            yield reading.ledger.hand_over_tracked(reading.arrivals(got, place, at), at)


def _due(reading: Reading, mail: Listed) -> bool:
    return mail.flagged and not is_before(mail.internal_date, reading.start)
