"""
Other addresses of a mailbox, as its own server shows them (domain rule 2.2.3: an alias that no record has).

A server that delivers a mail writes for whom, above everything that came with it. What stands below the topmost
Received was written by others, or by whoever wrote the mail, and is never looked at.
"""

import re
from collections.abc import Collection, Iterator

from services.domain.addresses import normalise, without_detail
from services.domain.kinds.rules import MailKind, classify
from services.domain.message import Message
from services.domain.token_evidence import RECIPIENT_HEADERS

RECEIVED = "received"
PROPOSED_FROM = 3
"""Mails under an address before it is proposed: one may be a slip of whoever looks after the server."""
MOST = 5
"""Addresses of one mail that are looked at."""

_ADDRESS = re.compile(r"[^@\s<>,;\x00-\x1f\x7f]{1,64}@[^@\s<>,;\x00-\x1f\x7f]{1,255}")


def delivered_under(message: Message, mailbox: str) -> tuple[str, ...]:
    """
    Return under which other addresses the mailbox's own server says that it delivered a mail, normalised.

    Of mail that no server has received nothing is known, and a list writes its own address. An address with a detail
    is no other one than that without.
    """
    found = list(dict.fromkeys(_above(message)))[:MOST]
    others = tuple(one for one in found if mailbox not in (one, without_detail(one)))
    return others if others and classify(message).kind != MailKind.LIST else ()


def _above(message: Message) -> Iterator[str]:
    """Yield the addresses above the topmost Received; none where there is no Received."""
    above: list[str] = []
    for name, value in message.headers:
        if name == RECEIVED:
            yield from above
            return
        if name in RECIPIENT_HEADERS:
            written = (piece.strip().strip("<>") for piece in value.split(","))
            above += [normalise(one) for one in written if _ADDRESS.fullmatch(one)]


def unknown(addresses: Collection[str], known: Collection[str]) -> tuple[str, ...]:
    """Return the addresses that nobody has: no record, no mailbox; nor without their detail."""
    return tuple(one for one in addresses if one not in known and without_detail(one) not in known)


def proposed(mails: int, principals: int) -> bool:
    """Whether an address is proposed: one that several users or queues get mail under is a list, not an alias."""
    return mails >= PROPOSED_FROM and principals == 1
