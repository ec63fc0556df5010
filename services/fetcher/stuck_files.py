"""What of the ingest directory cannot be taken, from the moment that it is told until it is gone or taken."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from psycopg import Connection

from services.domain.alert_signals import of_ingest, of_ingest_mended
from services.fetcher.deliveries import OWNER
from services.fetcher.polling import Ports
from services.runtime import signals


class StuckFiles:
    """
    The rows of ``fetcher.stuck_file``, which outlive this process and are those of all replicas.

    Each change is committed together with its signal: the first stuck file of a mailbox, like each further one, raises
    its alert, and the last that goes clears it.
    """

    def __init__(self, root: Path, ports: Ports) -> None:
        self._root = root
        self._ports = ports
        self._known: set[Path] = set()

    def add(self, path: Path, mailbox: str, reason: str) -> bool:
        """Note that a file stays; whether that is new."""
        if path in self._known:
            return False
        with self._changing() as connection:
            row = connection.execute(
                "INSERT INTO fetcher.stuck_file (path, mailbox) VALUES (%s, %s) ON CONFLICT DO NOTHING RETURNING true",
                (self._name(path), mailbox),
            ).fetchone()
            if row is not None:
                raised = of_ingest(mailbox, detail=reason, at=self._ports.now())
                signals.append(connection, OWNER, [raised])
        self._known.add(path)
        return row is not None

    def remove(self, path: Path) -> None:
        """Note that a file is gone, or well again; what was never stuck changes nothing."""
        if path not in self._known:
            return
        with self._changing() as connection:
            row = connection.execute(
                "DELETE FROM fetcher.stuck_file WHERE path = %s RETURNING mailbox", (self._name(path),)
            ).fetchone()
            if row is not None and not _any_left(connection, row[0]):
                signals.append(connection, OWNER, [of_ingest_mended(row[0], at=self._ports.now())])
        self._known.discard(path)

    def look(self) -> None:
        """Learn what other replicas and earlier processes have noted, and remove what is gone."""
        with self._ports.database.transaction() as connection:
            rows = connection.execute("SELECT path FROM fetcher.stuck_file").fetchall()
        self._known = {self._root / os.fsdecode(path) for (path,) in rows}
        for path in [path for path in self._known if not os.path.lexists(path)]:
            self.remove(path)

    def _name(self, path: Path) -> bytes:
        return os.fsencode(path.relative_to(self._root))

    @contextmanager
    def _changing(self) -> Iterator[Connection[Any]]:
        with self._ports.database.transaction() as connection:
            # One at a time: of two that remove the last two files at once, neither would see that none is left.
            connection.execute("LOCK TABLE fetcher.stuck_file IN SHARE ROW EXCLUSIVE MODE")
            yield connection


def _any_left(connection: Connection[Any], mailbox: str) -> bool:
    query = "SELECT FROM fetcher.stuck_file WHERE mailbox = %s LIMIT 1"
    return connection.execute(query, (mailbox,)).fetchone() is not None
