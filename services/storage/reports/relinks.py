"""What people have done to conversations, and what they can do: for the command line."""

from typing import LiteralString, TypedDict
from uuid import UUID

from psycopg import Connection

from services.domain.evidence import NAMES_ITSELF
from services.storage.reports.activities import timestamp
from services.storage.reports.reading import number, rows


class Relink(TypedDict):
    """
    One command about conversations, by Message-IDs. ``refused`` says why nothing came of it, else ``outcome`` what did.

    ``target`` is the message that it was parted from or joined with, ``onto`` the one that it belongs to instead.
    """

    kind: str
    message_id: str | None
    target: str | None
    onto: str | None
    author: str
    reason: str
    time: str | None
    refused: str
    outcome: str


_HISTORY: LiteralString = """
    SELECT c.kind, m.mid AS message_id, t.mid AS target, o.mid AS onto, c.author, c.reason, c.applied, c.refused,
           c.outcome
      FROM correlator.command c
      LEFT JOIN correlator.node m ON m.id = c.child
      LEFT JOIN correlator.node t ON t.id = c.target
      LEFT JOIN correlator.node o ON o.id = c.onto
     WHERE c.child = %(id)s OR c.target = %(id)s OR c.onto = %(id)s
     ORDER BY c.applied, c.id
"""
_TIES: LiteralString = """
    SELECT (SELECT count(*) FROM correlator.message m JOIN correlator.edge e ON e.child = m.message_key
             WHERE m.id_key = %(child)s AND e.target = %(target)s AND e.removed_by IS NULL)
         + (SELECT count(*) FROM resolver.message m JOIN resolver.evidence e ON e.child = m.message_key
             WHERE m.id_key = %(child)s AND e.target = %(target)s)
"""

_NAMES: LiteralString = """
    WITH RECURSIVE name (id) AS (
        SELECT %(id)s::uuid
        UNION
        SELECT n.id FROM name AS r CROSS JOIN LATERAL (
            SELECT e.target AS id FROM correlator.message m JOIN correlator.edge e ON e.child = m.message_key
            WHERE m.id_key = r.id AND e.removed_by IS NULL AND e.kind = ANY (%(kinds)s)
            UNION ALL
            SELECT m.id_key FROM correlator.edge e JOIN correlator.message m ON m.message_key = e.child
            WHERE e.target = r.id AND e.removed_by IS NULL AND e.kind = ANY (%(kinds)s)
            OFFSET 0
        ) AS n
    )
    SELECT count(*) FROM name WHERE id = %(other)s
"""

_ANSWER: LiteralString = """
    SELECT refused, outcome FROM correlator.command WHERE id = %(id)s
    UNION ALL SELECT refused, outcome FROM resolver.command WHERE id = %(id)s
"""


def history(connection: Connection[object], id_key: UUID) -> list[Relink]:
    """Return the commands about a message, oldest first."""
    return [
        Relink(
            kind=row["kind"],
            message_id=row["message_id"],
            target=row["target"],
            onto=row["onto"],
            author=row["author"],
            reason=row["reason"],
            time=timestamp(row["applied"]),
            refused=row["refused"],
            outcome=row["outcome"],
        )
        for row in rows(connection, _HISTORY, {"id": id_key})
    ]


def has_come(connection: Connection[object], id_key: UUID) -> bool:
    """Whether a mail with this id has come in."""
    return number(connection, "SELECT count(*) FROM correlator.message WHERE id_key = %(id)s", {"id": id_key}) > 0


def one_message(connection: Connection[object], one: UUID, other: UUID) -> bool:
    """Whether two ids are names of one message."""
    return number(connection, _NAMES, {"id": one, "other": other, "kinds": sorted(NAMES_ITSELF)}) > 0


def is_tied(connection: Connection[object], child: UUID, target: UUID) -> bool:
    """Whether a message points at another one in any way that counts."""
    return number(connection, _TIES, {"child": child, "target": target}) > 0


def answer(connection: Connection[object], command: UUID) -> tuple[str, str] | None:
    """Return why a command was refused, and what came of it; None while it is not carried out."""
    found = rows(connection, _ANSWER, {"id": command})
    return (found[0]["refused"], found[0]["outcome"]) if found else None
