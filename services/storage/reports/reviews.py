"""What decisions ask people, and what people have answered: for the command line."""

from typing import LiteralString, TypedDict
from uuid import UUID

from psycopg import Connection

from services.storage.reports.activities import timestamp
from services.storage.reports.reading import rows


class Review(TypedDict):
    """
    Whether a message belongs to another one, by Message-IDs; null when the id was erased.

    ``linked_to`` is what it is linked to now, if anything. ``author``, ``reason`` and ``answered`` are the answer's.
    """

    message_id: str | None
    subject: str | None
    kind: str
    target: str | None
    linked_to: str | None
    confidence: float
    why: str
    state: str
    opened: str | None
    author: str | None
    reason: str | None
    answered: str | None


_REVIEWS: LiteralString = """
    SELECT m.message_key, m.message_id, r.kind, r.target AS target_key, t.message_id AS target, r.state,
           max(c.message_id) AS linked_to, max(r.confidence) AS confidence, min(r.why) AS why, min(r.opened) AS opened,
           array_agg(r.delivery_id ORDER BY r.delivery_id, r.version) AS deliveries,
           array_agg(r.version ORDER BY r.delivery_id, r.version) AS versions,
           (SELECT a.subject FROM resolver.activity a WHERE a.message_key = m.message_key
             ORDER BY a.direction LIMIT 1) AS subject,
           (SELECT count(*) FROM resolver.message o WHERE o.id_key = t.id_key) AS sharing
      FROM resolver.review r
      JOIN resolver.decision d ON d.delivery_id = r.delivery_id AND d.version = r.version
      JOIN resolver.delivery v ON v.id = r.delivery_id
      JOIN resolver.message m ON m.message_key = v.message_key
      LEFT JOIN resolver.message t ON t.message_key = r.target
      LEFT JOIN resolver.message c ON c.message_key = d.correlated
     WHERE r.state = ANY (%(states)s) AND (%(id)s::uuid IS NULL OR m.id_key = %(id)s)
     GROUP BY m.message_key, r.kind, r.target, t.message_key, r.state
     ORDER BY min(r.opened), m.message_key, r.kind, r.target LIMIT %(limit)s
"""
_ANSWERS: LiteralString = """
    SELECT DISTINCT ON (message_key, kind, target) * FROM resolver.review_answer
     WHERE message_key = ANY (%(messages)s) ORDER BY message_key, kind, target, number DESC
"""


class Asked(TypedDict):
    """A review, and what its answer needs: keys, where it was asked, and how many messages share the target's id."""

    review: Review
    message_key: UUID
    target_key: UUID
    asked: list[tuple[UUID, int]]
    sharing: int


def find(connection: Connection[object], states: list[str], limit: int, *, id_key: UUID | None = None) -> list[Asked]:
    """Return reviews in these states, oldest first; with an id only those about its messages."""
    found = rows(connection, _REVIEWS, {"states": states, "id": id_key, "limit": limit})
    messages = [row["message_key"] for row in found]
    said = {
        (row["message_key"], row["kind"], row["target"], row["answer"]): row
        for row in rows(connection, _ANSWERS, {"messages": messages})
    }
    reviews = []
    for row in found:
        answer = said.get((row["message_key"], row["kind"], row["target_key"], row["state"]), {})
        review = Review(
            message_id=row["message_id"],
            subject=row["subject"],
            kind=row["kind"],
            target=row["target"],
            linked_to=row["linked_to"],
            confidence=row["confidence"],
            why=row["why"],
            state=row["state"],
            opened=timestamp(row["opened"]),
            author=answer.get("author"),
            reason=answer.get("reason"),
            answered=timestamp(answer["answered"]) if answer else None,
        )
        asked = list(zip(row["deliveries"], row["versions"], strict=True))
        reviews.append(
            Asked(
                review=review,
                message_key=row["message_key"],
                target_key=row["target_key"],
                asked=asked,
                sharing=row["sharing"],
            )
        )
    return reviews
