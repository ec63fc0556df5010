"""What mailbox a new user or queue is given: the template of the organisation, copied (domain rule 1.2)."""

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass

from services.domain.directory import RecordRef


@dataclass(frozen=True, slots=True, kw_only=True)
class Template:
    """Server profile by its id, and the three methods."""

    profile: str
    incoming: str
    outgoing: str
    act: str


@dataclass(frozen=True, slots=True)
class PrincipalAddresses:
    """A user or queue with its addresses, normalised."""

    ref: RecordRef
    addresses: Sequence[str]


@dataclass(frozen=True, slots=True)
class NewMailbox:
    """A mailbox that is to be made."""

    address: str
    owner: RecordRef


def missing(
    principals: Iterable[PrincipalAddresses], *, owners: Collection[RecordRef], addresses: Collection[str]
) -> Iterator[NewMailbox]:
    """
    Yield the mailboxes that are to be made, at most one for each principal, in the order given.

    One in ``owners`` gets none, nor does one with an address in ``addresses``: those that have a mailbox, or had one
    that a person has removed. Of several addresses the first in the order of the alphabet counts.
    """
    owning, taken = set(owners), set(addresses)
    for principal in principals:
        if principal.ref in owning or not principal.addresses or not taken.isdisjoint(principal.addresses):
            continue
        made = NewMailbox(min(principal.addresses), principal.ref)
        owning.add(made.owner)
        taken.add(made.address)
        yield made
