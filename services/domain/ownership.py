"""Who owns an activity (domain rule 4.6)."""

from collections.abc import Mapping, Sequence

from services.domain.directory import QUEUE, USER, Record, RecordRef


def acting_owner(record: Record, records: Mapping[RecordRef, Record]) -> RecordRef | None:
    """
    Return who would own mail for this recipient: a user itself, a queue's owner, else nobody.

    A disabled user may not modify mail, and so owns none, by itself or by a queue. An owner of a queue that
    ``records`` does not know counts.
    """
    if record.ref.type == USER:
        return record.ref if record.active else None
    if record.ref.type != QUEUE or record.owner is None:
        return None
    owner = records.get(record.owner)
    return record.owner if owner is None or owner.active else None


def choose_owner(
    lists: Sequence[Sequence[Record]],
    *,
    correlated_owner: RecordRef | None,
    sender_owner: RecordRef | None,
    acceptor: Record | None,
    records: Mapping[RecordRef, Record],
) -> RecordRef | None:
    """
    Return the owner by the lists To, Cc, Bcc: the first list with an eligible recipient decides.

    In that list: the correlated mail's owner when eligible, else the owner of the sender's record when
    eligible, else the first eligible recipient. When no list has one (Bcc, distribution list): the acceptor.
    """
    for recipients in lists:
        eligible = [o for o in (acting_owner(r, records) for r in recipients) if o is not None]
        for preferred in (correlated_owner, sender_owner):
            if preferred in eligible:
                return preferred
        if eligible:
            return eligible[0]
    return acting_owner(acceptor, records) if acceptor is not None else None
