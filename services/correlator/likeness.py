"""What likeness finds for a batch: stored in PostgreSQL before it is told, and told again to a redelivery."""

from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

from psycopg import Connection

from services.correlator.likeness_index import IndexLost, LikenessIndex
from services.correlator.likeness_rebuild import rebuild
from services.domain.alert_signals import of_likeness
from services.domain.evidence import Evidence, Kind
from services.domain.likeness.finding import Found, Shown, find
from services.domain.likeness.hashing import hasher
from services.domain.likeness.index import Index, Kept, Looked, Question
from services.domain.likeness.memory_index import MemoryIndex
from services.domain.likeness.packing import pack_kept
from services.runtime import signals
from services.runtime.crash import crash_point
from services.storage.cache import OutOfMemory
from services.storage.postgres import Database

if TYPE_CHECKING:
    import redis

POSITION = 1_000
"""Behind whatever ids point at."""

_STORED = """
SELECT l.message_key, l.target, l.value
FROM unnest(%b::uuid[]) AS u (key)
CROSS JOIN LATERAL (SELECT * FROM correlator.likeness WHERE message_key = u.key OFFSET 0) AS l"""

_STORE = """
INSERT INTO correlator.likeness (message_key, kept, target, value)
SELECT * FROM unnest(%b::uuid[], %b::bytea[], %b::uuid[], %b::text[]) ON CONFLICT (message_key) DO NOTHING"""


class Likeness:
    """
    A :class:`services.correlator.ports.Likeness` for any number of replicas.

    ``Retry`` when a server cannot be reached or the index is being rebuilt. Redis is written first: a mail that only
    Redis knows is found anew when its batch is offered again; one that only PostgreSQL knows would stay unfindable.
    That is what becomes of mails for which Redis has no room, until the index is rebuilt; it is signalled.
    """

    def __init__(self, database: Database, client: "redis.Redis", hash_key: bytes) -> None:
        self._database = database
        self._redis = client
        self._index = LikenessIndex(client)
        self._hashed = hasher(hash_key)
        self._full: bool | None = None  # unknown: it may have been when another process was at it

    def evidence(self, mails: Mapping[UUID, Shown]) -> Mapping[UUID, Evidence]:
        """See :meth:`services.correlator.ports.Likeness.evidence`."""
        with self._database.transaction() as connection:
            stored = _stored(connection, mails)
        new = {message: shown for message, shown in mails.items() if message not in stored}
        if new:
            recording = _Recording(self._index)
            found = self._found(list(new.values()), recording)
            crash_point("correlator.likeness_indexed")
            with self._database.transaction() as connection:
                _store(connection, list(new), recording.kept, found)
                stored = _stored(connection, mails)  # what another replica stored first counts
                if recording.full != self._full:
                    told = of_likeness(full=recording.full, at=datetime.now(UTC))
                    signals.append(connection, "correlator", [told])
            self._full = recording.full
        return {message: evidence for message, evidence in stored.items() if evidence is not None}

    def _found(self, mails: Sequence[Shown], index: "_Recording") -> list[Found | None]:
        try:
            return find(mails, index, self._hashed)
        except IndexLost:
            try:
                rebuild(self._database, self._redis, self._index)
            except OutOfMemory:
                index.do_without()
        return find(mails, index, self._hashed)


class _Recording:
    """The index, what was to be stored in it, and whether it had no room for that."""

    def __init__(self, index: Index) -> None:
        self._index = index
        self.kept: Sequence[Kept] = ()
        self.full = False

    def do_without(self) -> None:
        self._index, self.full = MemoryIndex(), True

    def look_up(self, question: Question) -> Looked:
        return self._index.look_up(question)

    def keep(self, mails: Sequence[Kept]) -> None:
        self.kept = mails
        try:
            self._index.keep(mails)
        except OutOfMemory:
            self.full = True


def _stored(connection: Connection[Any], messages: Collection[UUID]) -> dict[UUID, Evidence | None]:
    with connection.cursor(binary=True) as cursor:
        rows = cursor.execute(_STORED, (sorted(messages),)).fetchall()
    return {
        key: Evidence(Kind.LIKENESS, POSITION, target, value) if target is not None else None
        for key, target, value in rows
    }


def _store(
    connection: Connection[Any], messages: Sequence[UUID], kept: Sequence[Kept], found: Sequence[Found | None]
) -> None:
    rows = sorted(
        (message, pack_kept(one), answer.target if answer else None, answer.value if answer else "")
        for message, one, answer in zip(messages, kept, found, strict=True)
    )
    connection.execute(_STORE, tuple(list(column) for column in zip(*rows, strict=True)))
