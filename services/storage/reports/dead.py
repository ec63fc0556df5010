"""The dead letters of all stages: find them, look at them, send one again, give one up."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, LiteralString
from uuid import UUID

import psycopg
from psycopg import Connection, sql

from services.domain.errors import Refused
from services.storage import outbox
from services.storage.reports.progress import STAGES
from services.storage.reports.reading import rows

REPLAY_OF = "replay-of"
"""The header of a record that a person sent again: the place of the dead letter."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DeadLetter:
    """One record that a stage could not handle, without its value."""

    stage: str
    topic: str
    partition: int
    offset: int
    code: str
    detail: str
    delivery_id: UUID | None
    failed: datetime
    state: str
    bytes: int
    replay_of: str | None

    @property
    def place(self) -> str:
        """The name by which people speak of it."""
        return f"{self.topic}/{self.partition}/{self.offset}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Action:
    """What a person did with one."""

    action: str
    author: str
    reason: str
    time: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Which dead letters are meant; None means any."""

    stage: str | None = None
    topic: str | None = None
    code: str | None = None
    state: str | None = None
    place: tuple[str, int, int] | None = None


_FIND: LiteralString = """
    SELECT topic, "partition", "offset", code, detail, delivery_id, failed, state,
           coalesce(octet_length(value), 0) AS bytes, headers->>'replay-of' AS replay_of
      FROM {}.dead_letter
     WHERE (%(topic)s::text IS NULL OR topic = %(topic)s) AND (%(code)s::text IS NULL OR code = %(code)s)
       AND (%(state)s::text IS NULL OR state = %(state)s)
       AND (%(at)s::text IS NULL OR (topic, "partition", "offset") = (%(at)s, %(partition)s::int, %(offset)s::bigint))
     ORDER BY failed LIMIT %(limit)s
"""
_CONTENT: LiteralString = 'SELECT value, headers FROM {} WHERE (topic, "partition", "offset") = (%s, %s, %s)'
_ACTIONS: LiteralString = """
    SELECT action, author, reason, time FROM {} WHERE (topic, "partition", "offset") = (%s, %s, %s) ORDER BY time
"""
_REPLAY: LiteralString = """
    UPDATE {} SET state = 'replayed' WHERE (topic, "partition", "offset") = (%s, %s, %s) AND state = ANY(%s)
    RETURNING key, value, headers
"""
_DISCARD: LiteralString = """
    UPDATE {} SET state = 'discarded' WHERE (topic, "partition", "offset") = (%s, %s, %s) AND state = 'open'
"""


def find(connection: Connection[Any], wanted: Wanted, limit: int) -> list[DeadLetter]:
    """Return at most ``limit`` of the dead letters meant, oldest first."""
    place = wanted.place or (None, None, None)
    given = {
        "topic": wanted.topic, "code": wanted.code, "state": wanted.state, "limit": limit,
        "at": place[0], "partition": place[1], "offset": place[2],
    }  # fmt: skip
    found = []
    for stage in STAGES if wanted.stage is None else [s for s in STAGES if s == wanted.stage]:
        query = _FIND.replace("{}", stage)
        found += [DeadLetter(stage=stage, **row) for row in rows(connection, query, given)]
    return sorted(found, key=lambda one: (one.failed, one.place))[:limit]


def content(connection: Connection[Any], letter: DeadLetter) -> tuple[bytes | None, dict[str, str], list[Action]]:
    """Return the value as it came, its headers, and what people did with it."""
    row = connection.execute(_of(letter, _CONTENT), _at(letter)).fetchone()
    assert row is not None
    query = sql.SQL(_ACTIONS).format(sql.Identifier(letter.stage, "dead_letter_action"))
    actions = [Action(action=a, author=b, reason=c, time=d) for a, b, c, d in connection.execute(query, _at(letter))]
    return row[0], row[1], actions


def replay(connection: Connection[Any], letter: DeadLetter, *, author: str, reason: str, again: bool) -> bool:
    """
    Put the record back on its topic, in the caller's transaction and its owner's role; False when it is not open.

    It goes through the owner's outbox, so it is sent if and only if the row says ``replayed``. With ``again`` one that
    was replayed or discarded before goes too.
    """
    states = ["open", "replayed", "discarded"] if again else ["open"]
    row = connection.execute(_of(letter, _REPLAY), (*_at(letter), states)).fetchone()
    if row is None:
        return False
    key, value, headers = row
    _note(connection, letter, "replayed", author, reason)
    sent = outbox.OutboxRow(letter.topic, key or b"", value, {**headers, REPLAY_OF: letter.place})
    outbox.append(connection, letter.stage, [sent])
    return True


def discard(connection: Connection[Any], letter: DeadLetter, *, author: str, reason: str) -> bool:
    """Give the record up, in the caller's transaction and its owner's role; False when it is not open."""
    done = connection.execute(_of(letter, _DISCARD), _at(letter))
    if done.rowcount:
        _note(connection, letter, "discarded", author, reason)
    return bool(done.rowcount)


def open_left(connection: Connection[Any], stage: str, topic: str) -> bool:
    """Whether this stage has any other open dead letter of the topic."""
    query = sql.SQL("SELECT EXISTS (SELECT FROM {} WHERE topic = %s AND state = 'open')")
    row = connection.execute(query.format(sql.Identifier(stage, "dead_letter")), (topic,)).fetchone()
    return row == (True,)


def parse_place(text: str) -> tuple[str, int, int]:
    """Read ``topic/partition/offset``; ``Refused`` when it is none."""
    topic, _, rest = text.partition("/")
    partition, _, offset = rest.partition("/")
    if not (topic and partition.isdecimal() and offset.isdecimal()):
        raise Refused(
            f"{text!r}: expected TOPIC/PARTITION/OFFSET, such as mail-received/3/17. See: mailweave dead list."
        )
    return topic, int(partition), int(offset)


def _note(connection: psycopg.Connection[Any], letter: DeadLetter, action: str, author: str, reason: str) -> None:
    query = 'INSERT INTO {} (topic, partition, "offset", action, author, reason) VALUES (%s, %s, %s, %s, %s, %s)'
    table = sql.Identifier(letter.stage, "dead_letter_action")
    connection.execute(sql.SQL(query).format(table), (*_at(letter), action, author, reason))


def _of(letter: DeadLetter, query: LiteralString) -> sql.Composed:
    return sql.SQL(query).format(sql.Identifier(letter.stage, "dead_letter"))


def _at(letter: DeadLetter) -> Sequence[Any]:
    return letter.topic, letter.partition, letter.offset
