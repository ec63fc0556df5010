"""The origin of the settings: history in PostgreSQL, published through its outbox."""

import json
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import psycopg
from psycopg.types.json import Jsonb

from services import contracts
from services.domain.errors import Refused
from services.settings import references
from services.settings import snapshot as snapshots
from services.settings.models import validate
from services.settings.organization.tokens import with_former_prefixes
from services.settings.snapshot import Snapshot
from services.storage import outbox
from services.storage.outbox import OutboxRow
from services.storage.postgres import Database

_LOCK = 0x6D77_3001
OWNER = "settings"


@dataclass(frozen=True, slots=True)
class Change:
    """One row of the history."""

    version: int
    key: str
    value: Any | None
    author: str
    reason: str
    time: datetime


def publish(url: str, changes: Mapping[str, Any | None], *, author: str, reason: str, base_version: int | None) -> int:
    """
    Store changed objects (None removes one) and return the newest version; unchanged ones write nothing.

    All or nothing. Versions are given under a lock held to commit, so they have the order of the commits and no
    gaps. ``Refused`` when a value is invalid, an object that is referred to would be missing, or
    ``base_version`` is no longer the newest.
    """
    with closing(Database(url, OWNER)) as database, database.transaction() as connection:
        connection.execute("SELECT pg_advisory_xact_lock(%s)", (_LOCK,))
        before = _current(connection)
        if base_version is not None and base_version != before.version:
            raise Refused(
                f"the settings have changed: they are at version {before.version}, yours began at {base_version}; "
                "look at the newest and try again"
            )
        written = _latest(connection)
        version, after, rows = before.version, before, []
        for key, given in changes.items():
            value = _as_given(before, key, given)
            if value == (written[key][1] if key in written else None):
                continue
            version += 1
            after = snapshots.apply(after, key, version, value)
            rows.append((version, key, value))
        references.check(after)
        _write(connection, rows, author=author, reason=reason)
    return version


def _as_given(before: Snapshot, key: str, value: Any) -> Any:  # noqa: ANN401 - parsed JSON
    """Return what is stored: the fields that are set and no others, so that a default that changes later acts."""
    plain = None
    if value is not None:
        plain = validate(key, value).model_dump(mode="json", by_alias=True, exclude_unset=True)
    return with_former_prefixes(before.organization, plain) if key == "organization" else plain


def _write(
    connection: psycopg.Connection[Any], rows: list[tuple[int, str, Any | None]], *, author: str, reason: str
) -> None:
    now = datetime.now(UTC)
    for version, key, value in rows:
        connection.execute(
            "INSERT INTO settings.history (version, key, value, author, reason, time) VALUES (%s, %s, %s, %s, %s, %s)",
            (version, key, None if value is None else Jsonb(value), author, reason, now),
        )
    records: list[dict[str, Any]] = [
        {
            "key": key,
            "version": version,
            "author": author,
            "time": now,
            "reason": reason,
            "value": None if value is None else json.dumps(value, ensure_ascii=False),
        }
        for version, key, value in rows
    ]
    outbox.append(
        connection,
        OWNER,
        [OutboxRow(OWNER, r["key"].encode(), contracts.encode("SettingsRecord", r)) for r in records],
    )


def current(url: str) -> Snapshot:
    """Return the settings as the history has them, published or not yet."""
    with closing(Database(url, OWNER)) as database, database.transaction() as connection:
        return _current(connection)


def at(url: str, version: int) -> Snapshot:
    """Return the settings as they were at a version; ``Refused`` when there has been no such version."""
    with closing(Database(url, OWNER)) as database, database.transaction() as connection:
        newest = _current(connection).version
        if not 0 <= version <= newest:
            raise Refused(f"there is no settings version {version}: the newest is {newest}")
        return _current(connection, version)


def _current(connection: psycopg.Connection[Any], version: int | None = None) -> Snapshot:
    found = snapshots.EMPTY
    for key, (written, value) in sorted(_latest(connection, version).items(), key=lambda one: one[1][0]):
        found = snapshots.apply(found, key, written, value)
    return found


def _latest(connection: psycopg.Connection[Any], version: int | None = None) -> dict[str, tuple[int, Any | None]]:
    rows = connection.execute(
        "SELECT DISTINCT ON (key) key, version, value FROM settings.history"
        " WHERE %(version)s::bigint IS NULL OR version <= %(version)s ORDER BY key, version DESC",
        {"version": version},
    )
    return {key: (version, value) for key, version, value in rows}


def history(url: str, key: str | None = None) -> list[Change]:
    """Return all changes, oldest first, or those of one object."""
    with closing(Database(url, OWNER)) as database, database.transaction() as connection:
        rows = connection.execute(
            "SELECT version, key, value, author, reason, time FROM settings.history"
            " WHERE %(key)s::text IS NULL OR key = %(key)s ORDER BY version",
            {"key": key},
        ).fetchall()
    return [Change(*row) for row in rows]
