"""
Mail that a person has flagged as tracked, in whatever folder: the keyword ``$MailweaveTracked`` (domain rule 2.4).

A folder in which nothing has changed costs nothing: the listing says its HIGHESTMODSEQ (RFC 5819, RFC 7162). Where a
server does not, only what is flagged before it is read is seen. Flags are read, never written.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import partial

from services.domain.mailbox_state import LeftOut
from services.domain.start_date import is_before
from services.fetcher import cursor, failures, flagged_rows, former_places
from services.fetcher.answers import LISTING, Listed, listed
from services.fetcher.choosing import Place, readable
from services.fetcher.fetch import batches, read
from services.fetcher.folder_reading import Reading
from services.fetcher.folders import Folder, Status, folder_id, role
from services.fetcher.handover import hand_over
from services.fetcher.ledger import StoredLedger
from services.fetcher.position import Position

NOT_LOOKED_IN = frozenset({"\\drafts", "\\all", "\\flagged"})
"""Drafts are no mail yet; the other two show mail that lies elsewhere."""
AT_ONCE = 500


def flagged(
    reading: Reading,
    stores: StoredLedger,
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
        if status is None or not status.modseq or not readable(folder) or folder.attributes & NOT_LOOKED_IN:
            continue
        stable = folder_id(folder.name, status.mailbox_id)
        before = looked.get(stable)
        if before == (status.uidvalidity, status.modseq):
            continue
        if not reading.go_on():
            return
        same = before is not None and before[0] == status.uidvalidity
        place = read_by_name.get(folder.name)
        at = _position(stores, folder, status, anew=before is not None and not same, read=place is not None)
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
            yield from _taken(reading, stores, place, at, sorted(uid for uid in uids if uid <= at.uid))
        except failures.BodyMissing as error:
            left_out.append(LeftOut(error.code, f"{folder.name}: {error}"))
            continue
        flagged_rows.look(stores.database, stores.mailbox, stores.fence, stable, (status.uidvalidity, status.modseq))


def _position(stores: StoredLedger, folder: Folder, status: Status, *, anew: bool, read: bool) -> Position | None:
    """Return up to where a folder is looked at; None where its cursor is of another epoch, and has to come first."""
    stable = folder_id(folder.name, status.mailbox_id)
    if read:
        at = stores.position(stable)
        return at if at is not None and at.uidvalidity == status.uidvalidity else None
    whole = Position(
        folder_id=stable,
        folder=folder.name,
        uidvalidity=status.uidvalidity,
        uid=status.uidnext - 1,
        uidnext=status.uidnext,
    )
    if anew:
        with stores.database.transaction() as connection:
            cursor.hold(connection, stores.mailbox, stores.fence)
            former_places.vacate(connection, stores.mailbox, whole)
    return whole


def _taken(reading: Reading, stores: StoredLedger, place: Place, at: Position, uids: Sequence[int]) -> Iterator[int]:
    known = flagged_rows.at_places(stores.database, stores.mailbox, at, uids)
    # Nobody keeps track of the epochs of a folder that is not read: whatever is flagged there may be known from before.
    anew = replace(at, uid=0, renumbered=at.uidnext)
    wanted = [uid for uid in uids if uid not in known or not known[uid].tracked_by]
    for first in range(0, len(wanted), AT_ONCE):
        some = wanted[first : first + AT_ONCE]
        answers = reading.connection.fetch_checked(",".join(map(str, some)), LISTING)
        mails = [mail for mail in listed(answers, reading.now()) if mail.uid in some and _due(reading, mail)]
        for batch in batches(mails, limit=reading.limit):
            got = read(reading.connection, batch, reading.blobs.writer, limit=reading.limit)
            arrivals = reading.arrivals(got, place, at)
            found = stores.apart([one for one in arrivals if one.uid not in known], anew)
            places = found.moves.places
            before = {**places, **{uid: one.id for uid, one in known.items()}}
            tracked = flagged_rows.tracked(stores.database, list(places.values()))
            handed = found.new + [
                replace(one, id=before[one.uid])
                for one in arrivals
                if one.uid in before and before[one.uid] not in tracked
            ]
            commit = partial(flagged_rows.take, stores.database, stores.mailbox, stores.fence, at=at, places=places)
            unwrapped = stores.unwrapped(handed)
            hand_over(unwrapped, blobs=stores.blobs, send=stores.send, commit=commit, now=stores.now())
            yield len(handed)


def _due(reading: Reading, mail: Listed) -> bool:
    return mail.flagged and not is_before(mail.internal_date, reading.start)
