"""Under which addresses, that no record has, mail came to users and queues, and what people have said of them."""

from typing import LiteralString, TypedDict
from uuid import UUID

from psycopg import Connection

from services.domain.mailbox_aliases import proposed
from services.storage.reports.activities import timestamp
from services.storage.reports.reading import rows


class Alias(TypedDict):
    """
    An address and the user or queue whose mailbox was given mail under it, by its own server.

    ``state``: ``proposed``; ``seen``, too seldom to be proposed; ``shared``, because several users or queues get mail
    under it; ``known``, because a record has it by now; ``confirmed`` or, also when that was taken back, ``dismissed``
    by a person, the latest answer with author, reason and time.
    """

    address: str
    principal: str
    state: str
    mails: int
    first: str | None
    last: str | None
    author: str | None
    reason: str | None
    answered: str | None


_ALIASES: LiteralString = """
    SELECT s.*, a.answer, a.author, a.reason, a.applied, h.address IS NOT NULL AS held,
           EXISTS (SELECT FROM resolver.directory_address d WHERE d.address = s.address) AS known
      FROM (SELECT address, type, id, count(*) AS mails, min(seen) AS first, max(seen) AS last,
                   count(*) OVER (PARTITION BY address) AS principals
              FROM resolver.alias_sighting GROUP BY address, type, id) AS s
      LEFT JOIN LATERAL (
           SELECT * FROM resolver.alias_answer
            WHERE (address, type, ref) = (s.address, s.type, s.id) AND refused = '' ORDER BY applied DESC, id LIMIT 1
           ) AS a ON true
      LEFT JOIN resolver.alias h ON (h.address, h.type, h.id) = (s.address, s.type, s.id)
     ORDER BY s.mails DESC, s.address, s.type, s.id
"""


def aliases(connection: Connection[object]) -> list[Alias]:
    """Return every address that was seen, the one that most mail came under first."""
    found = []
    for row in rows(connection, _ALIASES):
        said = row["answer"] in ("confirmed", "dismissed", "removed")
        found.append(
            Alias(
                address=row["address"],
                principal=f"{row['type']}/{row['id']}",
                state=_state(row),
                mails=row["mails"],
                first=timestamp(row["first"]),
                last=timestamp(row["last"]),
                author=row["author"] if said else None,
                reason=row["reason"] if said else None,
                answered=timestamp(row["applied"]) if said else None,
            )
        )
    return found


def _state(row: dict[str, object]) -> str:
    if row["held"]:
        return "confirmed"
    if row["known"]:
        return "known"
    if row["answer"] in ("dismissed", "removed"):
        return "dismissed"
    mails, principals = int(str(row["mails"])), int(str(row["principals"]))
    if proposed(mails, principals):
        return "proposed"
    return "shared" if principals > 1 else "seen"


def answer(connection: Connection[object], command: UUID) -> str | None:
    """Return why a command was refused, empty when it was done; None while it is not carried out."""
    found = rows(connection, "SELECT refused FROM resolver.alias_answer WHERE id = %(id)s", {"id": command})
    return str(found[0]["refused"]) if found else None
