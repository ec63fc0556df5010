"""The alerts in PostgreSQL: one transaction per batch, with the events that tell of the changes."""

from collections.abc import Callable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from datetime import datetime
from typing import Any
from uuid import UUID

import psycopg
from psycopg.rows import dict_row

from services.contracts import codec
from services.domain import alerts
from services.domain.alert_codes import kind_of
from services.domain.alerts import Alert, Change, Key, Level, Signal
from services.domain.directory import RecordRef
from services.domain.errors import Refused
from services.runtime.crash import crash_point
from services.storage import outbox
from services.storage.inserting import upsert
from services.storage.postgres import Database

EVENTS = "alert-events"
COLUMNS = (
    "id", "object", "code", "direction", "level", "version", "open", "count", "first_seen", "last_seen", "resolved_at",
    "resolved_by", "detail", "observed", "fence", "partition", "offset", "failures", "addressees",
)  # fmt: skip
_LATEST = (
    "SELECT a.* FROM unnest(%b::text[], %b::text[], %b::text[]) AS k (object, code, direction)"
    " JOIN alerter.alert a USING (object, code, direction) WHERE a.latest ORDER BY a.id FOR UPDATE OF a"
)
_NEW = (
    "DO UPDATE SET version = excluded.version, open = excluded.open, count = excluded.count,"
    " last_seen = excluded.last_seen, resolved_at = excluded.resolved_at, resolved_by = excluded.resolved_by,"
    " detail = excluded.detail, observed = excluded.observed, fence = excluded.fence, partition = excluded.partition,"
    ' "offset" = excluded."offset", failures = excluded.failures, addressees = excluded.addressees'
)
_LOCK = int.from_bytes(b"mwalert")


class AlertStore:
    """
    The alerts. Any number of replicas may use them at once; ``announced`` is called when events were committed.

    ``addressed`` says who is told of a key, and is asked under the lock, so that no change of the settings is missed.
    """

    def __init__(
        self, database: Database, *, announced: Callable[[], None], addressed: Callable[[Key], tuple[RecordRef, ...]]
    ) -> None:
        self._database = database
        self._announced = announced
        self._addressed = addressed

    def apply(self, signals: Sequence[Signal], shown: AbstractSet[Level]) -> None:
        """See :class:`services.alerter.handlers.Alerts`. ``Retry`` when the database fails: then nothing is kept."""
        events: list[outbox.OutboxRow] = []
        with self._database.transaction() as connection:
            # Two replicas may meet a new key at once, in a rebalance; signals are few.
            connection.execute("SELECT pg_advisory_xact_lock(%s)", (_LOCK,))
            now = _latest(connection, {signal.key for signal in signals})
            stored = dict(now)
            made: dict[UUID, Alert] = {}
            for signal in signals:
                before = now.get(signal.key)
                kind = kind_of(signal.key.code)
                after, change = alerts.apply(
                    before, signal, kind, shown=Level(kind.level) in shown, addressees=self._addressed(signal.key)
                )
                if after == before:
                    continue
                now[signal.key] = made[after.id] = after
                if change is not None:
                    events.append(event(after, change))
            _write(connection, stored, made)
            outbox.append(connection, "alerter", events)
            crash_point("alerter.written")
        if events:
            self._announced()

    def readdress(self) -> None:
        """See :class:`services.alerter.addressing.OpenAlerts`. ``Retry`` when the database fails."""
        events: list[outbox.OutboxRow] = []
        with self._database.transaction() as connection:
            connection.execute("SELECT pg_advisory_xact_lock(%s)", (_LOCK,))
            stored = {alert.key: alert for alert in _open(connection)}
            told = {key: self._addressed(key) for key in stored}
            made = [alerts.readdress(a, told[key]) for key, a in stored.items() if a.addressees != told[key]]
            events = [event(alert, Change.READDRESSED) for alert in made]
            _write(connection, stored, {alert.id: alert for alert in made})
            outbox.append(connection, "alerter", events)
        if events:
            self._announced()


def resolve(connection: psycopg.Connection[Any], alert: UUID, *, by: str, at: datetime) -> Alert:
    """Resolve an open alert by a person's hand, in the caller's transaction; ``Refused`` when it is not open."""
    connection.execute("SELECT pg_advisory_xact_lock(%s)", (_LOCK,))
    with connection.cursor(row_factory=dict_row) as cursor:
        row = cursor.execute("SELECT * FROM alerter.alert WHERE id = %s FOR UPDATE", (alert,)).fetchone()
    if row is None or not row["open"]:
        raise Refused(f"there is no open alert {alert}. See: mailweave alerts.")
    before = read(row)
    after = alerts.resolve(before, at=at, by=by)
    _write(connection, {before.key: before}, {after.id: after})
    outbox.append(connection, "alerter", [event(after, Change.RESOLVED)])
    return after


def _latest(connection: psycopg.Connection[Any], keys: AbstractSet[Key]) -> dict[Key, Alert]:
    ordered = sorted(keys, key=str)
    columns = ([k.object for k in ordered], [k.code for k in ordered], [k.direction for k in ordered])
    with connection.cursor(row_factory=dict_row) as cursor:
        return {alert.key: alert for alert in map(read, cursor.execute(_LATEST, columns).fetchall())}


def _open(connection: psycopg.Connection[Any]) -> list[Alert]:
    with connection.cursor(row_factory=dict_row) as cursor:
        query = "SELECT * FROM alerter.alert WHERE open ORDER BY id FOR UPDATE"
        return [read(row) for row in cursor.execute(query).fetchall()]


def _write(connection: psycopg.Connection[Any], stored: Mapping[Key, Alert], made: Mapping[UUID, Alert]) -> None:
    """Write these alerts; the last one of a key takes the place of the one that was the latest."""
    last = {alert.key: alert.id for alert in made.values()}
    outdated = [stored[key].id for key, alert in last.items() if key in stored and stored[key].id != alert]
    connection.execute("UPDATE alerter.alert SET latest = false WHERE id = ANY(%s)", (outdated,))
    for is_open in (False, True):  # the one that closes makes room for the one that opens
        rows = [(*_row(alert), last[alert.key] == alert.id) for alert in made.values() if alert.open == is_open]
        upsert(connection, "alerter.alert", (*COLUMNS, "latest"), rows, key=("id",), conflict=_NEW)


def _row(a: Alert) -> tuple[Any, ...]:
    return (
        a.id, a.key.object, a.key.code, a.key.direction, a.level, a.version, a.open, a.count, a.first_seen, a.last_seen,
        a.resolved_at, a.resolved_by, a.detail, a.observed, a.fence, *a.place, a.failures,
        [f"{ref.type}:{ref.id}" for ref in a.addressees],
    )  # fmt: skip


def read(row: Mapping[str, Any]) -> Alert:
    """Return the alert of a row."""
    return Alert(
        id=row["id"],
        key=Key(row["object"], row["code"], row["direction"]),
        level=Level(row["level"]),
        version=row["version"],
        open=row["open"],
        count=row["count"],
        first_seen=row["first_seen"],
        last_seen=row["last_seen"],
        observed=row["observed"],
        fence=row["fence"],
        place=(row["partition"], row["offset"]),
        failures=row["failures"],
        resolved_at=row["resolved_at"],
        resolved_by=row["resolved_by"],
        detail=row["detail"],
        addressees=tuple(RecordRef(*text.split(":", 1)) for text in row["addressees"]),
    )


def event(alert: Alert, change: Change) -> outbox.OutboxRow:
    """Return the record that tells of a change: the alert as it now stands. Key: the alert's key."""
    value = codec.encode(
        "AlertEvent",
        {
            "alert_id": str(alert.id),
            "version": alert.version,
            "change": change,
            "object": alert.key.object,
            "code": alert.key.code,
            "direction": alert.key.direction,
            "level": alert.level,
            "state": "open" if alert.open else "resolved",
            "count": alert.count,
            "first_seen": alert.first_seen,
            "last_seen": alert.last_seen,
            "resolved_at": alert.resolved_at,
            "resolved_by": alert.resolved_by,
            "detail": alert.detail,
            "addressees": [{"type": ref.type, "id": ref.id} for ref in alert.addressees],
        },
    )
    return outbox.OutboxRow(EVENTS, str(alert.key).encode(), value, {})
