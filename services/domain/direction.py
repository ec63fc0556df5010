"""Which way a message went, decided once for each delivery (domain rule 2.3, 5.1)."""

from collections.abc import Iterable

from services.domain.addresses import normalise
from services.domain.identity import Direction

OWN_ADDRESS = "own-address-unauthenticated"


def direction(
    *, folder_role: str, mailbox: str, from_addresses: Iterable[str], own_authenticated: bool
) -> tuple[Direction, str | None]:
    """
    Return the direction and, where it deserves a look, the flag that says why.

    Outgoing when found in Sent, or when From is the mailbox's own address and a trusted server has
    authenticated it. A mail that merely claims to come from the mailbox's own address is incoming and
    flagged: anybody can write that.
    """
    if folder_role == "sent":
        return Direction.OUTGOING, None
    if any(normalise(a) == mailbox for a in from_addresses):
        if own_authenticated:
            return Direction.OUTGOING, None
        return Direction.INCOMING, OWN_ADDRESS
    return Direction.INCOMING, None
