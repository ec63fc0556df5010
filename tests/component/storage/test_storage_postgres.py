import threading
from contextlib import suppress

import psycopg
import pytest

from services.domain.errors import Retry, Stop
from services.storage.postgres import Database, connect

pytestmark = pytest.mark.component


def backend(connection):
    return connection.execute("SELECT pg_backend_pid()").fetchone()[0]


def kill(url, pid) -> None:
    with psycopg.connect(url, autocommit=True) as admin:
        admin.execute("SELECT pg_terminate_backend(%s, 5000)", (pid,))


def merge(connection, loser=1) -> None:
    connection.execute("INSERT INTO resolver.thread_merge (loser, winner, version) VALUES (%s, 2, 3)", (loser,))


def merges(url):
    with connect(url, "reader") as reader:
        return len(reader.execute("SELECT FROM resolver.thread_merge").fetchall())


def test_the_session_says_who_it_is_and_does_not_wait_for_ever(as_role):
    connection = as_role("resolver")
    shown = {
        name: connection.execute(f"SHOW {name}").fetchone()[0]
        for name in ("role", "application_name", "statement_timeout", "lock_timeout")
    }

    assert ("mailweave_resolver", "mailweave-resolver") == (shown["role"], shown["application_name"])
    assert "0" not in (shown["statement_timeout"], shown["lock_timeout"])
    assert ("1min",) == connection.execute("SHOW idle_in_transaction_session_timeout").fetchone()


def test_a_transaction_is_kept_whole_or_not_at_all(url, database):
    resolver = database("resolver")
    with resolver.transaction() as connection:
        merge(connection, 1)
    with suppress(RuntimeError), resolver.transaction() as connection:
        merge(connection, 2)
        raise RuntimeError

    assert 1 == merges(url)


def test_a_connection_that_broke_is_retried_and_made_anew(url, database):
    resolver = database("resolver")

    def lose_it():
        with resolver.transaction() as connection:
            merge(connection)
            kill(url, backend(connection))
            merge(connection, 2)

    with pytest.raises(Retry):
        lose_it()
    assert 0 == merges(url)

    with resolver.transaction() as connection:
        merge(connection)
    assert 1 == merges(url)


def test_a_connection_that_broke_while_idle_is_made_anew(url, database):
    resolver = database("resolver")
    with resolver.transaction() as connection:
        first = backend(connection)
    kill(url, first)

    for _ in range(2):
        try:
            with resolver.transaction() as connection:
                merge(connection)
            break
        except Retry:
            continue

    assert 1 == merges(url)


def test_a_deadlock_is_retried(url, database):
    with connect(url, "resolver") as connection:
        merge(connection, 1)
        merge(connection, 2)
    barrier = threading.Barrier(2)
    outcomes = []

    def update(first, second):
        resolver = database("resolver")
        try:
            with resolver.transaction() as connection:
                connection.execute("UPDATE resolver.thread_merge SET version = 4 WHERE loser = %s", (first,))
                barrier.wait(10)
                connection.execute("UPDATE resolver.thread_merge SET version = 4 WHERE loser = %s", (second,))
            outcomes.append("kept")
        except Retry:
            outcomes.append("retry")

    threads = [threading.Thread(target=update, args=order) for order in ((1, 2), (2, 1))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert ["kept", "retry"] == sorted(outcomes)


@pytest.mark.parametrize(
    ("statement", "expected"),
    [
        ("SET LOCAL statement_timeout = '50ms'; SELECT pg_sleep(5)", Retry),
        ("SET LOCAL transaction_read_only = on; INSERT INTO resolver.thread_merge VALUES (1, 2, 3)", Retry),
        ("INSERT INTO resolver.thread_merge VALUES (1, 2, 3), (1, 2, 3)", psycopg.errors.UniqueViolation),
        ("INSERT INTO resolver.thread_merge VALUES (1, NULL, 3)", psycopg.errors.NotNullViolation),
        ("SELECT * FROM resolver.nothing", Stop),
        ("SELECT nothing FROM resolver.message", Stop),
        ("SELECT * FROM settings.credential", Stop),
        ("SELECT 1 / 0", psycopg.errors.DivisionByZero),
        ("SELECT 'x'::integer", psycopg.errors.InvalidTextRepresentation),
    ],
    ids=["time-out", "read-only", "unique", "not-null", "no-table", "no-column", "no-right", "division", "text"],
)
def test_the_failures_of_the_world_are_told_from_those_of_the_data(database, statement, expected):
    with pytest.raises(expected), database("resolver").transaction() as connection:
        connection.execute(statement)


def test_the_error_says_nothing_of_the_rows(database):
    """A failing COPY quotes its line, and that is content of mail."""
    full = "RAISE EXCEPTION 'no space left' USING ERRCODE = '53100', DETAIL = 'line 3: Subject of a mail'"

    with pytest.raises(Retry, match="no space left") as error, database("resolver").transaction() as connection:
        connection.execute(f"DO $$ BEGIN {full}; END $$")

    assert "Subject" not in str(error.value)


def test_a_server_that_is_not_there_is_retried_and_the_password_is_not_told():
    database = Database("postgresql://u:secret@127.0.0.1:1/x", "resolver")
    with pytest.raises(Retry) as error, database.transaction():
        pass

    assert "secret" not in str(error.value)
    assert "secret" not in repr(database)


def test_a_named_lock_is_held_by_one_session_and_ends_with_it(url, database):
    first, second = database("resolver"), database("resolver")
    with suppress(Retry), first.locked("x") as held:
        assert held is not None
        with second.locked("x") as other, second.locked("y") as another:
            assert other is None
            assert another is not None
        kill(url, backend(held))
        with second.locked("x") as other:
            assert other is not None


def test_a_named_lock_is_free_after_the_block_whatever_happened(database):
    first, second = database("resolver"), database("resolver")
    with pytest.raises(RuntimeError), first.locked("x"):
        raise RuntimeError
    with second.locked("x") as held:
        assert held is not None
