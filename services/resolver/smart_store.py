"""The stored index of smart matching: hashes of tracked mails, found by the rarest words of a subject."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import psycopg

from services.domain.smart_index import MOST_CANDIDATES, SmartIndex
from services.domain.smart_matching import Hashes, Indexed, Parameters, needed, since

Connection = psycopg.Connection[Any]

COUNTED = 100
"""A word that so many mails have is common; how common is not asked, so that the question costs little."""

# A bitmap is made of all mails that have a word, however few of them are wanted.
_WALK = "SELECT set_config('enable_bitmapscan', %s, true)"

FIND = """
SELECT q.n, m.message_key, m.sent, m.words, m.addresses
FROM unnest(%b::int[], %b::uuid[], %b::uuid[], %b::text[], %b::text[], %b::timestamptz[], %b::timestamptz[], %b::int[])
    AS q (n, asks, own, words, addresses, oldest, sent, needed)
CROSS JOIN LATERAL (
    SELECT w.word FROM unnest(q.words::bigint[]) AS w (word)
    CROSS JOIN LATERAL (
        SELECT count(*) AS uses FROM (
            SELECT FROM resolver.smart_word i
            WHERE i.word = w.word AND i.sent BETWEEN q.oldest AND q.sent LIMIT %b) AS seen
    ) AS counted
    ORDER BY counted.uses, w.word LIMIT q.needed
) AS rare
CROSS JOIN LATERAL (
    SELECT i.message_key FROM resolver.smart_word i
    WHERE i.word = rare.word AND i.sent BETWEEN q.oldest AND q.sent ORDER BY i.sent DESC LIMIT %b
) AS near
CROSS JOIN LATERAL (SELECT * FROM resolver.smart_mail WHERE message_key = near.message_key OFFSET 0) AS m
WHERE abs(cardinality(m.words) - cardinality(q.words::bigint[])) <= %b
    AND (%b OR m.addresses && q.addresses::bigint[])
    AND NOT EXISTS (SELECT FROM resolver.evidence e WHERE e.child = m.message_key AND e.target = q.own)
    AND NOT EXISTS (
        SELECT FROM resolver.relink r JOIN resolver.message t ON t.id_key = r.target
        WHERE r.child = q.asks AND NOT r.linked AND t.message_key = m.message_key)"""

_STORED = """
SELECT s.message_key, s.sent, s.words, s.addresses FROM unnest(%b::uuid[]) AS u (key)
CROSS JOIN LATERAL (SELECT * FROM resolver.smart_mail WHERE message_key = u.key OFFSET 0) AS s"""

_FORGET = """
WITH old AS (DELETE FROM resolver.smart_mail WHERE message_key = ANY (%b::uuid[]) RETURNING *)
DELETE FROM resolver.smart_word w USING old
WHERE w.word = ANY (old.words) AND w.sent = old.sent AND w.message_key = old.message_key"""

_ADD = """
WITH fresh AS (
    INSERT INTO resolver.smart_mail (message_key, sent, words, addresses)
    SELECT key, sent, words::bigint[], addresses::bigint[]
    FROM unnest(%b::uuid[], %b::timestamptz[], %b::text[], %b::text[]) AS u (key, sent, words, addresses)
    ORDER BY key ON CONFLICT DO NOTHING RETURNING message_key, sent, words
)
INSERT INTO resolver.smart_word (word, sent, message_key)
SELECT word, sent, message_key FROM fresh CROSS JOIN LATERAL unnest(fresh.words) AS w (word) ORDER BY 1, 2, 3"""


def find(
    connection: Connection,
    asking: Mapping[UUID, tuple[datetime, Hashes]],
    ids: Mapping[UUID, UUID],
    parameters: Parameters,
) -> dict[UUID, Indexed[UUID]]:
    """
    Return what each of these messages continues, as :class:`SmartIndex` would, in one statement.

    ``ids`` are their id keys: what points at one of them is not continued by it, nor what a person has said is not.

    Bounded: of each message at most ``delta_subject + 1`` words are followed, of each the newest
    :data:`MOST_CANDIDATES` mails.
    """
    rows = [
        (key, sent, hashes, count) for key, (sent, hashes) in asking.items() if (count := needed(hashes, parameters))
    ]
    if not rows:
        return {}
    given = (
        list(range(len(rows))),
        [key for key, *_ in rows],
        [ids[key] for key, *_ in rows],
        [_array(hashes.words) for _, _, hashes, _ in rows],
        [_array(hashes.addresses) for _, _, hashes, _ in rows],
        [since(sent, parameters) for _, sent, _, _ in rows],
        [sent for _, sent, _, _ in rows],
        [count for *_, count in rows],
    )
    bounds = (COUNTED, MOST_CANDIDATES, parameters.delta_subject, parameters.min_address == 0)
    candidates: defaultdict[UUID, SmartIndex[UUID]] = defaultdict(SmartIndex)
    with connection.cursor(binary=True) as cursor:
        cursor.execute(_WALK, ("off",))
        near = cursor.execute(FIND, (*given, *bounds)).fetchall()
        cursor.execute(_WALK, ("on",))
        for number, key, sent, words, addresses in near:
            asks = rows[number][0]
            if key != asks:
                candidates[asks].add(Indexed(key, sent, Hashes(frozenset(words), frozenset(addresses))))
    found = {asks: index.find(asking[asks][1], asking[asks][0], parameters) for asks, index in candidates.items()}
    return {asks: one for asks, one in found.items() if one is not None}


def put(connection: Connection, mails: Sequence[Indexed[UUID]]) -> None:
    """Store the hashes of these mails in place of what was stored of them under other parameters."""
    given = {one.key: one for one in mails}
    if not given:
        return
    with connection.cursor(binary=True) as cursor:
        stored = {
            key: Indexed(key, sent, Hashes(frozenset(words), frozenset(addresses)))
            for key, sent, words, addresses in cursor.execute(_STORED, (list(given),))
        }
    stale = [key for key, before in stored.items() if before.hashes != given[key].hashes]
    if stale:
        connection.execute(_FORGET, (stale,))
    rows = [one for key, one in given.items() if key not in stored or key in stale]
    if rows:
        connection.execute(
            _ADD,
            (
                [one.key for one in rows],
                [one.sent for one in rows],
                [_array(one.hashes.words) for one in rows],
                [_array(one.hashes.addresses) for one in rows],
            ),
        )


def forget(connection: Connection, messages: Sequence[UUID]) -> None:
    """Forget the hashes of messages that are no longer tracked."""
    connection.execute(_FORGET, (list(messages),))


def _array(numbers: frozenset[int]) -> str:
    return f"{{{','.join(map(str, sorted(numbers)))}}}"
