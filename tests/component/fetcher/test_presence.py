"""A router that is needed and silent is one alert, which ends when it is heard."""

from datetime import UTC, datetime, timedelta

import pytest

from services.contracts import decode
from services.fetcher.endpoint import presence
from tests.component.databases import created
from tests.component.fetcher.routed import settings

pytestmark = pytest.mark.component

NOW = datetime(2026, 11, 28, 12, tzinfo=UTC)
LONG = timedelta(minutes=11)
ADA = "ada@example.org"


@pytest.fixture
def database(stack, migrated_in_stack):
    from contextlib import closing  # noqa: PLC0415

    from services.storage.postgres import Database  # noqa: PLC0415

    with created(stack.config.postgres, migrated_in_stack) as url, closing(Database(url, "fetcher")) as made:
        yield made


def signals(database):
    with database.transaction() as connection:
        rows = connection.execute("SELECT value FROM fetcher.outbox ORDER BY id").fetchall()
    return [(r["object"], r["code"], r["state"]) for r in (decode(value)[1] for (value,) in rows)]


def hear(database, router, at):
    with database.transaction() as connection:
        presence.heard(connection, router, at)


def test_a_router_that_a_profile_names_is_missed_and_heard_again(database):
    snapshot = settings(ADA, router="berlin")
    for at in (NOW, NOW + LONG, NOW + 2 * LONG):
        presence.watch(database, snapshot, at)
    hear(database, "berlin", NOW + 2 * LONG)
    hear(database, "berlin", NOW + 2 * LONG + timedelta(seconds=1))
    for _ in range(2):
        presence.watch(database, snapshot, NOW + 2 * LONG)

    key = ("router/berlin", "router_silent")
    assert [(*key, "raised"), (*key, "cleared")] == signals(database)


def test_where_no_profile_names_one_any_router_will_do(database):
    snapshot = settings(ADA)
    presence.watch(database, snapshot, NOW)
    hear(database, "one", NOW + LONG)
    presence.watch(database, snapshot, NOW + LONG)
    assert [] == signals(database)

    presence.watch(database, snapshot, NOW + 2 * LONG + LONG)
    assert [("router/any", "router_silent", "raised")] == signals(database)


def test_when_the_fetcher_reads_again_no_router_is_missed(database):
    presence.watch(database, settings(ADA, router="berlin"), NOW)
    presence.watch(database, settings(ADA, router="berlin"), NOW + LONG)
    presence.watch(database, settings(ADA, router="berlin", engine="sss"), NOW + LONG)

    assert ["raised", "cleared"] == [state for _, _, state in signals(database)]
    assert frozenset() == presence.needed(settings(ADA, enabled=False))
