"""What rejections say is forgotten after the days of the settings; reason, balance and what comes later are not."""

from contextlib import ExitStack, closing
from dataclasses import replace

import psycopg
import pytest

from services.domain.directory import RecordRef
from services.domain.facts import Policy
from services.resolver import retention
from services.resolver.retention import DAY_SECONDS, Retention
from services.resolver.settings import Settings
from services.storage.postgres import Database
from tests.component.resolver.conftest import Resolver, mail
from tests.component.resolver.test_late_resolution import FROM_LIN, LIN, late
from tests.component.resolver.test_redecide import ask, become

pytestmark = pytest.mark.component

ANNA = "anna@own.example"


@pytest.fixture
def retained(resolver: Resolver):
    """Make what forgets, as a replica of its own; one round of it."""
    with ExitStack() as open_ones:

        def make(days: int = 90, clock=lambda: 0.0):
            database = open_ones.enter_context(closing(Database(resolver.url, "resolver")))
            return Retention(database, lambda: days, clock)

        yield make


def round_of(one: Retention) -> int:
    looked = 0
    while found := one.forget():
        looked += found
    return looked


def aged(resolver: Resolver, days: int, name: str = "%") -> None:
    """Have the decisions about a mail be so old."""
    with psycopg.connect(resolver.url) as connection:
        connection.execute(
            "UPDATE resolver.decision x SET decided = decided - make_interval(days => %s) FROM resolver.delivery d"
            " JOIN resolver.message m USING (message_key)"
            " WHERE d.id = x.delivery_id AND m.message_id LIKE %s || '@x.example'",
            (days, name),
        )


def said(resolver: Resolver) -> dict[str, list[tuple[str, bool, bool]]]:
    """Outcome of each decision about a mail, whether it says what it looked at, and whether that is forgotten."""
    found = resolver.rows(
        "SELECT split_part(m.message_id, '@', 1), x.outcome, x.evidence <> '[]', x.forgotten IS NOT NULL"
        " FROM resolver.decision x JOIN resolver.delivery d ON d.id = x.delivery_id"
        " JOIN resolver.message m USING (message_key) ORDER BY d.mailbox, x.version"
    )
    return {name: [row[1:] for row in found if row[0] == name] for name, *_ in found}


KEPT, FORGOTTEN = (True, False), (False, True)


def test_what_an_old_rejection_says_is_forgotten_and_its_reason_stays(resolver: Resolver, retained):
    resolver.resolve(*(resolver.record(mail(name, to=ANNA)) for name in ("old", "young")), resolver.record(mail("got")))
    aged(resolver, 91, "old")
    aged(resolver, 89, "young")
    aged(resolver, 4000, "got")
    before, state = resolver.outcomes(), resolver.dump()

    assert 1 == round_of(retained())

    assert {
        "old": [("NoCorrelationMatch", *FORGOTTEN)],
        "young": [("NoCorrelationMatch", *KEPT)],
        "got": [("accepted", *KEPT)],
    } == said(resolver)
    assert (before, state) == (resolver.outcomes(), resolver.dump())
    assert 0 == round_of(retained())


def test_a_mail_of_which_any_copy_is_accepted_is_left_alone(resolver: Resolver, retained):
    raw = mail("both", to=f"support@own.example, {ANNA}")
    for number, mailbox in enumerate((ANNA, "support@own.example", "support@own.example")):
        resolver.resolve(resolver.record(raw, mailbox=mailbox, uid=number))
    aged(resolver, 400)
    before = said(resolver)

    round_of(retained())

    assert before == said(resolver)
    assert "Duplicate" in {outcome for outcome, *_ in before["both"]}


def test_an_acceptance_that_was_taken_back_is_a_rejection_and_what_came_before_it_goes_too(
    resolver: Resolver, retained
):
    one = retained()
    resolver.resolve(resolver.record(mail("root", to=ANNA)))
    become(resolver, user_default=0)
    ask(resolver)
    resolver.jobs()
    aged(resolver, 100)
    round_of(one)
    assert [("NoCorrelationMatch", *KEPT), ("accepted", *KEPT)] == said(resolver)["root"]

    become(resolver, user_default=1)
    ask(resolver)
    resolver.jobs()
    aged(resolver, 91)
    round_of(one)

    assert [("NoCorrelationMatch", *FORGOTTEN), ("accepted", *KEPT), ("NoCorrelationMatch", *FORGOTTEN)] == said(
        resolver
    )["root"]


def test_for_ever_is_what_0_days_are(resolver: Resolver, retained):
    resolver.resolve(resolver.record(mail("old", to=ANNA)))
    aged(resolver, 4000)

    assert 0 == round_of(retained(0))
    assert [("NoCorrelationMatch", *KEPT)] == said(resolver)["old"]


def test_more_than_one_step_holds_all_go_and_what_is_left_alone_is_passed(resolver: Resolver, retained, monkeypatch):
    monkeypatch.setattr(retention, "AT_ONCE", 3)
    for n in range(4):
        raw = mail(f"both{n}", to=f"support@own.example, {ANNA}")
        resolver.resolve(resolver.record(raw), resolver.record(raw, mailbox=ANNA, uid=900 + n, folder="Other"))
    resolver.resolve(*(resolver.record(mail(f"no{n}", to=ANNA)) for n in range(7)))
    aged(resolver, 91)
    one = retained()

    round_of(one)

    assert [FORGOTTEN] * 7 == [now[0][1:] for name, now in sorted(said(resolver).items()) if name.startswith("no")]
    assert 0 == round_of(one), "what was left alone is not looked at each time"


def test_what_is_under_decision_is_left_to_a_later_day_and_two_replicas_do_not_wait(resolver: Resolver, retained):
    resolver.resolve(*(resolver.record(mail(name, to=ANNA)) for name in ("held", "free")))
    aged(resolver, 91)
    now = [0.0]
    one, other = retained(clock=lambda: now[0]), retained()
    with psycopg.connect(resolver.url) as connection:
        connection.execute("SELECT FROM resolver.message WHERE message_id LIKE 'held@%' FOR UPDATE")
        round_of(one)
        round_of(other)
        assert [KEPT, FORGOTTEN] == [said(resolver)[name][0][1:] for name in ("held", "free")]

    round_of(one)
    assert KEPT == said(resolver)["held"][0][1:]
    now[0] = DAY_SECONDS + 1
    round_of(one)
    assert FORGOTTEN == said(resolver)["held"][0][1:]


def test_fewer_days_act_on_what_was_looked_at(resolver: Resolver, retained):
    resolver.resolve(resolver.record(mail("old", to=ANNA)))
    aged(resolver, 50)
    days = [90]
    one = retained()
    one._days = lambda: days[0]
    round_of(one)
    assert [("NoCorrelationMatch", *KEPT)] == said(resolver)["old"]

    days[0] = 30
    round_of(one)
    assert [("NoCorrelationMatch", *FORGOTTEN)] == said(resolver)["old"]


def test_a_forgotten_rejection_is_still_accepted_when_a_record_comes(resolver: Resolver, retained):
    """Late resolution needs hashes and the raw mail, and both stay."""
    resolver.settings = Settings(policy=Policy(version=1), mailbox_owners={}, options={RecordRef("user", "anna"): 2})
    resolver.resolve(resolver.record(mail("root", to=ANNA, **FROM_LIN)))
    aged(resolver, 91)
    round_of(retained())

    resolver.directory(LIN)
    late(resolver)

    assert [("NoCorrelationMatch", *FORGOTTEN), ("accepted", *KEPT)] == said(resolver)["root"]


def test_a_forgotten_rejection_that_is_decided_again_is_written_only_when_it_differs(resolver: Resolver, retained):
    resolver.resolve(resolver.record(mail("root", to=ANNA)))
    aged(resolver, 91)
    round_of(retained())
    state = resolver.dump()

    ask(resolver)
    resolver.jobs()
    assert state == resolver.dump()

    resolver.settings = replace(resolver.settings, policy=replace(resolver.settings.policy, version=2, user_default=0))
    ask(resolver)
    resolver.jobs()
    assert [("NoCorrelationMatch", *FORGOTTEN), ("accepted", *KEPT)] == said(resolver)["root"]
