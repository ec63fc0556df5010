"""Directory records: the rows of the CRM that own e-mail addresses, as decisions see them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeAlias

USER = "user"
QUEUE = "queue"
PRINCIPALS = frozenset({USER, QUEUE})
CUSTOMERS = frozenset({"contact", "account", "lead"})

# Domain rule 4.2, step 5: every other e-mail-enabled type comes after these, by its name.
_PRIORITY = (USER, "contact", "account", "lead", "equipment", "team", "business-unit")


@dataclass(frozen=True, slots=True, order=True)
class RecordRef:
    """Names a directory record."""

    type: str
    id: str


@dataclass(frozen=True, slots=True)
class Record:
    """A directory record. ``ordinal`` grows with age of entry: the older record has the smaller one."""

    ref: RecordRef
    name: str
    owner: RecordRef | None
    active: bool
    ordinal: int


Directory: TypeAlias = Mapping[str, tuple[Record, ...]]
"""Records by normalised address; an address that is not in it belongs to nobody."""


def by_priority(record: Record) -> tuple[int, str, int]:
    """Sort key: type priority of domain rule 4.2, then the older record."""
    kind = record.ref.type
    place = _PRIORITY.index(kind) if kind in _PRIORITY else len(_PRIORITY)
    return (place, kind if place == len(_PRIORITY) else "", record.ordinal)
