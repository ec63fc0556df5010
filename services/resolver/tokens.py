"""Which messages the tokens of a mail mean: numeric ones that were given out, and our own by half of an id's hash."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from uuid import UUID

import psycopg

from services.domain import own_token, tracking_token
from services.domain.carried import Carried, Tokens
from services.domain.evidence import Kind
from services.resolver.ledger import Pointed
from services.runtime import metrics
from services.storage import tracking_tokens

Connection = psycopg.Connection[Any]

MOST_CARRYING = 1_000
"""Mails with one token that are looked at, the newest first; of each token of a batch so many."""

# A token counts as that of a mail only where the mail is ours: what comes in can have any text in its subject.
_CARRYING = """
    SELECT c.child, c.value, c.sent FROM unnest(%b::uuid[]) AS u (target)
    CROSS JOIN LATERAL (
        SELECT e.child, e.value, min(d.internal_date) AS sent FROM resolver.evidence e
        JOIN resolver.delivery d ON d.message_key = e.child AND d.direction = 'outgoing'
        WHERE e.target = u.target AND e.kind = 'tracking_token'
        GROUP BY e.child, e.value ORDER BY sent DESC, e.child LIMIT %s) AS c
    ORDER BY c.sent DESC, c.child
"""
_HALVES = """
    SELECT u.half, m.message_key FROM unnest(%b::uuid[], %b::uuid[]) AS u (half, last)
    JOIN resolver.message m ON m.id_key BETWEEN u.half AND u.last ORDER BY m.message_key
"""


def read(connection: Connection, evidence: Mapping[UUID, Iterable[Pointed]], prefixes: Sequence[str]) -> Tokens:
    """Return the tokens among the evidence of these messages. Asks nothing where there are none, as in most batches."""
    named: dict[tuple[UUID, UUID], str] = {}
    for child, pieces in evidence.items():
        for piece in pieces:
            if piece.kind == Kind.TRACKING_TOKEN:
                found = tracking_token.find(piece.value, prefixes)
                if found:
                    named[child, piece.target] = found[0]
    if not named:
        return Tokens()
    issued = tracking_tokens.issued(connection, set(named.values()))
    for token in named.values():
        metrics.TOKENS.labels("tracking", "issued" if token in issued else "unknown").inc()
    targets = sorted({target for (_, target), token in named.items() if token in issued})
    carrying: dict[str, list[Carried]] = defaultdict(list)
    rows = connection.execute(_CARRYING, (targets, MOST_CARRYING)) if targets else ()
    for child, value, sent in rows:
        for token in tracking_token.find(value, prefixes)[:1]:
            if token in issued:
                carrying[token].append(Carried(child, sent))
    return Tokens(named, carrying)


def halves(connection: Connection, targets: Iterable[UUID]) -> dict[UUID, tuple[UUID, ...]]:
    """Return the messages whose id's hash begins with one of these halves, by half."""
    wanted = sorted(targets)
    if not wanted:
        return {}
    last = [UUID(bytes=half.bytes[: own_token.REF_BYTES] + b"\xff" * (16 - own_token.REF_BYTES)) for half in wanted]
    found: dict[UUID, tuple[UUID, ...]] = {}
    for half, key in connection.execute(_HALVES, (wanted, last)):
        found[half] = (*found.get(half, ()), key)
    return found
