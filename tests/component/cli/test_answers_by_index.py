"""With much mail stored a question is answered along indexes, and no walk along one goes on to its end."""

from collections.abc import Iterator, Mapping
from typing import Any, LiteralString
from uuid import UUID, uuid4

import psycopg
import pytest

from services.cli import session
from services.domain.directory import RecordRef
from services.storage.reports import activities, timeline, unresolved
from services.storage.reports.explain import explain, traces
from tests.bench import stored
from tests.component.cli.conftest import Desk

pytestmark = pytest.mark.component

MAILS = 20_000
"""All of them are one queue's, and each has two addresses that nobody is behind."""
LARGE = 1_000
SHOWN = 100
LOOKED_AT = SHOWN * unresolved.LOOKED_AT
QUEUE, SENDER = RecordRef("queue", "stored"), "from7@bench.example"
READ = """SELECT relname, seq_tup_read FROM pg_stat_xact_user_tables
           WHERE seq_tup_read >= %s AND schemaname IN ('resolver', 'correlator')"""


@pytest.fixture
def full(desk: Desk) -> Desk:
    stored.fill(desk.owner, MAILS)
    return desk


def asked(connection: psycopg.Connection[Any], id_key: UUID) -> Iterator[tuple[str, int, int]]:
    """Ask every question; yield its name, how many answers it is to have, and how many it has."""
    yield "explain", 1, len(explain(connection, id_key))
    yield "explain an id that is not known", 0, traces(connection, uuid4(), "x@x.example").pointed_at_by
    found = timeline.of_record(connection, QUEUE, SHOWN)
    yield "timeline", SHOWN, len(list(activities.by_id(connection, found)))
    yield "unresolved", SHOWN, len(unresolved.newest(connection, SHOWN).addresses)
    yield "unresolved, one address", MAILS // 5_000, len(unresolved.of_address(connection, SENDER, SHOWN))


def longest_walk(connection: psycopg.Connection[Any], query: LiteralString, given: Mapping[str, object]) -> int:
    """Carry a query out; return how many rows the scan has met that met most, those left out included."""
    (((found,),),) = connection.execute("EXPLAIN (ANALYZE, FORMAT JSON) " + query, given).fetchall()
    nodes, most = [found["Plan"]], 0
    while nodes:
        node = nodes.pop()
        nodes.extend(node.get("Plans", ()))
        if "Relation Name" in node:
            met = node["Actual Rows"] + node.get("Rows Removed by Filter", 0)
            most = max(most, met * node["Actual Loops"])
    return most


def test_answers_come_along_indexes_however_much_is_stored(full: Desk):
    """PostgreSQL itself says what was read, and what a walk along an index has met."""
    ((id_key,),) = full.owner.execute("SELECT id_key FROM resolver.message ORDER BY message_key LIMIT 1").fetchall()
    with session.reading(full.config) as connection:
        for question, owed, answers in asked(connection, id_key):
            assert owed == answers, question
            assert [] == connection.execute(READ, (LARGE,)).fetchall(), question

        whose = {"type": QUEUE.type, "id": QUEUE.id, "limit": SHOWN}
        assert SHOWN == longest_walk(connection, timeline.OF_RECORD, whose)
        assert LOOKED_AT == longest_walk(connection, unresolved.NEWEST, unresolved.values(SHOWN))
        assert 2 == longest_walk(connection, unresolved.OF_ADDRESS, {"address": SENDER, "limit": 2})

        connection.execute("SELECT max(subject) FROM resolver.activity").fetchall()
        assert [("activity", MAILS)] == connection.execute(READ, (LARGE,)).fetchall()
