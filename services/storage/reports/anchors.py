"""What ties new mail to an activity."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from psycopg import Connection


@dataclass(frozen=True, slots=True)
class Anchor:
    """The keyed hash of the id of an activity's message, and the mailbox in which it lies first."""

    id_key: UUID
    mailbox: str


def anchor(connection: Connection[Any], activity: UUID) -> Anchor | None:
    """Return the anchor of an activity, or None when there is no such activity."""
    row = connection.execute(
        "SELECT m.id_key, coalesce(x.receiving, v.mailbox) FROM resolver.activity a"
        " JOIN resolver.message m USING (message_key) JOIN resolver.delivery v USING (message_key)"
        " JOIN resolver.decision x ON x.delivery_id = v.id AND x.current AND x.outcome = 'accepted'"
        " WHERE a.id = %s AND v.direction = a.direction ORDER BY x.accepted_rank, v.mailbox LIMIT 1",
        (activity,),
    ).fetchone()
    return None if row is None else Anchor(*row)
