"""
Draws tracking tokens: the numbers of users, their counters, and which tokens were given out.

Everything here needs the role ``resolver`` or ``sender``, and a transaction of the caller's.
"""

from collections.abc import Collection
from typing import Any

from psycopg import Connection

from services.domain.directory import USER, RecordRef
from services.domain.errors import Refused
from services.domain.tracking_token import Generated, Layout, generate, key

NUMBERING = int.from_bytes(b"mwtoken")

_COUNT = "UPDATE resolver.token_counter SET count = count + 1 WHERE type = %s AND id = %s RETURNING number, count"
# A sequence would lose a number with each insert that comes second, and a lost number is a digit sooner.
_NUMBER = (
    "INSERT INTO resolver.token_counter (type, id, number)"
    " SELECT %s, %s, coalesce(max(number), 0) + 1 FROM resolver.token_counter ON CONFLICT (type, id) DO NOTHING"
)


def draw(connection: Connection[Any], principal: RecordRef, layout: Layout) -> Generated:
    """
    Return the next token of a user or queue; no other transaction gets it until the counter's digits are used up.

    A queue uses its owner's counter. ``Refused`` when the directory has no such record.
    """
    user = _counting(connection, principal)
    row = connection.execute(_COUNT, (user.type, user.id)).fetchone()
    if row is None:
        connection.execute("SELECT pg_advisory_xact_lock(%s)", (NUMBERING,))
        connection.execute(_NUMBER, (user.type, user.id))
        row = connection.execute(_COUNT, (user.type, user.id)).fetchone()
    assert row is not None
    made = generate(layout, user=row[0], count=row[1])
    connection.execute(
        "INSERT INTO resolver.issued_token (token) VALUES (%s) ON CONFLICT (token) DO UPDATE SET issued = now()",
        (key(made.text),),
    )
    return made


def issued(connection: Connection[Any], tokens: Collection[str]) -> frozenset[str]:
    """Return those of the tokens, in the form of :func:`services.domain.tracking_token.key`, that were given out."""
    rows = connection.execute("SELECT token FROM resolver.issued_token WHERE token = ANY(%s)", (sorted(tokens),))
    return frozenset(token for (token,) in rows)


def _counting(connection: Connection[Any], principal: RecordRef) -> RecordRef:
    row = connection.execute(
        "SELECT owner_type, owner_id FROM resolver.directory_record WHERE type = %s AND id = %s AND NOT deleted",
        (principal.type, principal.id),
    ).fetchone()
    if row is None:
        raise Refused(
            f"the directory has no {principal.type} {principal.id!r}: add it with `mailweave directory apply`."
        )
    if principal.type != USER and row[0] is not None:
        return RecordRef(*row)
    return principal
