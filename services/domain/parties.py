"""Which directory records the people of a message are (domain rules 4.2 and 4.3)."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from services.domain.directory import USER, Record, RecordRef, by_priority


class Role(StrEnum):
    """What a party is in an activity."""

    FROM = "from"
    TO = "to"
    CC = "cc"
    BCC = "bcc"
    OWNER = "owner"


@dataclass(frozen=True, slots=True)
class Party:
    """One participant: address as looked up, name as written, and the records; none means unresolved."""

    role: Role
    address: str
    name: str
    records: tuple[RecordRef, ...]


@dataclass(frozen=True, slots=True)
class SenderResolution:
    """The one record of a sender, or None, and the rule that decided."""

    record: Record | None
    why: str


def resolve_sender(
    matches: Sequence[Record], *, owner: RecordRef | None, max_matches: int, unresolve_on_multiple: bool
) -> SenderResolution:
    """
    Resolve a sender to exactly one record, or none (domain rule 4.2).

    ``owner`` is the owner of the mailbox or queue that tracks the mail: its records come first. Ties inside a
    type go to the oldest record.
    """
    if not matches:
        return SenderResolution(None, "no record has this address")
    if len(matches) > max_matches:
        return SenderResolution(None, f"{len(matches)} records have this address, more than {max_matches}")
    if len(matches) == 1:
        return SenderResolution(matches[0], "the only record with this address")
    if unresolve_on_multiple:
        return SenderResolution(None, f"{len(matches)} records have this address, and such senders stay unresolved")
    owned = [r for r in matches if owner is not None and owner in (r.owner, r.ref)]
    active = sorted((r for r in (owned or matches) if r.active), key=by_priority)
    if not active:
        return SenderResolution(None, "no active record has this address")
    if owned:
        return SenderResolution(active[0], "owned by the owner of the mailbox that tracks the mail")
    return SenderResolution(active[0], "first by type, then by age")


def resolve_recipient(matches: Sequence[Record], *, unresolve_on_multiple: bool) -> tuple[RecordRef, ...]:
    """
    Resolve a recipient to every record with that address.

    With the switch on, an address that several records have is left unresolved.

    Disabled users never resolve (domain rule 4.1).
    """
    usable = sorted((r for r in matches if r.active or r.ref.type != USER), key=by_priority)
    if unresolve_on_multiple and len(usable) > 1:
        return ()
    return tuple(r.ref for r in usable)
