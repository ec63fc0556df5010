"""
The rows of folders that are known: by which id (MAILBOXID, RFC 8474) those that the settings name, and which are gone.

A renamed folder stays what it is.
"""

from datetime import datetime
from typing import LiteralString

from services.domain.forgetting import KEPT, FolderAbsences
from services.fetcher.cursor import hold
from services.fetcher.deliveries import Database

_CURSORS: tuple[LiteralString, LiteralString, LiteralString] = (
    "UPDATE fetcher.cursor SET gone = %(now)s WHERE mailbox = %(mailbox)s AND folder_id = ANY(%(these)s)",
    "UPDATE fetcher.cursor SET gone = NULL WHERE mailbox = %(mailbox)s AND folder_id = ANY(%(these)s)",
    # Not one that this check has just read under a new name, nor one by the clock of a router that is wrong.
    (
        "DELETE FROM fetcher.cursor WHERE mailbox = %(mailbox)s AND folder_id = ANY(%(these)s)"
        " AND (gone <= %(long_ago)s OR uidvalidity = 0)"
    ),
)
_IDS: tuple[LiteralString, LiteralString, LiteralString] = (
    "UPDATE fetcher.known_folder SET gone = %(now)s WHERE mailbox = %(mailbox)s AND asked = ANY(%(these)s)",
    "UPDATE fetcher.known_folder SET gone = NULL WHERE mailbox = %(mailbox)s AND asked = ANY(%(these)s)",
    (
        "DELETE FROM fetcher.known_folder WHERE mailbox = %(mailbox)s AND asked = ANY(%(these)s)"
        " AND gone <= %(long_ago)s"
    ),
)


def know_as(database: Database, mailbox: str, fence: int, asked: str, mailbox_id: str) -> None:
    """Note by which id a folder is known. Raises ``FenceLost`` when outrun."""
    with database.transaction() as connection:
        hold(connection, mailbox, fence)
        connection.execute(
            "INSERT INTO fetcher.known_folder (mailbox, asked, mailbox_id) VALUES (%s, %s, %s)"
            " ON CONFLICT (mailbox, asked) DO UPDATE SET mailbox_id = excluded.mailbox_id",
            (mailbox, asked, mailbox_id),
        )


def forget(database: Database, mailbox: str, fence: int, absences: FolderAbsences, now: datetime) -> None:
    """Note what is gone since ``now`` and what is back, and drop what was gone for long. Raises ``FenceLost``."""
    given = {"mailbox": mailbox, "now": now, "long_ago": now - KEPT}
    with database.transaction() as connection:
        hold(connection, mailbox, fence)
        for statements, changed in ((_CURSORS, absences.cursors), (_IDS, absences.ids)):
            for statement, these in zip(statements, (changed.gone, changed.back, changed.forgotten), strict=True):
                if these:
                    connection.execute(statement, {**given, "these": list(these)})
