"""The places that are asked about for a record."""

from services.domain.directory import PRINCIPALS
from services.domain.why_not.acceptor import acceptor
from services.domain.why_not.facts import Answer, Asked, Kept, Place
from services.domain.why_not.party import party
from services.domain.why_not.regarding import regarding


def why_not(kept: Kept, asked: Asked) -> tuple[Answer, ...]:
    """
    Return for each place where the record may be expected whether it is there, or what would have had to be true.

    Users and queues accept mail and take part in it; mail is filed under other records, which take part in it too, and
    under a user or queue only where a folder has it so. Pure: it reads what was decided, and decides nothing.
    """
    expected = {Place.ACCEPTOR: acceptor, Place.REGARDING: regarding, Place.PARTY: party}
    filed = {one.record for one in kept.filed.regardings} if kept.filed is not None else set()
    if asked.ref.type not in PRINCIPALS:
        del expected[Place.ACCEPTOR]
    elif not asked.folders and asked.ref not in filed:
        del expected[Place.REGARDING]
    return tuple(answer(kept, asked) for answer in expected.values())
