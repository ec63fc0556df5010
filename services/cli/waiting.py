"""What `wait` waits for: nothing is left on the way from the mailboxes to the decisions."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from psycopg import Connection

from services.cli.output import plural
from services.storage.reports import progress
from services.storage.reports.progress import Cursor

if TYPE_CHECKING:
    from uuid import UUID

INBOX = "INBOX"


@dataclass(frozen=True, slots=True)
class Target:
    """What the server said of a folder when the wait began."""

    mailbox: str
    folder: str
    uidvalidity: int
    uidnext: int


@dataclass(frozen=True, slots=True)
class Numbered:
    """The mails of a POP3 mailbox when the wait began, as the deliveries that they are to become."""

    mailbox: str
    deliveries: "tuple[UUID, ...]"


@dataclass(frozen=True, slots=True)
class Unreachable:
    """A mailbox or folder whose server could not be asked."""

    mailbox: str
    folder: str
    why: str


@dataclass(frozen=True, slots=True)
class Missing:
    """One thing that is not done: what it is, how many of it, and in words."""

    what: str
    count: int
    text: str


def _same_folder(one: str, other: str) -> bool:
    # INBOX is the one name that knows no case (RFC 9051 section 5.1).
    return one == other or (one.upper() == INBOX and other.upper() == INBOX)


def _cursor_of(target: Target, cursors: Sequence[Cursor]) -> Cursor | None:
    for cursor in cursors:
        if cursor.mailbox == target.mailbox and _same_folder(cursor.folder, target.folder):
            return cursor
    return None


def behind(target: Target, cursors: Sequence[Cursor]) -> Missing | None:
    """Return what a folder's cursor lacks to the UIDNEXT that was read, or None when it has reached it."""
    where = f"{target.mailbox}, {target.folder}"
    last = target.uidnext - 1
    cursor = _cursor_of(target, cursors)
    if cursor is None:
        # An empty folder needs no cursor: there is nothing to be taken.
        return Missing("folder", last, f"{where}: not read yet, up to {plural(last, 'mail')} to take") if last else None
    if cursor.uidvalidity != target.uidvalidity:
        return Missing("folder", last, f"{where}: the server numbered the folder anew and it is not read again yet")
    if cursor.uid >= last:
        return None
    said = f"; last error: {cursor.last_error}" if cursor.last_error else ""
    left = last - cursor.uid
    return Missing("folder", left, f"{where}: {plural(left, 'UID')} behind (at {cursor.uid}, wanted {last}){said}")


class Watch:
    """
    Looks again and again, cheap questions first.

    All deliveries are looked through only when nothing else is missing; until those that were found without
    an answer have one, only they are looked at.
    """

    def __init__(self, targets: Sequence[Target | Numbered]) -> None:
        self._targets = [one for one in targets if isinstance(one, Target)]
        self._numbered = [one for one in targets if isinstance(one, Numbered)]
        self._without: list[UUID] = []

    def look(self, connection: Connection[Any], *, thorough: bool = False) -> list[Missing]:
        """
        Return what is missing now; empty when the wait is over. Needs a snapshot.

        ``thorough`` asks everything even when the first questions found something, for the last report.
        """
        missing = self._places(connection) + self._tables(connection)
        if missing and not thorough:
            return missing
        return missing + self._deliveries(connection) + self._merges(connection)

    def _places(self, connection: Connection[Any]) -> list[Missing]:
        cursors = progress.cursors(connection)
        missing = [one for one in (behind(t, cursors) for t in self._targets) if one]
        for one in self._numbered:
            left = progress.untaken(connection, one.deliveries)
            if left:
                missing.append(Missing("folder", left, f"{one.mailbox}: {plural(left, 'mail')} to take by POP3"))
        return missing

    def _tables(self, connection: Connection[Any]) -> list[Missing]:
        missing = [
            Missing(f"{schema}.outbox", count, f"{schema}.outbox is not empty: {plural(count, 'record')}")
            for schema, count in progress.outboxes(connection).items()
            if count
        ]
        waiting = progress.jobs(connection)
        if waiting:
            missing.append(Missing("resolver.job", waiting, f"resolver.job is not empty: {plural(waiting, 'job')}"))
        return missing

    def _deliveries(self, connection: Connection[Any]) -> list[Missing]:
        if self._without:
            self._without = progress.unanswered(connection, self._without)
        if not self._without:
            self._without = progress.unanswered(connection)
        count = len(self._without)
        if not count:
            return []
        many = plural(count, "delivery", "deliveries")
        return [Missing("decision", count, f"{many} without a decision or dead letter")]

    def _merges(self, connection: Connection[Any]) -> list[Missing]:
        count = progress.unapplied_merges(connection)
        if not count:
            return []
        return [Missing("thread notice", count, f"{plural(count, 'merge')} of threads not applied yet")]


def until_done(
    look: Callable[[], list[Missing]], *, now: Callable[[], float], pause: Callable[[float], None], seconds: float
) -> list[Missing]:
    """Look until nothing is missing or the time is over; return what the last look found missing."""
    deadline = now() + seconds
    rest = 0.02
    while True:
        missing = look()
        left = deadline - now()
        if not missing or left <= 0:
            return missing
        pause(min(rest, left))
        rest = min(rest * 1.5, 0.5)
