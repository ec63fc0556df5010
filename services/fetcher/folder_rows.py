"""What is known of a mailbox's folders, in one row: cursors, ids, and how far people's flags were looked for."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, fields
from datetime import datetime
from types import MappingProxyType
from typing import Any, LiteralString

from services.fetcher.deliveries import Database
from services.fetcher.position import Position

COLUMNS: LiteralString = (
    "(SELECT json_agg(c) FROM fetcher.cursor c WHERE mailbox = %(mailbox)s),"
    " (SELECT json_agg(k) FROM fetcher.known_folder k WHERE mailbox = %(mailbox)s),"
    " (SELECT json_agg(f) FROM fetcher.flagged f WHERE mailbox = %(mailbox)s)"
)
"""What :func:`known` takes; one row, whatever is known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """
    What is known of the folders of one mailbox.

    ``cursors`` are by folder id, ``ids`` (MAILBOXID, RFC 8474) by what asks for the folder, so that a renamed one stays
    what it is. ``looked`` has UIDVALIDITY and HIGHESTMODSEQ of the last look for people's flags by folder id.
    ``cursors_gone`` and ``ids_gone`` say since when the server has no such folder, of those that it does not have.
    """

    cursors: Mapping[str, Position] = field(default_factory=lambda: MappingProxyType({}))
    ids: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    looked: Mapping[str, tuple[int, int]] = field(default_factory=lambda: MappingProxyType({}))
    cursors_gone: Mapping[str, datetime] = field(default_factory=lambda: MappingProxyType({}))
    ids_gone: Mapping[str, datetime] = field(default_factory=lambda: MappingProxyType({}))


def known(cursors: Any, ids: Any, looked: Any) -> Known:  # noqa: ANN401 - JSON
    """Return what is known from the columns of a row."""
    return Known(
        cursors={row["folder_id"]: position(row) for row in cursors or ()},
        ids={row["asked"]: row["mailbox_id"] for row in ids or ()},
        looked={row["folder_id"]: (row["uidvalidity"], row["modseq"]) for row in looked or ()},
        cursors_gone={row["folder_id"]: datetime.fromisoformat(row["gone"]) for row in cursors or () if row["gone"]},
        ids_gone={row["asked"]: datetime.fromisoformat(row["gone"]) for row in ids or () if row["gone"]},
    )


def position(row: Mapping[str, Any]) -> Position:
    """Return the position of a row of ``fetcher.cursor``."""
    return Position(**{column.name: row[column.name] for column in fields(Position)})


def read(database: Database, mailbox: str) -> Known:
    """Return what is known now."""
    with database.alone() as connection:
        row = connection.execute("SELECT " + COLUMNS, {"mailbox": mailbox}).fetchone()
    assert row is not None
    return known(*row)


def former(database: Database, mailbox: str, new: Position, names: Collection[str] | None) -> str | None:
    """
    Return the id that a folder without a cursor had before: under its own name, or under one that is no more.

    A rename keeps UIDVALIDITY. Of several such folders none is taken: it cannot be told which one it was. ``names`` are
    those of all folders that are there; without them only the folder's own name counts.
    """
    with database.alone() as connection:
        rows = connection.execute(
            "SELECT folder_id, folder = %(name)s FROM fetcher.cursor WHERE mailbox = %(mailbox)s AND uidvalidity <> 0"
            " AND folder_id <> %(id)s AND (folder = %(name)s"
            " OR uidvalidity = %(epoch)s AND folder <> ALL(%(names)s::text[]))",
            {"mailbox": mailbox, "id": new.folder_id, "name": new.folder, "epoch": new.uidvalidity,
             "names": None if names is None else list(names)},
        ).fetchall()  # fmt: skip
    same = [folder_id for folder_id, named in rows if named] or [folder_id for folder_id, _ in rows]
    return same[0] if len(same) == 1 else None
