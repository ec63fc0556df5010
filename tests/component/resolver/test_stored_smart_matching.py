"""Smart matching on the stored index: what is found, what is written, and by which way PostgreSQL looks."""

import json
from contextlib import closing
from datetime import UTC, datetime, timedelta
from uuid import UUID

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from services.domain.correlation_rules import Mode, Smart, Switches
from services.domain.facts import Policy
from services.domain.smart_index import MOST_CANDIDATES, SmartIndex
from services.domain.smart_matching import Hashes, Indexed, Parameters
from services.resolver import smart_store
from services.resolver.settings import Settings, SmartMatching
from services.storage.postgres import Database
from tests.component.resolver.conftest import mail

pytestmark = pytest.mark.component

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)


def compatible(smart="link", **parameters):
    """The settings of the compatible mode."""
    return Settings(
        policy=Policy(version=1, switches=Switches(mode=Mode.COMPATIBLE, smart=Smart(smart))),
        mailbox_owners={},
        options={},
        smart=SmartMatching(parameters=Parameters(**parameters), acts=smart != "off", hash_key=b"k"),
    )


def like(name, subject="Order 4711", minute=0, **headers):
    return mail(name, Subject=subject, Date=f"Tue, 24 Nov 2026 10:{minute:02}:00 +0000", **headers)


def methods(resolver):
    return dict(
        resolver.rows(
            "SELECT split_part(m.message_id, '@', 1), a.method || ' ' || coalesce(split_part(t.message_id, '@', 1), '')"
            " FROM resolver.activity a JOIN resolver.message m USING (message_key)"
            " LEFT JOIN resolver.activity c ON c.id = a.correlated"
            " LEFT JOIN resolver.message t ON t.message_key = c.message_key"
        )
    )


@pytest.mark.parametrize("at_once", [True, False])
def test_a_mail_without_headers_continues_the_newest_that_is_alike(resolver, at_once):
    """Whether the two came in one batch or not."""
    resolver.settings = compatible()
    values = [resolver.record(like(name, subject, minute), uid=minute) for name, subject, minute in (
        ("a", "Order 4711", 0), ("b", "Re: order 4711", 1), ("c", "AW: Order 4711!", 2), ("d", "Order 4712", 3)
    )]  # fmt: skip
    for group in [values] if at_once else [[value] for value in values]:
        resolver.resolve(*group)

    expected = {"a": "None ", "b": "SmartMatching a", "c": "SmartMatching b", "d": "None "}
    assert expected == methods(resolver)
    before = resolver.dump()
    resolver.resolve(*values)
    assert before == resolver.dump()


def test_a_header_comes_first(resolver):
    resolver.settings = compatible()
    for value in (like("a", "One thing"), like("b", minute=1), like("c", minute=2, In_Reply_To="<a@x.example>")):
        resolver.resolve(resolver.record(value))

    assert {"a": "None ", "b": "None ", "c": "InReplyTo a"} == methods(resolver)


def test_an_answer_that_came_before_its_question_is_not_continued_by_it(resolver):
    """The two would point at each other, and the header would count for nothing."""
    resolver.settings = compatible()
    for value in (like("answer", In_Reply_To="<question@x.example>"), like("question", minute=1)):
        resolver.resolve(resolver.record(value))
    resolver.jobs()

    assert {"question": "None ", "answer": "InReplyTo question"} == methods(resolver)


@pytest.mark.parametrize(
    ("smart", "said"),
    [("off", []), ("suggest", ["the message with this likeness is tracked: likeness may only suggest"])],
)
def test_switched_off_it_says_nothing_and_may_it_only_suggest_it_links_nothing(resolver, smart, said):
    """Mails are indexed all the same: what is switched on later finds them."""
    resolver.settings = compatible(smart)
    for value in (like("a"), like("b", minute=1)):
        resolver.resolve(resolver.record(value))

    assert {"a": "None ", "b": "None "} == methods(resolver)
    rows = resolver.rows(
        "SELECT e ->> 'why' FROM resolver.decision, jsonb_array_elements(evidence) e"
        " WHERE e ->> 'kind' = 'smart_matching'"
    )
    assert said == [why for (why,) in rows]
    assert [(2,)] == resolver.rows("SELECT count(*) FROM resolver.smart_mail")


def test_in_the_best_mode_nothing_is_indexed(resolver):
    resolver.resolve(resolver.record(like("a")))

    assert [(0, 0)] == resolver.rows(
        "SELECT (SELECT count(*) FROM resolver.smart_mail), (SELECT count(*) FROM resolver.smart_word)"
    )


def test_what_is_decided_again_is_indexed_under_the_parameters_of_today(resolver):
    """So mail that came before the compatible mode, or before another filter, is found once it was decided again."""
    value = resolver.record(like("a", "Order 4711"))
    resolver.resolve(value)
    counts = []
    for parameters in ({}, {"noise": "Order"}):
        resolver.settings = compatible(**parameters)
        resolver.rows(
            "INSERT INTO resolver.job (targets, messages, cause)"
            " SELECT '{}', array_agg(message_key), 'redecide' FROM resolver.message RETURNING id"
        )
        assert resolver.jobs() > 0
        counts.append(
            resolver.rows(
                "SELECT cardinality(words), (SELECT count(*) FROM resolver.smart_word) FROM resolver.smart_mail"
            )
        )

    assert [[(2, 2)], [(1, 1)]] == counts


def test_a_filter_that_would_never_end_does_not_hold_mail_up(resolver, caplog):
    """It is given up: the subjects are compared whole, prefixes and all."""
    resolver.settings = compatible(noise=r"(\w+\s?)+$x")
    for value in (
        like("a", "word " * 30),
        like("b", "word " * 30, minute=1),
        like("c", "Re: " + "word " * 30, minute=2),
    ):
        resolver.resolve(resolver.record(value))

    assert {"a": "None ", "b": "SmartMatching a", "c": "None "} == methods(resolver)
    assert ["ERROR"] == [record.levelname for record in caplog.records if "filterRegex" in record.message]


small = st.frozensets(st.integers(-3, 3), max_size=5)
mails = st.lists(st.tuples(st.integers(0, 9), small, small), max_size=25)
asked = st.builds(
    Parameters, delta_subject=st.integers(0, 6), min_address=st.integers(0, 3), lookback=st.just(timedelta(5))
)


@given(mails, st.lists(st.tuples(st.integers(0, 9), small, small), min_size=1, max_size=4), asked)
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_the_stored_index_answers_as_the_one_in_memory(resolver, stored, asking, parameters):
    with closing(Database(resolver.url, "resolver")) as database, database.transaction() as connection:
        index = SmartIndex[UUID]()
        kept = [
            Indexed(UUID(int=n), NOON + timedelta(days=day), Hashes(words, people))
            for n, (day, words, people) in enumerate(stored)
        ]
        store_messages(connection, [one.key for one in kept])
        smart_store.put(connection, kept)
        for one in kept:
            index.add(one)
        wanted = {
            UUID(int=1000 + n): (NOON + timedelta(days=day), Hashes(words, people))
            for n, (day, words, people) in enumerate(asking)
        }
        found = smart_store.find(connection, wanted, {key: key for key in wanted}, parameters)
        expected = {
            key: best for key, (sent, hashes) in wanted.items() if (best := index.find(hashes, sent, parameters))
        }

        assert expected == found
        raise psycopg.Rollback


def store_messages(connection, keys):
    columns = "message_key, id_key, thread, graph_version"
    rows = "SELECT u, u, 1, 1 FROM unnest(%s::uuid[]) u ON CONFLICT DO NOTHING"
    connection.execute(f"INSERT INTO resolver.message ({columns}) {rows}", (keys,))


def test_postgresql_walks_along_the_index(resolver):
    """Whatever it believed of the tables: nothing of a look-up reads one from end to end."""
    people, now = frozenset({8, 9}), datetime.now(UTC)
    kept = [
        Indexed(UUID(int=n), now - timedelta(minutes=n), Hashes(frozenset({1, 2, 100 + n % 5000}), people))
        for n in range(20_000)
    ]
    with closing(Database(resolver.url, "resolver")) as database, database.transaction() as connection:
        store_messages(connection, [one.key for one in kept])
        smart_store.put(connection, kept)
        given = ([0], [UUID(int=1)], [UUID(int=1)], ["{1,2,150}"], ["{8,9}"], [now - timedelta(days=90)], [now], [1])
        bounds = (smart_store.COUNTED, MOST_CANDIDATES, 0, False)
        connection.execute("SET LOCAL enable_bitmapscan = off")  # as the look-up does
        ((plan,),) = connection.execute("EXPLAIN (FORMAT JSON) " + smart_store.FIND, (*given, *bounds))

    scans = dict(nodes(plan[0]["Plan"]))
    assert {"smart_word", "smart_mail"} <= scans.keys(), json.dumps(plan)
    assert all("Index" in how for how in scans.values()), scans


def nodes(plan):
    """Yield each table that is read and how."""
    if "Relation Name" in plan:
        yield plan["Relation Name"], plan["Node Type"]
    for child in plan.get("Plans", ()):
        yield from nodes(child)
