"""When what is known of a folder that is gone is forgotten: late, because a folder may come back."""

from collections.abc import Collection, Hashable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)
KEPT = timedelta(days=90)
"""As long as the history of a mailbox; a server is restored, or a folder renamed back, sooner than that."""


@dataclass(frozen=True, slots=True)
class Absences(Generic[K]):
    """What has gone since the last look, what has come back, and what was gone for too long to be waited for."""

    gone: frozenset[K]
    back: frozenset[K]
    forgotten: frozenset[K]

    def __bool__(self) -> bool:
        """Whether anything has changed."""
        return bool(self.gone or self.back or self.forgotten)


@dataclass(frozen=True, slots=True)
class FolderAbsences:
    """Those of the cursors of a mailbox, by the id of the folder, and of the ids, by what asks for the folder."""

    cursors: Absences[str]
    ids: Absences[str]


def absences(known: Collection[K], gone: Mapping[K, datetime], there: Collection[K], now: datetime) -> Absences[K]:
    """
    Return what follows for what is known, of which ``gone`` says since when it is not there, when this is there now.

    Nothing is forgotten at the first look that misses it, however late that comes: one look may be mistaken.
    """
    missing = frozenset(known) - frozenset(there)
    forgotten = frozenset(one for one in missing & gone.keys() if now - gone[one] >= KEPT)
    return Absences(
        gone=missing - gone.keys(), back=frozenset(one for one in known if one in gone) - missing, forgotten=forgotten
    )
