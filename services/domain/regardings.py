"""What an activity hangs off: several records, each by its own reason; what people say of them goes before the rest."""

from collections.abc import Iterable, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from enum import StrEnum

from services.domain.directory import RecordRef


class Source(StrEnum):
    """Where a regarding comes from."""

    MANUAL = "manual"
    FOLDER = "folder"
    CORRELATED = "correlated"


@dataclass(frozen=True, slots=True)
class Regarding:
    """
    A record that an activity hangs off.

    ``author`` is the person who has said so, or the mailbox in whose folder the mail lies; ``why`` is what that person
    gave as the reason, the key of the folder's rule, or the id of the activity that is answered.
    """

    record: RecordRef
    source: Source
    author: str = ""
    why: str = ""


Regardings = tuple[Regarding, ...]


@dataclass(frozen=True, slots=True)
class Spoken:
    """
    What people have to say: the records that they have ``taken_away``, and whether a folder's rule goes before them.

    Where it does (``folder_wins``, the product's way: domain rule 3.6), its record stands first and cannot be taken
    away.
    """

    taken_away: AbstractSet[RecordRef] = frozenset()
    folder_wins: bool = False


def decided(
    before: Sequence[Regarding], folder: Regarding | None, inherited: Sequence[Regarding], said: Spoken, *, added: bool
) -> Regardings:
    """
    Return what an activity hangs off when a copy of its mail was decided about; the first one is the most important.

    That is what people have said, what the rules of folders give, and everything under which the answered mail is
    filed. Each mailbox gives one record by its folders. It stays when the rule changes; a copy that is ``added``, and
    lies in the folder of another rule, changes it once. Which copy is decided again, and when, does not matter.
    """
    folders = [one for one in before if one.source == Source.FOLDER]
    if folder is not None and (added or all(one.author != folder.author for one in folders)):
        folders = [*(one for one in folders if one.author != folder.author), folder]
    manual = [one for one in before if one.source == Source.MANUAL]
    return _in_order(manual, folders, inherited, said)


def with_manual(before: Sequence[Regarding], added: Iterable[Regarding], said: Spoken) -> Regardings:
    """Return what an activity hangs off when people have added these; what was said last comes last."""
    known = [one for one in before if one.source == Source.MANUAL]
    records = {one.record for one in known}
    manual = [*known, *(one for one in added if one.record not in records)]
    others = [one for one in before if one.source == Source.CORRELATED]
    return _in_order(manual, [one for one in before if one.source == Source.FOLDER], others, said)


def together(before: Sequence[Regarding], others: Iterable[Regarding], said: Spoken) -> Regardings:
    """Return what an activity hangs off in which another one of the same mail ends: what is said of both counts."""
    own = {one.author for one in before if one.source == Source.FOLDER}
    theirs = [one for one in others if one.source == Source.MANUAL and one.record not in said.taken_away]
    folders = [one for one in others if one.source == Source.FOLDER and one.author not in own]
    return with_manual((*before, *folders), theirs, said)


def without(before: Sequence[Regarding], said: Spoken) -> Regardings:
    """Return what an activity hangs off when people have taken records away; a folder's stays where its rule wins."""
    manual = [one for one in before if one.source == Source.MANUAL and one.record not in said.taken_away]
    others = [one for one in before if one.source == Source.CORRELATED]
    return _in_order(manual, [one for one in before if one.source == Source.FOLDER], others, said)


def _in_order(
    manual: Sequence[Regarding], folders: Sequence[Regarding], inherited: Sequence[Regarding], said: Spoken
) -> Regardings:
    by_mailbox = sorted(folders, key=lambda one: (one.author, one.record))
    if said.folder_wins:
        first = [*by_mailbox, *manual]
    else:
        first = [*manual, *(one for one in by_mailbox if one.record not in said.taken_away)]
    found: dict[RecordRef, Regarding] = {}
    for one in (*first, *(one for one in inherited if one.record not in said.taken_away)):
        found.setdefault(one.record, one)
    return tuple(found.values())
