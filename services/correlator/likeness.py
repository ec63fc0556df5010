"""What likeness finds for a batch: stored in PostgreSQL before it is told, and told again to a redelivery."""

from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Any
from uuid import UUID

from psycopg import Connection

from services.correlator.likeness_index import IndexLost, LikenessIndex
from services.correlator.likeness_rebuild import rebuild
from services.domain.evidence import Evidence, Kind
from services.domain.likeness.finding import Found, Shown, find
from services.domain.likeness.hashing import hasher
from services.domain.likeness.index import Kept, Looked, Question
from services.domain.likeness.packing import pack_kept
from services.runtime.crash import crash_point
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
    """

    def __init__(self, database: Database, client: "redis.Redis", hash_key: bytes) -> None:
        self._database = database
        self._redis = client
        self._index = LikenessIndex(client)
        self._hashed = hasher(hash_key)

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
        return {message: evidence for message, evidence in stored.items() if evidence is not None}

    def _found(self, mails: Sequence[Shown], index: "_Recording") -> list[Found | None]:
        try:
            return find(mails, index, self._hashed)
        except IndexLost:
            rebuild(self._database, self._redis, self._index)
        return find(mails, index, self._hashed)


class _Recording:
    """The index, and what was stored in it."""

    def __init__(self, index: LikenessIndex) -> None:
        self._index = index
        self.kept: Sequence[Kept] = ()

    def look_up(self, question: Question) -> Looked:
        return self._index.look_up(question)

    def keep(self, mails: Sequence[Kept]) -> None:
        self._index.keep(mails)
        self.kept = mails

    def forget(self, messages: Collection[UUID]) -> None:
        self._index.forget(messages)


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
