"""Whose mail it is that a server pushes: what a recipient of the envelope names among the mailboxes."""

from collections.abc import Callable, Container
from dataclasses import dataclass
from typing import TypeAlias

from services.domain.addresses import normalise, without_detail
from services.domain.approval import Permit


@dataclass(frozen=True, slots=True)
class Ours:
    """A mailbox whose mail is taken, by its normalised address."""

    mailbox: str


@dataclass(frozen=True, slots=True)
class Disabled:
    """A mailbox whose mail is not taken now, and may be later."""


@dataclass(frozen=True, slots=True)
class Unknown:
    """No mailbox of ours; nothing is ever relayed."""


Recipient: TypeAlias = Ours | Disabled | Unknown


def recipient(address: str, mailboxes: Container[str], permit: Callable[[str], Permit]) -> Recipient:
    """
    Return what an address of the envelope names; ``mailboxes`` are normalised addresses.

    Mail is taken for those that may be read: not for one that is deactivated or not approved.

    A detail (``ada+news@…``, RFC 5233) is left out only where there is no mailbox of exactly that address.
    """
    exact = normalise(address)
    for name in (exact, without_detail(exact)):
        if name in mailboxes:
            return Ours(name) if permit(name) is Permit.ALLOWED else Disabled()
    return Unknown()
