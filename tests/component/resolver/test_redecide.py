"""Stored mail decided again as a person has asked: what a dry run says is what comes of it."""

from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from services.cli.simulation import knowing
from services.cli.simulation.again import again, decided, pairs
from services.cli.simulation.verdicts import changes
from services.domain.directory import RecordRef
from services.domain.facts import Policy
from services.resolver import jobs, redecisions
from services.resolver.jobs import JobWorker
from services.resolver.late_resolution import LateResolution
from services.storage.postgres import Database
from tests.component.resolver.conftest import Resolver, mail, opened

pytestmark = pytest.mark.component

LONG_AGO = datetime(2026, 1, 1, tzinfo=UTC)


def become(resolver: Resolver, **policy: Any) -> None:
    """Let other settings be in force."""
    version = resolver.settings.policy.version + 1
    resolver.settings = replace(resolver.settings, policy=replace(resolver.settings.policy, version=version, **policy))


def ask(resolver: Resolver, *, mailbox: str | None = None, version: int | None = None, since=LONG_AGO) -> int:
    with closing(Database(resolver.url, "resolver")) as database, database.transaction() as connection:
        return redecisions.ask(
            connection, redecision=uuid4(), author="ann", reason="new filters", since=since, mailbox=mailbox,
            settings_version=resolver.settings.policy.version if version is None else version,
        )  # fmt: skip


def differences(resolver: Resolver, mailbox: str | None = None) -> dict[str, list[str]]:
    """What a dry run says would change, by the first part of the id."""
    with psycopg.connect(resolver.url) as connection:
        stored = knowing.of_stored(connection, resolver.blobs, LONG_AGO, resolver.settings, mailbox)
        after = again(stored, resolver.settings)
        both = pairs(decided(stored, after), after)
    return {one.label.partition("@")[0]: kinds for before, one in both if (kinds := changes(before, one))}


def answers(resolver: Resolver) -> dict[str, str]:
    """What each activity answers, by the first part of the ids."""
    return dict(
        resolver.rows(
            "SELECT split_part(m.message_id, '@', 1), coalesce(split_part(n.message_id, '@', 1), '')"
            " FROM resolver.activity a JOIN resolver.message m USING (message_key)"
            " LEFT JOIN resolver.activity c ON c.id = a.correlated"
            " LEFT JOIN resolver.message n ON n.message_key = c.message_key"
        )
    )


def arrive(resolver: Resolver, *mails: bytes) -> None:
    resolver.resolve(*(resolver.record(one, hour=hour) for hour, one in enumerate(mails)))
    resolver.jobs()


CONVERSATION = (
    mail("root"),
    mail("reply", answers=["root"], to="anna@own.example"),
    mail("last", answers=["root", "reply"], to="anna@own.example"),
)


def test_what_is_asked_for_changes_as_the_dry_run_said_and_nothing_is_left_to_change(resolver):
    arrive(resolver, *CONVERSATION, mail("alone", to="anna@own.example"))
    become(resolver, user_default=0)

    assert {"alone": ["accepted"]} == differences(resolver)
    assert 4 == ask(resolver)
    resolver.jobs()
    assert {"root": "accepted", "reply": "accepted", "last": "accepted", "alone": "accepted"} == resolver.outcomes()
    assert {} == differences(resolver)


def test_withdrawn_mail_is_no_activity_and_what_answered_it_follows(resolver):
    arrive(resolver, *CONVERSATION)
    become(resolver, queue_default=4)

    assert {name: ["rejected", *(["link-lost"] if name != "root" else [])] for name in ("root", "reply", "last")} == (
        differences(resolver)
    )
    ask(resolver)
    resolver.jobs()
    assert {"NoCorrelationMatch"} == set(resolver.outcomes().values())
    assert [] == resolver.rows("SELECT FROM resolver.activity")
    assert [] == resolver.rows("SELECT FROM resolver.party")
    assert [(["created"], 1), (["withdrawn"], 2)] == [
        (one["reasons"], one["version"]) for one in resolver.events() if one["subject"] == "Mail root"
    ]
    assert [] == resolver.events()[-1]["deliveries"]


def test_an_activity_that_comes_again_goes_on_from_its_version(resolver):
    arrive(resolver, mail("root"))
    become(resolver, queue_default=4)
    ask(resolver)
    resolver.jobs()
    become(resolver, queue_default=0)
    ask(resolver)
    resolver.jobs()

    found = [(one["reasons"], one["version"], one["activity_id"]) for one in resolver.events()]
    (name,) = {activity for _, _, activity in found}
    assert [(["created"], 1, name), (["withdrawn"], 2, name), (["created"], 3, name)] == found
    assert [] == resolver.rows("SELECT FROM resolver.withdrawn")


def test_a_copy_that_is_withdrawn_leaves_the_activity_to_the_others(resolver):
    both = mail("both", to="support@own.example, anna@own.example")
    resolver.settings = replace(resolver.settings, mailbox_owners={"anna@own.example": RecordRef("user", "anna")})
    become(resolver, user_default=0, scope="pollingMailbox")
    resolver.resolve(*(resolver.record(both, mailbox=f"{one}@own.example", uid=1) for one in ("support", "anna")))
    become(resolver, queue_default=4)
    ask(resolver)
    resolver.jobs()

    assert [("anna",)] == resolver.rows("SELECT accepted_id FROM resolver.activity")
    last = resolver.events()[-1]
    assert ["delivery-removed", "parties"] == last["reasons"]
    assert ["anna@own.example"] == [one["mailbox"] for one in last["deliveries"]]


def test_who_asked_and_why_is_kept_with_what_changed(resolver):
    arrive(resolver, mail("root"), mail("alone", to="anna@own.example"))
    become(resolver, queue_default=4)
    ask(resolver)
    resolver.jobs()

    assert [("NoCorrelationMatch", "redecide", "ann", "new filters")] == resolver.rows(
        "SELECT x.outcome, x.cause, r.author, r.reason FROM resolver.decision x"
        " JOIN resolver.redecision r ON r.id = x.redecision WHERE x.current"
    )


def test_only_the_mail_of_the_mailbox_is_decided_again(resolver):
    arrive(resolver, mail("one"), mail("other", to="anna@own.example"), *CONVERSATION[:2])
    become(resolver, user_default=0, queue_default=4)
    told = differences(resolver, "anna@own.example")

    assert {"other": ["accepted"]} == told
    assert 2 == ask(resolver, mailbox="anna@own.example")
    resolver.jobs()
    assert ("accepted", "accepted") == (resolver.outcomes()["one"], resolver.outcomes()["other"])
    assert {"root", "reply", "one", "other"} == set(answers(resolver))


def test_mail_since_then_is_taken_oldest_first_in_bounded_jobs(resolver, monkeypatch):
    monkeypatch.setattr(redecisions, "MESSAGES_AT_ONCE", 2)
    arrive(resolver, *(mail(f"m{n}") for n in range(5)))

    assert 4 == ask(resolver, since=datetime(2026, 11, 24, 1, tzinfo=UTC))
    order = resolver.rows(
        "SELECT j.id, m.message_id FROM resolver.job j CROSS JOIN unnest(j.messages) k (key)"
        " JOIN resolver.message m ON m.message_key = k.key ORDER BY 1, 2"
    )
    assert [f"m{n}@x.example" for n in (1, 2, 3, 4)] == [name for _, name in order]
    assert 2 == len({job for job, _ in order})


def test_jobs_of_mail_that_comes_in_go_first(resolver):
    arrive(resolver, mail("root"))
    become(resolver, queue_default=4)
    ask(resolver)
    with psycopg.connect(resolver.url, autocommit=True) as owner:
        owner.execute("INSERT INTO resolver.job (targets, cause) VALUES ('{}', 'target')")
    with closing(Database(resolver.url, "resolver")) as database:
        JobWorker(database, resolver.blobs, lambda: resolver.settings).step()

    assert [("redecide",)] == resolver.rows("SELECT cause FROM resolver.job")


def test_a_worker_that_does_not_know_the_settings_yet_waits_for_them(resolver, monkeypatch):
    monkeypatch.setattr(jobs, "RETRY_SECONDS", 0.0)
    arrive(resolver, mail("root"))
    ask(resolver, version=2)
    with closing(Database(resolver.url, "resolver")) as database:
        worker = JobWorker(database, resolver.blobs, lambda: resolver.settings)
        assert worker.step()
        assert {"root": "accepted"} == resolver.outcomes()
        become(resolver, queue_default=4)
        while worker.step():
            pass

    assert {"root": "NoCorrelationMatch"} == resolver.outcomes()


def test_what_a_person_has_filed_stays(resolver):
    arrive(resolver, mail("root"))
    resolver.regarding("case/1")
    resolver.jobs()
    become(resolver, queue_default=4)

    assert {} == differences(resolver)
    ask(resolver)
    resolver.jobs()
    assert {"root": "accepted"} == resolver.outcomes()


def test_mail_whose_content_is_gone_keeps_its_decision(resolver):
    arrive(resolver, mail("root"), mail("other", to="anna@own.example"))
    for (sha256,) in resolver.rows("SELECT encode(blob_sha256, 'hex') FROM resolver.delivery"):
        resolver.blobs.path(sha256).unlink()
    become(resolver, user_default=0, queue_default=4)
    before = resolver.dump()
    ask(resolver)
    resolver.jobs()

    assert before == resolver.dump()


def test_a_lower_limit_withdraws_and_a_higher_one_files(resolver):
    arrive(resolver, mail("root"))
    for largest, outcome in ((10, "TooLarge"), (10_000, "accepted")):
        resolver.settings = replace(resolver.settings, largest=largest)
        ask(resolver)
        resolver.jobs()
        assert {"root": outcome} == resolver.outcomes()


def test_a_duplicate_stays_one(resolver):
    resolver.resolve(resolver.record(mail("root"), uid=1), resolver.record(mail("root"), uid=2))
    before = resolver.dump()

    assert {} == differences(resolver)
    ask(resolver)
    resolver.jobs()
    assert before == resolver.dump()


def test_deciding_again_under_the_same_settings_writes_nothing(resolver):
    arrive(resolver, CONVERSATION[2], CONVERSATION[1], CONVERSATION[0], mail("one", answers=["two"]),
           mail("two", answers=["one"]))  # fmt: skip
    before, events = resolver.dump(), resolver.events()
    ask(resolver)
    resolver.jobs()

    assert (before, events) == (resolver.dump(), resolver.events())


@pytest.fixture(scope="module")
def place(stack, migrated_in_stack, tmp_path_factory):
    return stack.config.postgres, migrated_in_stack, tmp_path_factory


RULE = "folder-rule/f"
names = st.sampled_from(["a", "b", "c", "d"])
conversations = st.lists(
    st.tuples(names, st.lists(names, max_size=2), st.sampled_from(["anna", "support"]), st.sampled_from(["", RULE])),
    min_size=1, max_size=6, unique_by=lambda one: one[0],
)  # fmt: skip
filters = st.fixed_dictionaries({"user_default": st.integers(0, 4), "queue_default": st.integers(0, 4)})


rules = st.sampled_from([{}, {RULE: RecordRef("case", "1")}, {RULE: RecordRef("case", "2")}])


@settings(max_examples=12, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    found=conversations, before=st.tuples(filters, rules), after=st.tuples(filters, rules), at_once=st.integers(1, 3)
)
def test_in_whatever_jobs_it_comes_to_what_the_dry_run_says(place, found, before, after, at_once):
    """Answers and what they answer fall into different jobs, in any order; afterwards a dry run finds no difference."""
    server, template, folders = place
    with opened(server, template, folders.mktemp("again")) as resolver, pytest.MonkeyPatch.context() as patch:
        patch.setattr(redecisions, "MESSAGES_AT_ONCE", at_once)
        resolver.settings = replace(resolver.settings, policy=Policy(version=1, **before[0]), rules=before[1])
        for hour, (name, on, to, by) in enumerate(found):
            one = mail(name, answers=[other for other in on if other != name], to=f"{to}@own.example")
            resolver.resolve(resolver.record(one, tracked_by=by, hour=hour))
        resolver.jobs()
        become(resolver, **after[0])
        resolver.settings = replace(resolver.settings, rules=after[1])
        told = differences(resolver)
        was = resolver.outcomes()
        ask(resolver)
        resolver.jobs()

        assert {} == differences(resolver)
        assert {n for n, kinds in told.items() if {"accepted", "rejected", "reason"} & set(kinds)} == {
            n for n, outcome in resolver.outcomes().items() if outcome != was[n]
        }
        assert {n for n, outcome in resolver.outcomes().items() if outcome == "accepted"} == set(answers(resolver))


def test_what_a_redecision_refuses_waits_for_all_its_addresses(resolver: Resolver):
    """As any refused mail does: accepted, it waited for those of its unresolved parties alone."""
    arrive(resolver, mail("root"))
    become(resolver, queue_default=4)
    ask(resolver)
    resolver.jobs()
    assert {"root": "NoCorrelationMatch"} == resolver.outcomes()
    become(resolver, user_default=0)

    resolver.directory({"type": "user", "id": "eve", "addresses": ["support@own.example"]})
    with closing(Database(resolver.url, "resolver")) as database:
        while LateResolution(database, lambda: resolver.settings).step():
            pass
    resolver.jobs()

    assert {"root": "accepted"} == resolver.outcomes()
