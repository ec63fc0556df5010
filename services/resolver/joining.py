"""Two activities of one mail under two ids become one: the younger ends in the elder, by a job of its own."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any
from uuid import UUID

import psycopg
from psycopg.types.json import Jsonb

from services.domain import own_token
from services.domain.correlation import plain
from services.domain.evidence import Kind
from services.domain.identity import Direction
from services.domain.one_mail import Ending, Shown, endings, told
from services.domain.regardings import Spoken, together
from services.resolver import message_rows, naming, reading, regardings, resolutions
from services.resolver.changes import Filing
from services.resolver.ledger import Item, Ledger
from services.resolver.withdrawals import withdraw
from services.resolver.writing import announce

Connection = psycopg.Connection[Any]

CAUSE = "one mail"
"""The cause of a job that looks whether messages are one mail with others."""

_SHOWN = """
    SELECT a.id, a.message_key, a.direction, a.created, a.sent_at, a.subject, a.body_text,
        coalesce((SELECT p.address FROM resolver.party p WHERE p.activity_id = a.id AND p.role = 'from' LIMIT 1), ''),
        ARRAY(SELECT p.address FROM resolver.party p WHERE p.activity_id = a.id AND p.role IN ('to', 'cc')),
        ARRAY(SELECT t.sha256 FROM resolver.attachment t WHERE t.activity_id = a.id
              UNION ALL SELECT t.sha256 FROM resolver.dropped_attachment t WHERE t.activity_id = a.id)
    FROM resolver.activity a WHERE a.message_key = ANY(%b)
"""
_QUEUED = """
    INSERT INTO resolver.queue_item (activity_id, queue_id, created)
    SELECT %(elder)s, queue_id, created FROM resolver.queue_item WHERE activity_id = %(younger)s
    ON CONFLICT DO NOTHING RETURNING queue_id
"""
_REPORTED = """
    INSERT INTO resolver.report (activity_id, message_key, address, kind, action, status, detail, noted)
    SELECT %(elder)s, message_key, address, kind, action, status, detail, noted FROM resolver.report
    WHERE activity_id = %(younger)s ON CONFLICT DO NOTHING RETURNING message_key
"""
_RESOLVED = """
    UPDATE resolver.party e SET records = y.records, resolution = y.resolution FROM resolver.party y
    WHERE e.activity_id = %(elder)s AND y.activity_id = %(younger)s AND e.role = y.role AND e.address = y.address
        AND e.role <> 'owner' AND e.records = '[]' AND y.records <> '[]' RETURNING e.position
"""
_CHOSEN = """
    INSERT INTO resolver.chosen (message_key, resolution)
    SELECT %(into)s, resolution FROM resolver.chosen WHERE message_key = %(message)s ON CONFLICT DO NOTHING
    RETURNING resolution
"""
# Words about both may speak of one address: which of them counts is decided as ever.
_SPOKEN = "INSERT INTO resolver.job (targets, messages, cause) VALUES ('{}', ARRAY[%(into)s::uuid], %(cause)s)"
_FILED_THERE = """
    UPDATE resolver.decision x SET activity_id = %(elder)s, evidence = x.evidence || %(note)s
    FROM resolver.delivery d WHERE d.id = x.delivery_id AND x.current AND x.activity_id = %(younger)s
        AND d.message_key = ANY (ARRAY(
            SELECT %(message)s::uuid UNION ALL
            SELECT message_key FROM resolver.joined WHERE elder = %(message)s AND direction = %(direction)s))
"""
_JOINED = """
    INSERT INTO resolver.joined (message_key, direction, elder, activity_id)
    VALUES (%(message)s, %(direction)s, %(into)s, %(younger)s)
"""
_FOLLOW = "UPDATE resolver.joined SET elder = %(into)s WHERE elder = %(message)s AND direction = %(direction)s"
# What points at the younger one points at the elder from now on; what points at the elder may see it changed.
_POINTING = """
    INSERT INTO resolver.job (targets, roots, above, cause)
    SELECT ARRAY(SELECT unnest(%(names)s::uuid[]) UNION
                 SELECT target FROM resolver.evidence WHERE child = ANY(%(messages)b) AND kind = ANY(%(naming)s)),
        ARRAY(SELECT target FROM resolver.evidence WHERE child = ANY(%(messages)b) AND kind = 'thread_index'
              ORDER BY target, value),
        ARRAY(SELECT value FROM resolver.evidence WHERE child = ANY(%(messages)b) AND kind = 'thread_index'
              ORDER BY target, value), 'target'
"""
_NAMING = [str(Kind.ALIAS), str(Kind.TRACKING_TOKEN)]


def ask(connection: Connection, items: Iterable[Item], ledger: Ledger, filing: Filing) -> None:
    """
    Leave a job for those of these messages whose activity may be of one mail with another's. Most are not.

    Of two that are decided at the same time at least one knows of the other, because both are stored before. One that
    names an id that nobody has is decided again when somebody has it.
    """
    found = set()
    for item in items:
        place = item.delivered.message_key, item.delivered.direction
        filed = ledger.filed.get(place)
        tied = ledger.tied(place[0]) if filed is not None else set()
        if tied and filed is not None:
            others = any((key, place[1]) in ledger.filed for key in tied)
            if others or filed.activity_id in filing.created:
                found.add(place[0])
    if found:
        connection.execute(
            "INSERT INTO resolver.job (targets, messages, cause) VALUES ('{}', %s, %s)", (sorted(found), CAUSE)
        )


def join(connection: Connection, messages: Sequence[UUID], *, folder_wins: bool) -> None:
    """
    Let the activities of each mail among these messages and those that are tied with them become one.

    All of them are locked first, so of two workers the second finds nothing left to do. Whoever decides about one of
    them at this moment commits before, and who comes later finds it joined.
    """
    group = {*messages, *_every(naming.mates(connection, messages))}
    reading.lock(connection, group)
    ties = [{key, *others} for key, others in naming.mates(connection, sorted(group)).items()]
    ended = endings(_shown(connection, sorted(group)), ties)
    changed = {one.younger.message_key for one in ended}
    for one in ended:
        if _end(connection, one, folder_wins=folder_wins):
            changed.add(one.elder.message_key)
    if changed:
        keys = sorted(changed)
        rows = connection.execute("SELECT id_key FROM resolver.message WHERE message_key = ANY(%b)", (keys,)).fetchall()
        names = sorted({name for (id_key,) in rows for name in (id_key, own_token.half(id_key))})
        connection.execute(_POINTING, {"names": names, "messages": keys, "naming": _NAMING})


def _end(connection: Connection, ending: Ending, *, folder_wins: bool) -> bool:
    """End the younger in the elder; return whether that is seen by what points at the elder."""
    younger, elder = ending.younger, ending.elder
    given = {
        "younger": younger.activity_id,
        "elder": elder.activity_id,
        "message": younger.message_key,
        "direction": younger.direction,
        "into": elder.message_key,
        "note": Jsonb([plain(told(elder.activity_id))]),
    }
    reasons = {"delivery-added"}
    if connection.execute(_QUEUED, given).fetchall():
        reasons.add("queued")
    if connection.execute(_REPORTED, given).fetchall():
        reasons.add("reported")
    if connection.execute(_CHOSEN, given).fetchall():
        connection.execute(_SPOKEN, {**given, "cause": resolutions.CAUSE})
    if connection.execute(_RESOLVED, given).fetchall():
        reasons.add("parties")
    if _regardings(connection, ending, folder_wins=folder_wins):
        reasons.add("regarding")
    connection.execute(_FILED_THERE, given)
    connection.execute(_FOLLOW, given)
    connection.execute(_JOINED, given)
    withdraw(connection, {younger.activity_id: elder.activity_id})
    announce(connection, [elder.activity_id], *reasons)
    return bool(reasons & {"regarding", "parties"})


def _regardings(connection: Connection, ending: Ending, *, folder_wins: bool) -> bool:
    """Let the elder hang off what people and folders say of the younger, too; return whether that is more."""
    keys = [ending.younger.message_key, ending.elder.message_key]
    filed = message_rows.filed(connection, keys)
    younger, elder = (filed[one.message_key, one.direction] for one in (ending.younger, ending.elder))
    away = regardings.taken_away(connection, keys).get(elder.activity_id, frozenset())
    after = together(elder.regardings, younger.regardings, Spoken(away, folder_wins))
    if after == elder.regardings:
        return False
    regardings.replace_all(connection, [replace(elder, regardings=after)])
    return True


def _shown(connection: Connection, messages: list[UUID]) -> list[Shown]:
    return [
        Shown(
            activity_id=row[0],
            message_key=row[1],
            direction=Direction(row[2]),
            created=row[3],
            sent=row[4],
            subject=row[5],
            text=row[6],
            author=row[7],
            recipients=frozenset(row[8]),
            parts=tuple(bytes(one) for one in row[9]),
        )
        for row in connection.execute(_SHOWN, (messages,)).fetchall()
    ]


def _every(groups: dict[UUID, tuple[UUID, ...]]) -> set[UUID]:
    return {key for group in groups.values() for key in group}
