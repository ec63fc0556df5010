"""What people answer to the questions that decisions ask: kept, and not asked again once it was dismissed."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any
from uuid import UUID

import psycopg

Connection = psycopg.Connection[Any]


class Answer(StrEnum):
    """What becomes of a question, in the words of its state."""

    CONFIRMED = "confirmed"
    DISMISSED = "dismissed"


@dataclass(frozen=True, slots=True)
class Question:
    """What decisions ask of a message: whether it belongs to ``target``. ``asked`` are delivery and version of each."""

    message_key: UUID
    kind: str
    target: UUID
    asked: Sequence[tuple[UUID, int]]


_ANSWER = """
INSERT INTO resolver.review_answer (message_key, kind, target, answer, author, reason, command)
VALUES (%s, %s, %s, %s, %s, %s, %s)"""
# A link that was confirmed has been decided about meanwhile, which supersedes the question.
_CLOSE = """
UPDATE resolver.review r SET state = %s FROM unnest(%b::uuid[], %b::int[]) AS u (delivery, version)
WHERE r.delivery_id = u.delivery AND r.version = u.version AND r.kind = %s AND r.target = %s
    AND r.state IN ('open', 'superseded')"""
_STILL = """
UPDATE resolver.review r SET state = 'dismissed' FROM resolver.delivery d
WHERE d.id = ANY (%b) AND r.delivery_id = d.id AND r.state = 'open' AND 'dismissed' = (
    SELECT a.answer FROM resolver.review_answer a
    WHERE a.message_key = d.message_key AND a.kind = r.kind AND a.target = r.target ORDER BY a.number DESC LIMIT 1)"""


def close(
    connection: Connection, question: Question, answer: Answer, *, author: str, reason: str, command: UUID | None = None
) -> None:
    """Keep an answer, and close the question; ``command`` is what has linked the message."""
    said = (question.message_key, question.kind, question.target)
    connection.execute(_ANSWER, (*said, answer, author, reason, command))
    deliveries, versions = ([one[at] for one in question.asked] for at in (0, 1))
    connection.execute(_CLOSE, (answer, deliveries, versions, question.kind, question.target))


def respect(connection: Connection, deliveries: Collection[UUID]) -> None:
    """Close what these deliveries ask and a person has dismissed."""
    connection.execute(_STILL, (list(deliveries),))
