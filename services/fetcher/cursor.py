"""
Cursors and fencing numbers in PostgreSQL: how far a folder was handed over, and who may say so.

Delivery rows and the cursor that covers them are written in one transaction, and only while the fencing number
of the mailbox is still the writer's own.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, LiteralString

from psycopg import Connection

from services.domain.errors import MailweaveError
from services.domain.identity import Direction
from services.domain.mailbox_state import Phase
from services.fetcher import folder_rows, former_places
from services.fetcher.deliveries import OWNER, Database, Delivery, insert, signals_of
from services.fetcher.former_places import Moves
from services.fetcher.position import Position
from services.runtime import signals

OUTRUN = "another replica reads this mailbox now"

_STANDING: LiteralString = (
    "SELECT (SELECT phase FROM fetcher.mailbox_state WHERE mailbox = %(mailbox)s AND direction = %(direction)s), "
)


class FenceLost(MailweaveError):  # noqa: N818 - named for what happened
    """
    Another replica has claimed the mailbox since: what this one was about to write is dropped.

    That is harmless: the cursor has not moved, and the other replica hands the same deliveries over under the
    same ids.
    """

    code = "fence_lost"


@dataclass(frozen=True, slots=True)
class Claim:
    """
    A mailbox that is this replica's: its new fencing number, and where it stands; None when it is new.

    What is known of its ``folders`` stays so, but for what is written under this number.
    """

    fence: int
    phase: Phase | None
    folders: folder_rows.Known


def claim(database: Database, mailbox: str) -> Claim:
    """Take the mailbox over under a new fencing number, from now on the only valid one."""
    with database.alone() as connection, connection.pipeline():
        claimed = connection.execute(
            "INSERT INTO fetcher.mailbox (mailbox, fence) VALUES (%s, 1)"
            " ON CONFLICT (mailbox) DO UPDATE SET fence = mailbox.fence + 1 RETURNING fence",
            (mailbox,),
        )
        # A later statement: this one sees whatever was written under the number before.
        standing = connection.execute(
            _STANDING + folder_rows.COLUMNS,
            {"mailbox": mailbox, "direction": Direction.INCOMING},
        )
    row, known = claimed.fetchone(), standing.fetchone()
    assert row is not None
    assert known is not None
    phase, *folders = known
    return Claim(row[0], Phase(phase) if phase else None, folder_rows.known(*folders))


def hold(connection: Connection[Any], mailbox: str, fence: int) -> None:
    """Lock the mailbox row to the end of the transaction, or raise when the fencing number is not ours."""
    row = connection.execute("SELECT fence FROM fetcher.mailbox WHERE mailbox = %s FOR UPDATE", (mailbox,)).fetchone()
    if row is None or row[0] != fence:
        raise FenceLost(OUTRUN)


def position(database: Database, mailbox: str, folder_id: str) -> Position | None:
    """Return the cursor of a folder, or None before its first check."""
    with database.alone() as connection:
        row = connection.execute(
            "SELECT to_json(c) FROM fetcher.cursor c WHERE mailbox = %s AND folder_id = %s", (mailbox, folder_id)
        ).fetchone()
    return folder_rows.position(row[0]) if row else None


def rename(database: Database, mailbox: str, fence: int, at: Position) -> None:
    """Give the deliveries of a folder the name that it has now."""
    with database.transaction() as connection:
        hold(connection, mailbox, fence)
        former_places.rename(connection, mailbox, at)


def begin(database: Database, mailbox: str, fence: int, at: Position) -> None:
    """Write the cursor of a folder that is numbered anew or was renamed: no delivery is known to lie there yet."""
    with database.transaction() as connection:
        hold(connection, mailbox, fence)
        former_places.vacate(connection, mailbox, at)
        connection.execute("DELETE FROM fetcher.cursor WHERE mailbox = %s AND folder_id = %s", (mailbox, at.former_id))
        _write(connection, mailbox, at)


def vacate(database: Database, mailbox: str, fence: int, at: Position) -> None:
    """Take back the places of an epoch that begins in a folder without a cursor. Raises ``FenceLost`` when outrun."""
    with database.transaction() as connection:
        hold(connection, mailbox, fence)
        former_places.vacate(connection, mailbox, at)


def advance(
    database: Database,
    mailbox: str,
    fence: int,
    deliveries: Sequence[Delivery],
    to: Position,
    *,
    moves: Moves | None = None,
) -> None:
    """
    Write deliveries and cursor in one transaction. Raises ``FenceLost`` and writes nothing when outrun.

    ``moves`` is what becomes of deliveries that are known from before.

    A cursor of the same name under another id belongs to a folder that is gone, or to one that had not been
    found yet; it goes, its deliveries stay.
    """
    with database.transaction() as connection:
        hold(connection, mailbox, fence)
        _insert(connection, deliveries, moves)
        _write(connection, mailbox, to)


def _write(connection: Connection[Any], mailbox: str, to: Position) -> None:
    connection.execute(
        "DELETE FROM fetcher.cursor WHERE mailbox = %s AND folder = %s AND folder_id <> %s",
        (mailbox, to.folder, to.folder_id),
    )
    connection.execute(
        "INSERT INTO fetcher.cursor (mailbox, folder_id, folder, uidvalidity, uid, uidnext, renumbered, former_id)"
        " VALUES (%s, %s, %s, %s, %s, %s, %s, %s) ON CONFLICT (mailbox, folder_id) DO UPDATE SET"
        " folder = excluded.folder, uidvalidity = excluded.uidvalidity, uid = excluded.uid,"
        " uidnext = excluded.uidnext, last_error = NULL, renumbered = excluded.renumbered,"
        " former_id = excluded.former_id, gone = NULL",
        (mailbox, to.folder_id, to.folder, to.uidvalidity, to.uid, to.uidnext, to.renumbered, to.former_id),
    )


def taken(
    database: Database, mailbox: str, fence: int, deliveries: Sequence[Delivery], *, moves: Moves | None = None
) -> None:
    """Write deliveries without moving a cursor. Raises ``FenceLost`` and writes nothing when outrun."""
    with database.transaction() as connection:
        hold(connection, mailbox, fence)
        _insert(connection, deliveries, moves)


def _insert(connection: Connection[Any], deliveries: Sequence[Delivery], moves: Moves | None) -> None:
    if moves is not None:
        # First: a place that is vacated or moved from may be that of a new delivery.
        moves.carry_out(connection)
    insert(connection, deliveries)
    signals.append(connection, OWNER, signals_of(deliveries))


def folder_mended(database: Database, mailbox: str, fence: int, folder: str) -> None:
    """Take back that a folder without a cursor (POP3) could not be read."""
    with database.transaction() as connection:
        hold(connection, mailbox, fence)
        connection.execute(
            "DELETE FROM fetcher.cursor WHERE mailbox = %s AND folder = %s AND uidvalidity = 0", (mailbox, folder)
        )


def folder_failed(database: Database, mailbox: str, fence: int, folder: str, error: str) -> None:
    """
    Note why a folder could not be read. A folder that was never read gets a row of epoch 0, which no server uses.

    RFC 9051 section 9: UIDVALIDITY is a non-zero number.
    """
    with database.transaction() as connection:
        hold(connection, mailbox, fence)
        updated = connection.execute(
            "UPDATE fetcher.cursor SET last_error = %s WHERE mailbox = %s AND folder = %s", (error, mailbox, folder)
        )
        if not updated.rowcount:
            connection.execute(
                "INSERT INTO fetcher.cursor (mailbox, folder_id, folder, uidvalidity, uid, last_error)"
                " VALUES (%s, %s, %s, 0, 0, %s) ON CONFLICT (mailbox, folder_id) DO UPDATE SET last_error ="
                " excluded.last_error",
                (mailbox, folder, folder, error),
            )
