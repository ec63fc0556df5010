"""A record that comes after the mail: what nobody was behind is looked up again, what somebody was behind stays."""

import shutil
import threading
from contextlib import closing

import pytest

from services.domain.acceptance import FilterOption
from services.domain.directory import RecordRef
from services.domain.errors import Retry
from services.domain.facts import Policy
from services.resolver.jobs import JobWorker
from services.resolver.late_resolution import LateResolution
from services.resolver.settings import Settings
from services.resolver.threads import LOCK_DECIDING
from services.storage.postgres import Database
from tests.component.resolver.conftest import Resolver, mail

pytestmark = pytest.mark.component

ANNA = "anna@own.example"
LIN = {"type": "contact", "id": "lin", "addresses": ["Lin@Bücher.Example"], "owner": {"type": "user", "id": "ben"}}
FROM_LIN = {"From": "Lin <lin@xn--bcher-kva.example>"}


def late(resolver: Resolver) -> int:
    """Carry late resolution out to its end; return how many jobs it took."""
    with closing(Database(resolver.url, "resolver")) as database:
        while LateResolution(database, lambda: resolver.settings).step():
            pass
    return resolver.jobs()


def parties(resolver: Resolver) -> list[tuple[str, str, str]]:
    """Role, address and record ids of every party."""
    return resolver.rows(
        "SELECT role, address, coalesce((SELECT string_agg(r ->> 'id', ' ') FROM jsonb_array_elements(records) r), '')"
        " FROM resolver.party WHERE role <> 'owner' ORDER BY 1, 2"
    )


def taking(option: FilterOption, *, users: int = 1) -> Settings:
    """Settings under which Anna's filter is this one."""
    return Settings(
        policy=Policy(version=1, user_default=users),
        mailbox_owners={},
        options={RecordRef("user", "anna"): int(option)},
    )


def test_a_record_that_appears_resolves_the_party_of_old_mail_by_one_event(resolver: Resolver):
    resolver.resolve(resolver.record(mail("root", **FROM_LIN)))
    late(resolver)
    resolver.directory(LIN)

    assert 1 == late(resolver)
    assert [("from", "lin@xn--bcher-kva.example", "lin"), ("to", "support@own.example", "support")] == parties(resolver)
    created, changed = resolver.events()
    assert (["parties"], created["version"] + 1) == (changed["reasons"], changed["version"])
    assert "lin" in [r["id"] for p in changed["parties"] for r in p["records"]]


def test_a_record_that_gains_an_address_does_so_too_and_only_once(resolver: Resolver):
    resolver.resolve(resolver.record(mail("root", **FROM_LIN)))
    kim = {"type": "contact", "id": "kim", "addresses": ["kim@customer.example"]}
    resolver.directory({**kim, "addresses": [*kim["addresses"], *LIN["addresses"]]})
    late(resolver)
    events = len(resolver.events())
    resolver.directory({**kim, "addresses": [*kim["addresses"], *LIN["addresses"]]})

    assert "kim" == parties(resolver)[0][2]
    assert (0, events, 2) == (late(resolver), len(resolver.events()), events)


@pytest.mark.parametrize("option", [FilterOption.CUSTOMERS, FilterOption.RECORDS])
def test_mail_that_a_filter_refused_for_want_of_a_record_is_accepted_now(resolver: Resolver, option: FilterOption):
    resolver.settings = taking(option)
    resolver.resolve(resolver.record(mail("root", to=ANNA, **FROM_LIN)))
    resolver.resolve(resolver.record(mail("answer", answers=["root"], to="support@own.example")))
    assert "NoCorrelationMatch" == resolver.outcomes()["root"]

    resolver.directory(LIN)
    late(resolver)

    assert {"root": "accepted", "answer": "accepted"} == resolver.outcomes()
    answered = resolver.rows("SELECT count(*) FROM resolver.activity WHERE correlated IS NOT NULL")
    assert [(1,)] == answered, "what answers it is decided again in its turn"


def test_mail_for_a_user_who_was_unknown_is_accepted_when_the_user_comes(resolver: Resolver):
    resolver.settings = taking(FilterOption.ALL, users=0)
    resolver.resolve(resolver.record(mail("root", to="list@elsewhere.example"), mailbox="nina@own.example"))
    assert {"root": "NoRecipientMatch"} == resolver.outcomes()

    resolver.directory({"type": "user", "id": "nina", "addresses": ["nina@own.example"]})
    late(resolver)

    assert {"root": "accepted"} == resolver.outcomes()


def test_a_user_who_becomes_active_again_counts_as_one_who_comes(resolver: Resolver):
    nina = {"type": "user", "id": "nina", "addresses": ["nina@own.example"]}
    resolver.settings = taking(FilterOption.ALL, users=0)
    resolver.directory({**nina, "active": False})
    resolver.resolve(resolver.record(mail("root", to="nina@own.example")))
    late(resolver)
    assert {"root": "NoRecipientMatch"} == resolver.outcomes()

    resolver.directory(nina)
    late(resolver)

    assert {"root": "accepted"} == resolver.outcomes()


def test_nothing_is_kept_of_a_rejected_mail_but_keyed_hashes(resolver: Resolver):
    resolver.resolve(resolver.record(mail("root", to=ANNA, **FROM_LIN)))

    kept = "".join(
        str(resolver.rows(f"SELECT * FROM resolver.{table}"))
        for table in ("awaited_address", "decision", "evidence", "message", "job")
    )
    assert "NoCorrelationMatch" in kept
    assert "xn--bcher" not in kept


def test_a_rejected_mail_whose_content_is_gone_says_so(resolver: Resolver):
    resolver.resolve(resolver.record(mail("root", to=ANNA, **FROM_LIN)))
    shutil.rmtree(resolver.blobs.path("00" * 32).parents[2], ignore_errors=True)
    resolver.directory(LIN)
    resolver.settings = taking(FilterOption.RECORDS)
    late(resolver)
    (delivery,) = resolver.wanted()
    resolver.fetched(delivery, why="it no longer lies there")

    assert {"root": "ContentGone"} == resolver.outcomes()


@pytest.mark.parametrize(
    "change",
    [
        pytest.param({"addresses": []}, id="loses-address"),
        pytest.param({"deleted": True, "active": False}, id="disappears"),
        pytest.param({"active": False}, id="inactive"),
    ],
)
@pytest.mark.parametrize(
    "record",
    [
        pytest.param({"type": "contact", "id": "kim", "addresses": ["kim@customer.example"]}, id="sender"),
        pytest.param({"type": "user", "id": "ben", "addresses": ["ben@own.example"]}, id="owner"),
        pytest.param(
            {
                "type": "queue",
                "id": "support",
                "addresses": ["support@own.example"],
                "owner": {"type": "user", "id": "ben"},
            },
            id="acceptor",
        ),
    ],
)
def test_a_record_that_goes_changes_nothing_in_the_past(resolver: Resolver, record, change):
    to = "Support <support@own.example>, Anna <anna@own.example>"
    resolver.resolve(resolver.record(mail("root", to=to)))
    before = {t: rows for t, rows in resolver.dump().items() if t != "directory_record"}
    resolver.directory(record | change)
    late(resolver)
    # It is decided again for another reason, too.
    key = resolver.rows("SELECT message_key FROM resolver.message")[0][0]
    with closing(Database(resolver.url, "resolver")) as database, database.transaction() as connection:
        connection.execute(
            "INSERT INTO resolver.job (targets, messages, cause) VALUES ('{}', ARRAY[%s], 'test')", (key,)
        )

    assert 1 == resolver.jobs()
    assert before == {t: rows for t, rows in resolver.dump().items() if t != "directory_record"}


def test_another_record_with_the_address_of_a_resolved_party_changes_nothing(resolver: Resolver):
    resolver.resolve(resolver.record(mail("root")))
    before = parties(resolver)
    resolver.directory({"type": "account", "id": "acme", "addresses": ["kim@customer.example"]})
    late(resolver)

    assert (before, 1) == (parties(resolver), len(resolver.events()))


def test_a_detail_is_folded_only_where_the_setting_says_so_and_nobody_has_the_exact_address(resolver: Resolver):
    kim = {"type": "contact", "id": "kim", "addresses": ["kim@customer.example"]}
    resolver.directory({**kim, "addresses": []})
    mails = {"news": "kim+news@customer.example", "own": "kim+own@customer.example"}
    resolver.directory({"type": "contact", "id": "exact", "addresses": [mails["own"]]})
    for name, address in mails.items():
        resolver.resolve(resolver.record(mail(name, From=address)))
    resolver.directory(kim)
    late(resolver)
    assert ["", "exact"] == [who for role, _, who in parties(resolver) if role == "from"]

    resolver.settings = Settings(policy=Policy(version=2, fold_details=True), mailbox_owners={}, options={})
    resolver.directory({**kim, "active": False})
    resolver.directory(kim)
    late(resolver)

    assert ["kim", "exact"] == [who for role, _, who in parties(resolver) if role == "from"]


def test_many_mails_are_resolved_in_bounded_pieces_the_older_first(resolver: Resolver, monkeypatch):
    monkeypatch.setattr("services.resolver.late_resolution.MESSAGES_AT_ONCE", 3)
    for hour in (5, 3, 1, 4, 2):
        resolver.resolve(resolver.record(mail(f"m{hour}", **FROM_LIN), hour=hour))
    late(resolver)
    resolver.directory(LIN)
    with closing(Database(resolver.url, "resolver")) as database:
        assert LateResolution(database, lambda: resolver.settings).step()
    named = resolver.rows(
        "SELECT array_agg(split_part(m.message_id, '@', 1) ORDER BY o) FROM resolver.job j,"
        " unnest(j.messages) WITH ORDINALITY AS w (key, o) JOIN resolver.message m ON m.message_key = w.key"
        " GROUP BY j.id ORDER BY j.id"
    )

    assert [(["m1", "m2", "m3"],), (["m4", "m5"],)] == named
    assert 2 == resolver.jobs()


def test_a_killed_workers_addresses_and_jobs_are_taken_by_another(resolver: Resolver):
    resolver.resolve(resolver.record(mail("root", **FROM_LIN)))
    late(resolver)
    resolver.directory(LIN)

    def killed(database: Database) -> None:
        with database.transaction() as connection:
            assert LateResolution(database, lambda: resolver.settings).step()
            resolver.rows("SELECT pg_terminate_backend(%s)", connection.info.backend_pid)

    with closing(Database(resolver.url, "resolver")) as database, pytest.raises(Retry):
        killed(database)

    assert 1 == late(resolver)
    assert "lin" == parties(resolver)[0][2]


def test_a_mail_under_decision_while_the_record_comes_is_waited_for(resolver: Resolver):
    """It read the directory before the record was there, and is committed after: the barrier finds it."""
    with closing(Database(resolver.url, "resolver")) as deciding, closing(Database(resolver.url, "resolver")) as other:
        with deciding.transaction() as connection:
            connection.execute("SELECT pg_advisory_xact_lock_shared(%s)", (LOCK_DECIDING,))
            resolver.directory(LIN)
            worker = threading.Thread(target=LateResolution(other, lambda: resolver.settings).step)
            worker.start()
            worker.join(0.3)
            waits = worker.is_alive()
        worker.join()

    assert waits


@pytest.mark.parametrize("first", ["record", "mail"])
def test_whichever_comes_first_the_activity_is_the_same(resolver: Resolver, first: str):
    steps = {
        "record": lambda: resolver.directory(LIN),
        "mail": lambda: resolver.resolve(resolver.record(mail("root", **FROM_LIN), uid=1)),
    }
    steps.pop(first)()
    for step in steps.values():
        step()
    late(resolver)
    if first == "mail":
        resolver.jobs()

    assert "lin" == parties(resolver)[0][2]
    assert [("user", "ben")] == resolver.rows("SELECT owner_type, owner_id FROM resolver.activity")


def test_a_job_worker_that_finds_the_record_gone_again_changes_nothing(resolver: Resolver):
    resolver.resolve(resolver.record(mail("root", **FROM_LIN)))
    resolver.directory(LIN)
    with closing(Database(resolver.url, "resolver")) as database:
        LateResolution(database, lambda: resolver.settings).step()
        resolver.directory({"type": "contact", "id": "lin", "deleted": True, "active": False})
        assert JobWorker(database, resolver.blobs, lambda: resolver.settings).step()

    assert ("", 1) == (parties(resolver)[0][2], len(resolver.events()))
