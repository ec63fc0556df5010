"""What activities hang off and have hung off: since when, by whom, and why."""

from typing import LiteralString, TypedDict
from uuid import UUID

from psycopg import Connection

from services.storage.reports.activities import timestamp
from services.storage.reports.reading import number, rows


class RegardingOf(TypedDict):
    """
    A record that a mail is, or was, filed under; ``until`` is null while it is.

    ``source``: manual (``author``: the person, ``why``: the reason), folder (the mailbox, and the key of the rule) or
    correlated (``why``: the Message-ID of the mail that it answers). ``ended``: person (``ended_by``, ``ended_why``),
    changed (what it followed from), merged (the record) or withdrawn (the activity); empty while it has not.
    """

    direction: str | None
    type: str
    id: str
    source: str
    author: str
    why: str
    since: str | None
    until: str | None
    ended: str
    ended_by: str
    ended_why: str


_HISTORY: LiteralString = """
    SELECT r.*, a.direction, CASE WHEN r.source = 'correlated' THEN coalesce(m.message_id, '') ELSE r.why END AS because
      FROM resolver.regarding r
      LEFT JOIN resolver.activity a ON a.id = r.activity_id
      LEFT JOIN resolver.activity c ON r.source = 'correlated' AND c.id::text = r.why
      LEFT JOIN resolver.message m ON m.message_key = c.message_key
     WHERE r.message_key = %(message)s
     ORDER BY r.since, r.until NULLS LAST, r.number
"""
_FILED: LiteralString = """
    SELECT count(*) FROM (
        SELECT a.message_key FROM resolver.message m JOIN resolver.activity a USING (message_key)
         WHERE m.id_key = %(id)s
        UNION
        SELECT j.elder FROM resolver.message m JOIN resolver.joined j USING (message_key)
         WHERE m.id_key = %(id)s
    ) AS filed
"""
_MESSAGE: LiteralString = """
    SELECT coalesce(m.message_id, '') AS message_id FROM resolver.message m
     WHERE m.message_key = (
        SELECT message_key FROM resolver.activity WHERE id = %(id)s
        UNION SELECT elder FROM resolver.joined WHERE activity_id = %(id)s LIMIT 1)
"""


def history(connection: Connection[object], message: UUID) -> list[RegardingOf]:
    """Return what a message was filed under, the first first."""
    return [
        RegardingOf(
            direction=row["direction"],
            type=row["type"],
            id=row["id"],
            source=row["source"],
            author=row["author"],
            why=row["because"],
            since=timestamp(row["since"]),
            until=timestamp(row["until"]),
            ended=row["ended"],
            ended_by=row["ended_by"],
            ended_why=row["ended_why"],
        )
        for row in rows(connection, _HISTORY, {"message": message})
    ]


def filed(connection: Connection[object], id_key: UUID) -> int:
    """Return how many mails with this id are filed; one that is the same as another under its id is that one."""
    return number(connection, _FILED, {"id": id_key})


def message_of(connection: Connection[object], activity: str) -> str | None:
    """Return the Message-ID of an activity, or of that in which it has ended; None when there is no such activity."""
    found = rows(connection, _MESSAGE, {"id": activity})
    return str(found[0]["message_id"]) if found else None
