"""Most checks find nothing: what they ask of PostgreSQL, which is little and yet never older than the lock."""

import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime

import psycopg
import pytest

from services.domain.mailbox_state import Succeeded
from services.fetcher import cursor, lifecycle
from services.fetcher.lifecycle import Holding
from services.fetcher.position import Position
from services.fetcher.tokens import credential_named
from services.storage import credentials
from services.storage.postgres import Database
from services.storage.sealing import Secret
from tests.component.fetcher.checking import server_at
from tests.component.fetcher.idle_running import until
from tests.component.fetcher.living import NOW, Living
from tests.component.fetcher.round_trips import round_trips, traced

pytestmark = pytest.mark.component

KEY = b"k" * 32
MOST = 6
WARM = 8  # the driver prepares a statement that it has seen five times


@pytest.fixture
def stored(outside):
    """Return what gives the mailbox's credential, as the service does: from the store, at each login."""
    name = f"test/{outside.mailbox}"
    with closing(Database(outside.url, "settings")) as database, database.transaction() as connection:
        credentials.store(connection, KEY, name, Secret(b"secret"))
    yield lambda: credential_named(outside.ports.database, KEY, name, now=lambda: datetime.now(UTC), ca_file=None)
    with psycopg.connect(outside.url) as connection:
        connection.execute("DELETE FROM settings.credential WHERE name = %s", (name,))


def identifying(hostile):
    """Return a server whose inbox has an id, and that does not say in one answer whether there is anything new."""
    server = hostile({})
    server.hooks["EXAMINE"] = lambda _s, tag, line: b"* OK [MAILBOXID (i)] id\r\n" + server.answer(tag, line)
    return server_at(server.port)


@pytest.mark.parametrize("which", ["dovecot", "identifying"])
def test_an_empty_check_of_an_inbox_waits_for_postgresql_at_most_six_times(outside, hostile, stored, request, which):
    """The login is one of them: a credential is read anew each time."""
    server = request.getfixturevalue("dovecot") if which == "dovecot" else identifying(hostile)
    living = Living(outside, server, credential=stored)
    for _ in range(WARM):
        assert "" == living.check()[0]

    with traced(outside.ports.database) as spoke:
        assert "" == living.check()[0]

    assert 0 < round_trips(spoke) <= MOST


def test_the_id_of_a_folder_is_written_when_it_changes(outside, hostile):
    living = Living(outside, identifying(hostile))
    query = "SELECT asked, mailbox_id, xmin::text FROM fetcher.known_folder WHERE mailbox = %(mailbox)s"
    living.check()
    first = outside.rows(query)
    living.check()

    assert first == outside.rows(query)
    assert [("INBOX", "i")] == [row[:2] for row in first]


@contextmanager
def holding(outside) -> Iterator[psycopg.Connection]:
    """Hold the mailbox as one that writes at the same time, until the block ends."""
    with closing(Database(outside.url, "fetcher")) as database, database.transaction() as connection:
        connection.execute("SELECT FROM fetcher.mailbox WHERE mailbox = %s FOR UPDATE", (outside.mailbox,))
        yield connection


def started(outside, what):
    """Start what has to wait for the mailbox, in a thread of its own, and return that once it waits."""
    done = []
    thread = threading.Thread(target=lambda: done.append(what()))
    thread.start()
    pid = outside.ports.database.connection().info.backend_pid
    until(lambda: outside.rows(f"SELECT FROM pg_locks WHERE pid = {pid} AND NOT granted"))
    return thread, done


def test_a_claim_sees_the_cursor_that_was_written_while_it_waited(outside):
    database, mailbox = outside.ports.database, outside.mailbox
    fence = cursor.claim(database, mailbox).fence
    at = Position(folder_id="INBOX", folder="INBOX", uidvalidity=7, uid=3, uidnext=4)
    cursor.advance(database, mailbox, fence, (), at)
    with holding(outside) as connection:
        thread, claimed = started(outside, lambda: cursor.claim(database, mailbox))
        connection.execute("UPDATE fetcher.cursor SET uid = 9, uidnext = 10 WHERE mailbox = %s", (mailbox,))
    thread.join(10)

    assert [9] == [position.uid for position in claimed[0].folders.cursors.values()]


def test_the_end_of_a_check_sees_the_state_that_was_written_while_it_waited(outside, hostile):
    living = Living(outside, server_at(hostile({}).port))
    living.check()
    database, mailbox = outside.ports.database, outside.mailbox
    held = Holding(mailbox=mailbox, fence=cursor.claim(database, mailbox).fence, version=1)

    def end():
        return lifecycle.end(database, held, Succeeded(), NOW, poll_seconds=10, more=False, chance=0)

    with holding(outside) as connection:
        thread, _ = started(outside, end)
        connection.execute("UPDATE fetcher.mailbox_state SET phase = 'deactivated' WHERE mailbox = %s", (mailbox,))
        connection.execute("UPDATE fetcher.mailbox SET next_check = NULL WHERE mailbox = %s", (mailbox,))
    thread.join(10)

    assert ("deactivated", "") == living.state()
    assert [(None,)] == outside.rows("SELECT next_check FROM fetcher.mailbox WHERE mailbox = %(mailbox)s")
