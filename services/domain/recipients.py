"""Whose mail it is that a server pushes: what a recipient of the envelope names among the mailboxes."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol, TypeAlias

from services.domain.addresses import normalise


class Switched(Protocol):
    """What is known of a mailbox."""

    @property
    def enabled(self) -> bool:
        """Whether its mail is taken."""


@dataclass(frozen=True, slots=True)
class Ours:
    """An enabled mailbox, by its normalised address."""

    mailbox: str


@dataclass(frozen=True, slots=True)
class Disabled:
    """A mailbox whose mail is not taken now, and may be later."""


@dataclass(frozen=True, slots=True)
class Unknown:
    """No mailbox of ours; nothing is ever relayed."""


Recipient: TypeAlias = Ours | Disabled | Unknown


def recipient(address: str, mailboxes: Mapping[str, Switched]) -> Recipient:
    """
    Return what an address of the envelope names; ``mailboxes`` are by normalised address.

    A detail (``ada+news@…``, RFC 5233) is left out only where there is no mailbox of exactly that address.
    """
    exact = normalise(address)
    for name in (exact, _without_detail(exact)):
        if (mailbox := mailboxes.get(name)) is not None:
            return Ours(name) if mailbox.enabled else Disabled()
    return Unknown()


def _without_detail(address: str) -> str:
    local, at, domain = address.rpartition("@")
    user, _, _ = local.partition("+")
    return f"{user}{at}{domain}" if user else address
