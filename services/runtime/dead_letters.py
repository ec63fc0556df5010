"""
Dead letters: a record that can never succeed, kept as it came until a person has replayed or discarded it.

The row and the record for ``<topic>-dead`` are written in one transaction, through the stage's outbox.
"""

from collections.abc import Sequence
from datetime import UTC, datetime
from uuid import UUID

from psycopg import sql

from services.contracts import codec
from services.contracts.received import delivery_in
from services.runtime.records import Rejected
from services.storage import outbox
from services.storage.postgres import Database

DETAIL_LIMIT = 2000


class DeadLetters:
    """Writes a stage's dead letters into its owner's schema. A record is dead once, however often it is rejected."""

    def __init__(self, database: Database, schema: str) -> None:
        self._database = database
        self._schema = schema
        self._insert = sql.SQL(
            'INSERT INTO {} (topic, partition, "offset", code, detail, delivery_id, key, value, failed)'
            " VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s) ON CONFLICT DO NOTHING"
        ).format(sql.Identifier(schema, "dead_letter"))

    def write(self, rejects: Sequence[Rejected]) -> None:
        """Commit these dead letters; ``Retry`` when the store fails, and then none of them was written."""
        now = datetime.now(UTC)
        with self._database.transaction() as connection:
            new = []
            for one in rejects:
                given, detail = one.input, _plain(one.detail)
                place = (given.topic, given.partition, given.offset)
                delivery = one.delivery_id or delivery_in(given.value)
                row = (*place, one.code, detail, delivery, given.key, given.value, now)
                # A redelivered record was announced the first time; the outbox row must not come twice.
                if connection.execute(self._insert, row).rowcount:
                    new.append(self._announcement(one, detail, delivery, now))
            if new:
                outbox.append(connection, self._schema, new)

    def _announcement(self, one: Rejected, detail: str, delivery: UUID | None, failed: datetime) -> outbox.OutboxRow:
        given = one.input
        value = codec.encode(
            "DeadLetter",
            {
                "topic": given.topic,
                "partition": given.partition,
                "offset": given.offset,
                "stage": self._schema,
                "code": one.code,
                "detail": detail,
                "delivery_id": None if delivery is None else str(delivery),
                "failed_at": failed,
                "key": given.key,
                "value": given.value,
            },
        )
        return outbox.OutboxRow(f"{given.topic}-dead", given.key or b"", value, {})


def _plain(detail: str) -> str:
    # PostgreSQL has no NUL in text: one in a detail would make the dead letter itself undeliverable.
    return detail.replace("\0", "\N{REPLACEMENT CHARACTER}")[:DETAIL_LIMIT]
