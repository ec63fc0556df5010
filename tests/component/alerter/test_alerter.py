"""The alerter on a real database: one open alert per key, whatever comes twice, late or at the same time."""

import threading
from contextlib import closing
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import psycopg
import pytest

from services.alerter.handlers import alert
from services.alerter.retention import SIGNAL_DAYS, Retention
from services.alerter.store import AlertStore, resolve
from services.contracts import decode
from services.contracts.topics import catalogue
from services.domain.alerts import Key, Level, Signal, SignalState
from services.domain.directory import RecordRef
from services.domain.errors import Refused
from services.runtime.records import Batch, Input
from services.runtime.signals import record
from services.storage.postgres import Database

BEGIN = datetime(2026, 11, 27, 12, tzinfo=UTC)


class Alerter:
    """One key of its own in the stack's database."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.told: tuple[RecordRef, ...] = ()
        self.key = Key(f"mailbox/{uuid4().hex}@own.example", "login_refused", "incoming")

    def signals(self, *states: SignalState, first: int = 0) -> list[Input]:
        inputs = []
        for n, state in enumerate(states, first):
            said = Signal(key=self.key, state=state, observed=BEGIN + timedelta(seconds=n), fence=n, detail="no")
            inputs.append(Input("alert-signals", 0, n, str(self.key).encode(), record(said).value, {}))
        return inputs

    def apply(self, *inputs: Input, shown: frozenset[Level] = frozenset(Level)) -> Batch:
        batch = Batch(inputs)
        with closing(Database(self.url, "alerter")) as database:
            alert(
                batch,
                alerts=AlertStore(database, announced=lambda: None, addressed=lambda _: self.told),
                shown=lambda: shown,
            )
        return batch

    def rows(self) -> list[tuple[object, ...]]:
        with psycopg.connect(self.url) as connection:
            query = "SELECT open, count, resolved_by FROM alerter.alert WHERE object = %s ORDER BY first_seen"
            return connection.execute(query, (self.key.object,)).fetchall()

    def addressees(self) -> list[list[str]]:
        with psycopg.connect(self.url) as connection:
            query = "SELECT addressees FROM alerter.alert WHERE object = %s ORDER BY first_seen"
            return [row[0] for row in connection.execute(query, (self.key.object,)).fetchall()]

    def readdress(self) -> None:
        with closing(Database(self.url, "alerter")) as database:
            AlertStore(
                database, announced=lambda: None, addressed=lambda key: self.told if key == self.key else ()
            ).readdress()

    def events(self) -> list[tuple[str, int, int]]:
        with psycopg.connect(self.url) as connection:
            query = "SELECT value FROM alerter.outbox WHERE key = %s ORDER BY id"
            rows = connection.execute(query, (str(self.key).encode(),)).fetchall()
        events = [decode(value)[1] for (value,) in rows]
        return [(e["change"], e["version"], e["count"]) for e in events]


@pytest.fixture
def alerter(stack):
    one = Alerter(stack.environ["MAILWEAVE_POSTGRES"])
    yield one
    with psycopg.connect(one.url) as connection:
        connection.execute("DELETE FROM alerter.outbox WHERE key = %s", (str(one.key).encode(),))
        connection.execute("DELETE FROM alerter.alert WHERE object = %s", (one.key.object,))


RAISED, CLEARED = SignalState.RAISED, SignalState.CLEARED


def test_an_alert_opens_counts_resolves_and_opens_anew(alerter):
    alerter.apply(*alerter.signals(RAISED, RAISED, RAISED, CLEARED, RAISED))

    assert alerter.rows() == [(False, 3, "signal"), (True, 1, "")]
    assert alerter.events() == [("raised", 1, 1), ("repeated", 2, 2), ("resolved", 3, 3), ("raised", 1, 1)]


def test_a_redelivery_of_any_part_changes_no_row_and_tells_nothing(alerter):
    signals = alerter.signals(RAISED, RAISED, CLEARED, RAISED, CLEARED, RAISED, RAISED)
    alerter.apply(*signals[:4])
    alerter.apply(*signals[4:])
    rows, events = alerter.rows(), alerter.events()

    for first in range(len(signals)):
        alerter.apply(*signals[first:])

    assert (alerter.rows(), alerter.events()) == (rows, events)


def test_two_replicas_that_meet_a_new_key_at_once_open_one_alert(alerter):
    signals = alerter.signals(*[RAISED] * 8)
    threads = [threading.Thread(target=alerter.apply, args=(*signals[n::2],)) for n in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert [is_open for is_open, *_ in alerter.rows()] == [True]


def test_a_record_that_is_no_signal_is_rejected_alone(alerter):
    bad = Input("alert-signals", 0, 99, b"k", b"nonsense", {})

    batch = alerter.apply(bad, *alerter.signals(RAISED))

    assert [r.code for r in batch.rejects] == ["undecodable_record"]
    assert alerter.rows() == [(True, 1, "")]


def test_a_level_that_is_off_opens_nothing(alerter):
    alerter.apply(*alerter.signals(RAISED), shown=frozenset())

    assert alerter.rows() == [(False, 1, "")]
    assert alerter.events() == []


def test_a_person_resolves_an_open_alert_once(alerter):
    alerter.apply(*alerter.signals(RAISED))
    with psycopg.connect(alerter.url) as connection:
        ((one,),) = connection.execute(
            "SELECT id FROM alerter.alert WHERE object = %s", (alerter.key.object,)
        ).fetchall()

    with closing(Database(alerter.url, "alerter")) as database:
        with database.transaction() as connection:
            resolve(connection, one, by="anna", at=BEGIN)
        with pytest.raises(Refused), database.transaction() as connection:
            resolve(connection, one, by="anna", at=BEGIN)

    assert alerter.rows() == [(False, 1, "anna")]
    assert [change for change, *_ in alerter.events()] == ["raised", "resolved"]


def age(alerter: Alerter, *, resolved: int, observed: int) -> None:
    with psycopg.connect(alerter.url) as connection:
        connection.execute(
            "UPDATE alerter.alert SET resolved_at = now() - make_interval(days => %s),"
            " observed = now() - make_interval(days => %s) WHERE object = %s AND NOT open",
            (resolved, observed, alerter.key.object),
        )


def forget(alerter: Alerter, days: int) -> None:
    with closing(Database(alerter.url, "alerter")) as database:
        Retention(database, lambda: days).forget()


@pytest.mark.parametrize(
    ("days", "resolved", "observed", "left"),
    [
        pytest.param(500, 501, 501, 1, id="old enough: only the open one is left"),
        pytest.param(500, 499, 501, 2, id="resolved too lately"),
        pytest.param(0, 5000, 5000, 2, id="kept for ever"),
    ],
)
def test_a_resolved_alert_is_forgotten_after_its_days_and_an_open_one_never(alerter, days, resolved, observed, left):
    raised, cleared = SignalState.RAISED, SignalState.CLEARED
    alerter.apply(*alerter.signals(raised, cleared, raised))
    age(alerter, resolved=resolved, observed=observed)

    forget(alerter, days)

    assert left == len(alerter.rows())
    assert alerter.rows()[-1][0], "the open one"


def test_the_newest_alert_of_a_key_outlives_the_signals_that_were_applied(alerter):
    """Else a signal that comes again would open what was resolved long ago."""
    raised, cleared = SignalState.RAISED, SignalState.CLEARED
    alerter.apply(*alerter.signals(raised, cleared))
    age(alerter, resolved=501, observed=1)

    forget(alerter, 500)
    alerter.apply(*alerter.signals(raised))
    assert [False] == [row[0] for row in alerter.rows()]

    age(alerter, resolved=501, observed=501)
    forget(alerter, 500)
    assert [] == alerter.rows()


def test_signals_are_forgotten_by_their_topic_before_the_alert_that_applied_them():
    hours = catalogue()["alert-signals"].retention_hours

    assert hours is not None
    assert hours < SIGNAL_DAYS * 24


NINA, OLE = RecordRef("user", "nina"), RecordRef("queue", "with:colon")


def test_an_alert_is_addressed_as_it_opens_and_anew_when_others_are_told(alerter):
    """What is resolved keeps the addressees that it had."""
    alerter.told = (NINA,)
    alerter.apply(*alerter.signals(RAISED))
    assert [["user:nina"]] == alerter.addressees()

    alerter.told = (OLE, NINA)
    alerter.readdress()
    alerter.readdress()
    assert [["queue:with:colon", "user:nina"]] == alerter.addressees()

    alerter.apply(*alerter.signals(CLEARED, first=1))
    alerter.told = ()
    alerter.readdress()

    assert [["queue:with:colon", "user:nina"]] == alerter.addressees()
    assert [("raised", 1, 1), ("readdressed", 2, 1), ("resolved", 3, 1)] == alerter.events()


def test_a_signal_that_comes_again_after_it_changes_no_addressee(alerter):
    alerter.told = (NINA,)
    signals = alerter.signals(RAISED, RAISED)
    alerter.apply(*signals)
    alerter.told = (OLE,)
    alerter.readdress()
    alerter.told = ()

    alerter.apply(*signals)

    assert [["queue:with:colon"]] == alerter.addressees()
