import threading

import psycopg
import pytest

from services.domain.errors import Retry
from services.storage import outbox
from services.storage.outbox import OutboxRow, drain
from services.storage.postgres import connect

pytestmark = pytest.mark.component


def row(n: int, value: bytes | None = b"v") -> OutboxRow:
    return OutboxRow("topic", b"%d" % n, value, {"origin-time": "2026-03-02T09:15:04Z"})


def put(database, *rows: OutboxRow) -> None:
    with database.transaction() as connection:
        outbox.append(connection, "resolver", list(rows))


def waiting(url) -> int:
    with connect(url, "reader") as reader:
        return len(reader.execute("SELECT FROM resolver.outbox").fetchall())


def test_rows_go_as_they_were_appended(url, database):
    resolver = database("resolver")
    rows = [row(1), row(2, None), OutboxRow("other", b"\x00\xff\\", bytes(range(256)), {}), row(3, b"")]
    put(resolver, *rows)
    sent: list[OutboxRow] = []

    assert 4 == drain(resolver, "resolver", sent.extend)
    assert rows == sent
    assert 0 == waiting(url)
    assert 0 == drain(resolver, "resolver", sent.extend)


def test_a_change_that_is_rolled_back_tells_nobody(url, database):
    resolver = database("resolver")

    def fail() -> None:
        with resolver.transaction() as connection:
            outbox.append(connection, "resolver", [row(1)])
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()

    assert 0 == waiting(url)


def test_the_oldest_go_first_and_at_most_so_many(url, database):
    resolver = database("resolver")
    put(resolver, *[row(n) for n in range(7)])
    batches: list[list[bytes]] = []

    while drain(resolver, "resolver", lambda rows: batches.append([r.key for r in rows]), limit=3):
        pass

    assert [[b"0", b"1", b"2"], [b"3", b"4", b"5"], [b"6"]] == batches


def test_a_row_that_is_committed_late_is_not_passed_over(url, database):
    """An id is drawn before the commit, so a smaller one can appear after a larger one went."""
    resolver = database("resolver")
    sent: list[OutboxRow] = []
    with connect(url, "resolver", autocommit=False) as slow:
        outbox.append(slow, "resolver", [row(1)])
        put(resolver, row(2))
        drain(resolver, "resolver", sent.extend)
        slow.commit()
    drain(resolver, "resolver", sent.extend)

    assert [b"2", b"1"] == [one.key for one in sent]


@pytest.mark.parametrize("error", [Retry("no broker"), RuntimeError("bug"), KeyboardInterrupt()], ids=repr)
def test_nothing_is_deleted_when_sending_fails(url, database, error):
    resolver = database("resolver")
    put(resolver, row(1), row(2))

    def send(_rows: list[OutboxRow]) -> None:
        raise error

    with pytest.raises(type(error)):
        drain(resolver, "resolver", send)

    assert 2 == waiting(url)
    sent: list[OutboxRow] = []
    assert 2 == drain(resolver, "resolver", sent.extend)
    assert [row(1), row(2)] == sent


def test_two_drainers_never_send_at_once(url, database):
    put(database("resolver"), *[row(n) for n in range(200)])
    sending = threading.Lock()
    sent: list[bytes] = []

    def send(rows: list[OutboxRow]) -> None:
        assert sending.acquire(blocking=False), "two at once"
        try:
            sent.extend(r.key for r in rows)
        finally:
            sending.release()

    def work() -> None:
        own = database("resolver")
        while waiting(url):
            drain(own, "resolver", send, limit=7)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert [b"%d" % n for n in range(200)] == sent


def test_another_drainer_waits_for_nothing(database):
    first, second = database("resolver"), database("resolver")
    put(first, row(1))
    counts: list[int] = []

    drain(first, "resolver", lambda _: counts.append(drain(second, "resolver", lambda _: None)))

    assert [0] == counts


def test_while_the_broker_is_slow_no_transaction_is_open(url, database):
    resolver = database("resolver")
    put(resolver, row(1))
    states: list[str] = []

    def send(_rows: list[OutboxRow]) -> None:
        with psycopg.connect(url) as other:
            states.extend(
                state
                for (state,) in other.execute(
                    "SELECT state FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
                )
            )

    drain(resolver, "resolver", send)

    assert states
    assert {"idle"} == set(states)


def test_large_rows_go_in_smaller_batches(database):
    resolver = database("resolver")
    put(resolver, *[row(n, b"x" * 6_000_000) for n in range(5)])
    counts: list[int] = []

    while drain(resolver, "resolver", lambda rows: counts.append(len(rows))):
        pass

    assert [3, 2] == counts


def test_each_owner_has_its_own_outbox(url, database):
    correlator, resolver = database("correlator"), database("resolver")
    with correlator.transaction() as connection:
        outbox.append(connection, "correlator", [row(1)])
    put(resolver, row(2))
    sent: list[OutboxRow] = []

    def both(rows: list[OutboxRow]) -> None:
        sent.extend(rows)
        drain(correlator, "correlator", sent.extend)

    drain(resolver, "resolver", both)

    assert [b"2", b"1"] == [one.key for one in sent]
