"""
Dead letters: a record that can never succeed, kept as it came until a person has replayed or discarded it.

The row and the record for ``<topic>-dead`` are written in one transaction, through the stage's outbox.
"""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from psycopg import Connection, sql
from psycopg.types.json import Jsonb

from services.contracts import codec
from services.contracts.received import delivery_in
from services.domain.alerts import Key, Signal, SignalState
from services.runtime import signals
from services.runtime.records import Rejected
from services.storage import outbox
from services.storage.postgres import Database

DETAIL_LIMIT = 2000


class DeadLetters:
    """
    Writes a stage's dead letters into its owner's schema. A record is dead once, however often it is rejected.

    Also keeps how many records in a row were rejected, so that a stage that stopped itself does not begin anew to drain
    its topic whenever it is restarted.
    """

    def __init__(self, database: Database, schema: str) -> None:
        self._database = database
        self._schema = schema
        self._insert = sql.SQL(
            'INSERT INTO {} (topic, partition, "offset", code, detail, delivery_id, key, value, headers, failed)'
            " VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s) ON CONFLICT DO NOTHING"
        ).format(sql.Identifier(schema, "dead_letter"))
        self._streak = sql.Identifier(schema, "reject_streak")

    def streak(self, topic: str) -> int:
        """Return how many records in a row were rejected when this was last written."""
        with self._database.transaction() as connection:
            query = sql.SQL("SELECT length FROM {} WHERE topic = %s").format(self._streak)
            row = connection.execute(query, (topic,)).fetchone()
        return int(row[0]) if row else 0

    def write(self, rejects: Sequence[Rejected], streak: int) -> None:
        """Commit these dead letters; ``Retry`` when the store fails, and then none of them was written."""
        now = datetime.now(UTC)
        with self._database.transaction() as connection:
            new = []
            codes: dict[str, Rejected] = {}
            for one in rejects:
                given, detail = one.input, _plain(one.detail)
                place = (given.topic, given.partition, given.offset)
                delivery = one.delivery_id or delivery_in(given.value)
                headers = Jsonb({name: value.decode("latin-1") for name, value in given.headers.items()})
                row = (*place, one.code, detail, delivery, given.key, given.value, headers, now)
                # A redelivered record was announced the first time; the outbox row must not come twice.
                if connection.execute(self._insert, row).rowcount:
                    new.append(self._announcement(one, detail, delivery, now))
                    codes[given.topic] = one
            if new:
                outbox.append(connection, self._schema, new)
            signals.append(connection, self._schema, [self._signal(one, now) for one in codes.values()])
            if rejects:
                self._keep(connection, rejects[-1].input.topic, streak)

    def stopped(self, topic: str, why: str) -> None:
        """Commit that the stage stops itself."""
        key = Key(f"stage/{self._schema}/{topic}", "stage_stopped")
        raised = Signal(key=key, state=SignalState.RAISED, observed=datetime.now(UTC), detail=why)
        with self._database.transaction() as connection:
            signals.append(connection, self._schema, [raised])

    def succeeded(self, topic: str, streak: int, *, had_stopped: bool) -> None:
        """Commit that a record has passed after others were rejected, and that the stage is well if it had stopped."""
        key = Key(f"stage/{self._schema}/{topic}", "stage_stopped")
        cleared = Signal(key=key, state=SignalState.CLEARED, observed=datetime.now(UTC))
        with self._database.transaction() as connection:
            signals.append(connection, self._schema, [cleared] if had_stopped else [])
            self._keep(connection, topic, streak)

    def _keep(self, connection: Connection[Any], topic: str, streak: int) -> None:
        query = (
            "INSERT INTO {} (topic, length) VALUES (%s, %s) ON CONFLICT (topic) DO UPDATE SET length = excluded.length"
        )
        connection.execute(sql.SQL(query).format(self._streak), (topic, streak))

    def _signal(self, one: Rejected, now: datetime) -> Signal:
        given = one.input
        where = f"{given.topic}/{given.partition}/{given.offset}"
        key = Key(f"stage/{self._schema}/{given.topic}", "dead_letter")
        return Signal(key=key, state=SignalState.RAISED, observed=now, detail=f"{one.code} at {where}")

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
