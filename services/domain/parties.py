"""Which directory records the people of a message are (domain rules 4.2 and 4.3)."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID

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
    """
    One participant: address as looked up, name as written, and the records; none means unresolved.

    ``said``: the command by which a person has named the record.
    """

    role: Role
    address: str
    name: str
    records: tuple[RecordRef, ...]
    said: UUID | None = None


def resolve_sender(
    matches: Sequence[Record], *, owner: RecordRef | None, max_matches: int, unresolve_on_multiple: bool
) -> Record | None:
    """
    Resolve a sender to exactly one record, or none (domain rule 4.2).

    ``owner`` is the owner of the mailbox or queue that tracks the mail: its records come first. Ties inside a
    type go to the oldest record.
    """
    if len(matches) > max_matches:
        return None
    if len(matches) == 1:
        return matches[0]
    if unresolve_on_multiple:
        return None
    owned = [r for r in matches if owner is not None and owner in (r.owner, r.ref)]
    return min((r for r in (owned or matches) if r.active), key=by_priority, default=None)


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
