"""Who owns an activity (domain rule 4.6)."""

from collections.abc import Sequence

from services.domain.directory import QUEUE, USER, Record, RecordRef


def acting_owner(record: Record) -> RecordRef | None:
    """Return who would own mail for this recipient: an active user itself, a queue's owner, else nobody."""
    if record.ref.type == USER:
        return record.ref if record.active else None
    return record.owner if record.ref.type == QUEUE else None


def choose_owner(
    lists: Sequence[Sequence[Record]],
    *,
    correlated_owner: RecordRef | None,
    sender_owner: RecordRef | None,
    acceptor: Record | None,
) -> RecordRef | None:
    """
    Return the owner by the lists To, Cc, Bcc: the first list with an eligible recipient decides.

    In that list: the correlated mail's owner when eligible, else the owner of the sender's record when
    eligible, else the first eligible recipient. When no list has one (Bcc, distribution list): the acceptor.
    """
    for recipients in lists:
        eligible = [o for o in (acting_owner(r) for r in recipients) if o is not None]
        for preferred in (correlated_owner, sender_owner):
            if preferred in eligible:
                return preferred
        if eligible:
            return eligible[0]
    return acting_owner(acceptor) if acceptor is not None else None
