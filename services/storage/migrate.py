"""Brings a database to what this version needs: each SQL file once, in order, never changed afterwards."""

import hashlib
import hmac
from dataclasses import dataclass
from importlib.resources import files
from typing import Any

import psycopg

from services.domain.errors import Refused, Retry
from services.storage.postgres import connect, where

_LOCK = 0x6D77_1001
_TABLE = (
    "CREATE TABLE IF NOT EXISTS public.mailweave_migration"
    " (name text PRIMARY KEY, sha256 text NOT NULL, applied timestamptz NOT NULL DEFAULT now())"
)


@dataclass(frozen=True, slots=True)
class Migration:
    """One file of ``services/storage/migrations``."""

    name: str
    sql: bytes

    @property
    def sha256(self) -> str:
        """What tells whether a file was changed after it had been applied."""
        return hashlib.sha256(self.sql).hexdigest()


def known() -> list[Migration]:
    """Return the migrations of this version, in the order in which they apply."""
    folder = files("services.storage") / "migrations"
    found = [Migration(f.name, f.read_bytes()) for f in folder.iterdir() if f.name.endswith(".sql")]
    return sorted(found, key=lambda migration: migration.name)


def migrate(url: str, migrations: list[Migration] | None = None) -> list[str]:
    """
    Apply what is missing and return the names.

    Each file is one transaction; concurrent calls wait for each other. ``Refused`` when an applied file has changed
    or the database knows a file that this version does not.
    """
    ours = known() if migrations is None else migrations
    with _admin(url) as connection:
        connection.execute("SELECT pg_advisory_lock(%s)", (_LOCK,))
        connection.execute(_TABLE)
        pending = _pending(connection, ours, where(url))
        for migration in pending:
            with connection.transaction():
                connection.execute(migration.sql)
                connection.execute("RESET ROLE")
                connection.execute(
                    "INSERT INTO public.mailweave_migration (name, sha256) VALUES (%s, %s)",
                    (migration.name, migration.sha256),
                )
    return [migration.name for migration in pending]


def check(url: str) -> list[str]:
    """Return the names of the migrations that are missing; read-only."""
    with _admin(url) as connection:
        there = connection.execute("SELECT to_regclass('public.mailweave_migration') IS NOT NULL").fetchone()
        if there != (True,):
            return [migration.name for migration in known()]
        return [migration.name for migration in _pending(connection, known(), where(url))]


def _pending(connection: psycopg.Connection[Any], ours: list[Migration], place: str) -> list[Migration]:
    applied = dict(connection.execute("SELECT name, sha256 FROM public.mailweave_migration").fetchall())
    for migration in ours:
        if applied.get(migration.name, migration.sha256) != migration.sha256:
            raise Refused(
                f"migration {migration.name} was changed after the database at {place} had applied it: "
                "restore the file and write a new migration"
            )
    if unknown := sorted(applied.keys() - {migration.name for migration in ours}):
        raise Refused(f"the database at {place} was migrated by a newer version ({unknown[-1]}): use that version")
    return [migration for migration in ours if migration.name not in applied]


def register_key(url: str, key: bytes) -> None:
    """
    Tie this database to the installation's key; ``Refused`` when it was tied to another one.

    With a wrong key every id would hash to something new: threads would fall apart and credentials be unreadable.
    """
    digest = hmac.digest(key, b"mailweave key check", "sha256")
    with connect(url, "settings") as connection:
        connection.execute("INSERT INTO settings.key_check (digest) VALUES (%s) ON CONFLICT DO NOTHING", (digest,))
        row = connection.execute("SELECT digest FROM settings.key_check").fetchone()
    if row is None or not hmac.compare_digest(bytes(row[0]), digest):
        raise Refused(
            f"the database at {where(url)} was set up with another secret key: give that one in MAILWEAVE_SECRET_KEY "
            "or MAILWEAVE_SECRET_KEY_FILE"
        )


def _admin(url: str) -> psycopg.Connection[Any]:
    try:
        return psycopg.connect(url, autocommit=True, application_name="mailweave-migrate", connect_timeout=10)
    except psycopg.OperationalError as error:
        raise Retry(f"PostgreSQL at {where(url)}: {' '.join(str(error).split())}") from error
