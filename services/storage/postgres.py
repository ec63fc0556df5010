"""Connections to PostgreSQL, each in one owner's role; the line between the world's failures and the data's."""

import hashlib
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
from psycopg import conninfo, errors

from services.domain.errors import Retry, Stop

ROLES = frozenset({"settings", "fetcher", "correlator", "resolver", "alerter", "sender", "console", "reader"})

# Time-outs: a stalled lock holder stops everyone, so a transaction that idles is ended by the server.
_OPTIONS = {
    "jit": "off",  # statements are short and many
    "statement_timeout": "120s",
    "lock_timeout": "60s",
    "idle_in_transaction_session_timeout": "60s",
}
# What these roles ask goes by key, batch after batch. A plan made while the tables were empty, or with statistics that
# lag behind, must not read a whole table: one such join took 138 ms of each batch at 20,000 mails, and grew with them.
_BY_KEY = frozenset({"fetcher", "correlator", "resolver"})
_BY_KEY_OPTIONS = {"enable_seqscan": "off", "enable_hashjoin": "off", "enable_mergejoin": "off"}
# These say that the world failed and the same statement may succeed later.
_WORLD = (
    psycopg.OperationalError,
    errors.InsufficientResources,
    errors.TransactionRollback,
    errors.LockNotAvailable,
    psycopg.InterfaceError,
    errors.IdleInTransactionSessionTimeout,
    errors.ReadOnlySqlTransaction,  # a standby: the new primary is elsewhere
)
# Neither the world nor the data: this code and this database do not belong together.
_MISMATCH = (
    errors.UndefinedTable,
    errors.UndefinedColumn,
    errors.UndefinedFunction,
    errors.InvalidSchemaName,
    errors.InsufficientPrivilege,
)


def where(url: str) -> str:
    """Return HOST:PORT of a connection URL, for messages; never the password."""
    parts = conninfo.conninfo_to_dict(url)
    return f"{parts.get('host', 'localhost')}:{parts.get('port', 5432)}"


def connect(url: str, role: str, *, autocommit: bool = True) -> psycopg.Connection[Any]:
    """
    Connect in the role ``mailweave_<role>``; ``Retry`` when the server cannot be reached.

    The server ends statements after two minutes and idle transactions after one.
    """
    if role not in ROLES:
        raise ValueError(f"no such role: {role}")
    given = _OPTIONS | (_BY_KEY_OPTIONS if role in _BY_KEY else {})
    options = " ".join(f"-c {name}={value}" for name, value in given.items())
    try:
        return psycopg.connect(
            url,
            autocommit=autocommit,
            options=f"{options} -c role=mailweave_{role}",
            application_name=f"mailweave-{role}",
            connect_timeout=10,
            keepalives_idle=10,
            keepalives_interval=5,
            keepalives_count=3,
        )
    except psycopg.Error as error:
        raise Retry(f"PostgreSQL at {where(url)}: {_words(error)}") from error


def _words(error: psycopg.Error) -> str:
    """Return the server's sentence only: detail and context may quote rows, thus content of mail."""
    return " ".join((error.diag.message_primary or str(error)).split()) or type(error).__name__


class Database:
    """One connection in one role, made when needed and anew when it broke. For one thread at a time; others wait."""

    def __init__(self, url: str, role: str) -> None:
        self._url = url
        self._role = role
        self._connection: psycopg.Connection[Any] | None = None
        self._lock = threading.RLock()

    @contextmanager
    def transaction(self) -> Iterator[psycopg.Connection[Any]]:
        """
        Yield the connection inside BEGIN … COMMIT; any exception rolls back.

        A failure of the world is raised as ``Retry``: nothing of the transaction was kept, or, when the connection
        broke during COMMIT, it cannot be told, so what is done must be idempotent. A missing table, column or right is
        raised as ``Stop``. A failure of the data passes as psycopg raised it.
        """
        with self._lock, self._mapped():
            connection = self.connection()
            with connection.transaction():
                yield connection

    @contextmanager
    def alone(self) -> Iterator[psycopg.Connection[Any]]:
        """
        Yield the connection outside a transaction: each statement is committed by itself, without a BEGIN and a COMMIT.

        Failures are raised as by :meth:`transaction`.
        """
        with self._lock, self._mapped():
            yield self.connection()

    @contextmanager
    def locked(self, name: str) -> Iterator[psycopg.Connection[Any] | None]:
        """
        Yield the connection, outside a transaction, under the session's advisory lock of this name.

        Yields None when another session holds it. The lock ends with the block or with the connection, so a killed
        holder's lock is free at once.
        """
        key = int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "big", signed=True)
        with self._lock, self._mapped():
            connection = self.connection()
            taken = connection.execute("SELECT pg_try_advisory_lock(%s)", (key,)).fetchone() == (True,)
            try:
                yield connection if taken else None
            finally:
                if taken and not connection.closed:
                    connection.execute("SELECT pg_advisory_unlock(%s)", (key,))

    def connection(self) -> psycopg.Connection[Any]:
        """Return the living connection; ``Retry`` when there is none to be had."""
        if self._connection is None or self._connection.closed or self._connection.broken:
            self._connection = connect(self._url, self._role)
        return self._connection

    @contextmanager
    def _mapped(self) -> Iterator[None]:
        try:
            yield
        except errors.ProgramLimitExceeded:
            raise  # psycopg counts it among the world's failures, but a value too long for an index stays so
        except _WORLD as error:
            if self._connection is not None and self._connection.broken:
                self.close()
            raise Retry(f"PostgreSQL at {where(self._url)}: {_words(error)}") from error
        except _MISMATCH as error:
            raise Stop(
                f"the database at {where(self._url)} does not fit this version, run its migrations: {_words(error)}"
            ) from error

    def close(self) -> None:
        """Close the connection; the next use makes a new one."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None
