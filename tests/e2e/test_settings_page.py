"""Rows of the settings page that say what becomes of mail and what is told, changed on a running pipeline."""

import json
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg
import pytest

from services.contracts import encode
from services.domain.alert_codes import kind_of
from services.runtime.producer import Producer
from services.runtime.records import Output
from tests.e2e import store
from tests.e2e.conftest import ANNA, BEN, KIM, LEE, SUPPORT, Company
from tests.e2e.mails import mail
from tests.e2e.settings_page import changes, set_now, setting
from tests.e2e.test_alerts import alerts, until
from tests.e2e.test_mail import activities, explained
from tests.e2e.topics import records

pytestmark = pytest.mark.e2e


@changes("Correlation by headers")
def test_replies_are_correlated_by_headers_while_the_switch_is_on(company: Company):
    """What comes after every service knows the switch is decided under it, or under a later version."""
    root, cut, joined = (f"{name}@headers.example" for name in ("root", "cut", "joined"))
    company.pipeline.append(SUPPORT, mail(root, from_=KIM, to=SUPPORT))
    company.pipeline.wait()
    with setting(company, tracking__headers=False) as version:
        company.pipeline.append(SUPPORT, mail(cut, from_=KIM, to=SUPPORT, in_reply_to=root, minute=1))
        company.pipeline.wait()
    company.pipeline.append(SUPPORT, mail(joined, from_=KIM, to=SUPPORT, in_reply_to=root, minute=2))
    company.pipeline.wait()

    found = activities(company, "headers.example")
    assert ("None", "InReplyTo") == tuple(found[one]["correlation"]["method"] for one in (cut, joined))
    (told,) = explained(company, cut)
    assert [True] == [d["settings_version"] >= version for d in told["deliveries"]]


@changes("Unresolved when several records match")
def test_an_address_of_two_records_is_left_unresolved_while_the_switch_is_on(company: Company, tmp_path: Path):
    both = "both@customer.example"
    file = tmp_path / "both.jsonl"
    records = [{"type": "contact", "id": f"both-{n}", "name": "B", "addresses": [both]} for n in (1, 2)]
    file.write_text("".join(json.dumps(record) + "\n" for record in records), "utf-8")
    company.pipeline.mailweave("directory", "apply", file)
    with setting(company, resolve__unresolveOnMultiple=True):
        company.pipeline.append(SUPPORT, mail("on@several.example", from_=KIM, to=SUPPORT, cc=both))
        company.pipeline.wait()
    company.pipeline.append(SUPPORT, mail("off@several.example", from_=KIM, to=SUPPORT, cc=both, minute=1))
    company.pipeline.wait()

    found = activities(company, "several.example")
    resolved = {
        name: [len(p["records"]) for p in found[f"{name}@several.example"]["parties"] if p["role"] == "cc"]
        for name in ("on", "off")
    }
    assert {"on": [0], "off": [2]} == resolved


@changes("Apply the same address to all unresolved matches")
def test_what_a_person_says_of_an_address_counts_for_all_mail_while_the_switch_is_on(company: Company, tmp_path: Path):
    """It is taken back the same way, and is kept with who said it and why."""
    for name in ("all", "one"):
        file = tmp_path / f"{name}.jsonl"
        shared = [
            {"type": kind, "id": f"{name}-{kind}", "name": "S", "addresses": [f"{name}@shared.example"]}
            for kind in ("contact", "account")
        ]
        file.write_text("".join(json.dumps(record) + "\n" for record in shared), "utf-8")
        company.pipeline.mailweave("directory", "apply", file)
    with setting(company, resolve__unresolveOnMultiple=True):
        given = [(f"{name}-{n}@apply.example", f"{name}@shared.example") for name in ("all", "one") for n in (1, 2)]
        mails = [mail(one, from_=KIM, to=SUPPORT, cc=cc, minute=at) for at, (one, cc) in enumerate(given)]
        company.pipeline.append(SUPPORT, *mails)
        company.pipeline.wait()

        said(company, "resolve", "all-1@apply.example", "all@shared.example", "contact/all-contact")
        until(lambda: behind(company, "all") == ["all-contact", "all-contact"])
        with setting(company, resolve__unresolveOnMultiple=True, resolve__applyToAll=False):
            said(company, "resolve", "one-2@apply.example", "one@shared.example", "contact/one-contact")
            until(lambda: behind(company, "one") == ["", "one-contact"])
        set_now(company, resolve__unresolveOnMultiple=True)
        said(company, "unresolve", "all-2@apply.example", "all@shared.example")
        until(lambda: behind(company, "all") == ["", ""])

    assert ["", "one-contact"] == behind(company, "one")
    (told,) = explained(company, "all-2@apply.example")
    assert [("mira", "as she says", "mira")] == [
        (r["author"], r["reason"], r["taken_back"]) for r in told["resolutions"][:1]
    ]
    shown = company.pipeline.mailweave("explain", "one-2@apply.example").stdout
    assert "mira said that one@shared.example is contact/one-contact in this mail (as she says)." in shown


def said(company: Company, kind: str, message_id: str, *given: str) -> None:
    ((activity),) = stored(company, message_id)
    why = ("--author", "mira", "--reason", "as she says", "--wait")
    assert "Done." in company.pipeline.mailweave(kind, activity["id"], *given, *why).stdout


def behind(company: Company, name: str) -> list[str]:
    """Who is behind the shared address, in the two mails of that name."""
    found = activities(company, "apply.example")
    return [
        " ".join(
            ref["id"]
            for party in found[f"{name}-{n}@apply.example"]["parties"]
            if party["role"] == "cc"
            for ref in party["records"]
        )
        for n in (1, 2)
    ]


def raised(company: Company, code: str, about: str) -> None:
    """Signal that something is wrong; one after the other, as they have one key on the topic."""
    value = {
        "object": f"mailbox/{about}", "code": code, "direction": "incoming", "state": "raised",
        "observed": datetime.now(UTC), "fence": None, "detail": "",
    }  # fmt: skip
    with closing(Producer(company.pipeline.environ["MAILWEAVE_KAFKA"], "settings-page")) as producer:
        producer.send_all([Output("alert-signals", b"settings page", encode("AlertSignal", value))])


ROWS = {"error": "host_unknown", "warning": "folder_unknown", "information": "mail_unparsed"}


@pytest.mark.parametrize("level", sorted(ROWS))
@changes("Alerts: error", "Alerts: warning", "Alerts: information")
def test_alerts_of_a_level_are_made_while_its_switch_is_on(company: Company, level: str):
    code, other = ROWS[level], ROWS["warning" if level == "error" else "error"]
    assert level == kind_of(code).level
    with setting(company, **{f"alerts__{level}": False}):
        raised(company, code, f"off-{level}@own.example")
        raised(company, other, f"after-{level}@own.example")
        until(lambda: alerts(company, other, f"after-{level}@own.example"))
        assert [] == alerts(company, code, f"off-{level}@own.example")
    raised(company, code, f"on-{level}@own.example")

    assert until(lambda: alerts(company, code, f"on-{level}@own.example"))
    for alert in (*alerts(company, code, f"on-{level}"), *alerts(company, other, f"after-{level}")):
        company.pipeline.mailweave("alerts", "resolve", alert["id"])


def test_the_largest_mail_is_what_the_setting_says(company: Company):
    large = b"x" * 1_200_000
    with setting(company, message__maxMb=1):
        company.pipeline.append(SUPPORT, mail("over@size.example", from_=KIM, to=SUPPORT, attachment=large))
        company.pipeline.wait()
    company.pipeline.append(SUPPORT, mail("under@size.example", from_=KIM, to=SUPPORT, attachment=large, minute=1))
    company.pipeline.wait()

    assert {"under@size.example"} == set(activities(company, "size.example"))
    (told,) = explained(company, "over@size.example")
    assert ["TooLarge"] == [d["outcome"] for d in told["deliveries"]]


def test_the_filter_of_users_that_have_set_none_is_what_the_setting_says(company: Company):
    with setting(company, filter__userDefault=0):
        company.pipeline.append(ANNA, mail("all@filters.example", from_=LEE, to=ANNA))
        company.pipeline.wait()
    company.pipeline.append(ANNA, mail("answers@filters.example", from_=LEE, to=ANNA, minute=1))
    company.pipeline.wait()

    assert {"all@filters.example"} == set(activities(company, "filters.example"))


def test_what_a_rejection_says_is_kept_as_long_as_the_setting_says(company: Company):
    """Two days later: the reason stays, the balance holds, and `explain` says in words that the rest is gone."""
    rejected, accepted = "rejected@kept.example", "accepted@kept.example"
    company.pipeline.append(ANNA, mail(rejected, from_=LEE, to=ANNA))
    company.pipeline.append(SUPPORT, mail(accepted, from_=LEE, to=SUPPORT))
    company.pipeline.wait()
    with psycopg.connect(company.postgres) as connection:
        connection.execute(
            "UPDATE resolver.decision x SET decided = decided - interval '2 days' FROM resolver.delivery d"
            " JOIN resolver.message m USING (message_key) WHERE d.id = x.delivery_id AND m.message_id = ANY(%s)",
            ([rejected, accepted],),
        )

    def kept(message_id: str) -> tuple[str, bool, bool]:
        ((told,),) = (one["deliveries"] for one in explained(company, message_id))
        return told["outcome"], told["evidence"] != [], told["forgotten_at"] is not None

    assert [("NoCorrelationMatch", True, False), ("accepted", True, False)] == [kept(rejected), kept(accepted)]
    with setting(company, monitor__itemRetentionDays=1):
        until(lambda: kept(rejected) == ("NoCorrelationMatch", False, True))
        assert ("accepted", True, False) == kept(accepted)
    assert "What was looked at is forgotten" in company.pipeline.mailweave("explain", rejected).stdout
    assert "All is well." in company.pipeline.mailweave("verify").stdout


@changes("Notify mailbox owner")
def test_the_owner_of_a_mailbox_is_told_of_what_is_wrong_with_its_server_while_the_switch_is_on(company: Company):
    """An alert that is open already comes onto the owner's wall too, and leaves it again."""
    address = "notified@own.example"
    server = ("host=127.0.0.1", "port=1", "tls=none", "pollSeconds=1", 'owner={"type":"user","id":"ben"}')
    company.pipeline.mailweave("settings", "set", "server-profile/closed", *server)

    def wall(owner: str) -> list[str]:
        lines = company.pipeline.mailweave("alerts", "--owner", owner, "--json").stdout.splitlines()
        return [a["code"] for a in map(json.loads, lines) if address in a["object"]]

    fields = ("serverProfile=closed", "credential=closed", 'owner={"type":"user","id":"anna"}')
    company.pipeline.mailweave("credential", "set", "closed", "--password-file", company.pipeline.passwords)
    company.pipeline.mailweave("settings", "set", f"mailbox/{address}", f"address={address}", *fields)
    try:
        until(lambda: ["connection_refused"] == wall("user:ben"))
        assert [] == wall("user:anna")
        with setting(company, alerts__notifyMailboxOwner=True):
            until(lambda: ["connection_refused"] == wall("user:anna"))
            assert ["connection_refused"] == wall("user:ben")
        until(lambda: [] == wall("user:anna"))

        def told() -> list[tuple[str, list[str]]]:
            found = [r for _, r in records(company.kafka, "alert-events") if r["object"] == f"mailbox/{address}"]
            return [(r["change"], [ref["id"] for ref in r["addressees"]]) for r in found if r["change"] != "repeated"]

        until(lambda: [("raised", ["ben"]), ("readdressed", ["anna", "ben"]), ("readdressed", ["ben"])] == told())
    finally:
        company.pipeline.mailweave("mailbox", "remove", address)


@changes("Track e-mail between two users as two activities")
def test_mail_between_users_is_one_activity_while_the_switch_is_off(company: Company):
    """Anna's copy was filed first and ends in what Ben has sent; the queue keeps its own, with one item."""
    anna, both = "anna@internal.example", "both@internal.example"
    sent = [mail(anna, from_=BEN, to=ANNA), mail(both, from_=BEN, to=f"{ANNA}, {SUPPORT}", minute=1)]
    with setting(company, internal__twoActivities=False, filter__forceUsers=0):
        for address, folder in ((ANNA, "INBOX"), (BEN, "Sent")):
            company.pipeline.append(address, *sent, folder=folder)
            company.pipeline.wait()

    def ended() -> list[dict[str, Any]]:
        return [event for _, event in records(company.kafka, "activity-events") if event["merged_into"]]

    (last,) = until(ended)
    told = [event for _, event in records(company.kafka, "activity-events")]
    assert (anna, ["merged"], []) == (last["message_id"], last["reasons"], last["deliveries"])
    assert [last["merged_into"]] == [a["id"] for a in stored(company, anna)]
    assert {"incoming", "outgoing"} == {a["direction"] for a in stored(company, both)}
    (queued,) = {str(e["queue_items"]) for e in told if (e["message_id"], e["direction"]) == (both, "incoming")}
    assert str([{"type": "queue", "id": "support"}]) == queued
    outcomes = {d.mailbox: d.outcome for d in store.decisions(company.postgres, anna)[anna][1]}
    assert {ANNA: "InternalIgnored", BEN: "accepted"} == outcomes


def stored(company: Company, message_id: str) -> list[dict[str, Any]]:
    lines = company.pipeline.mailweave("activities", "--json").stdout.splitlines()
    return [a for a in map(json.loads, lines) if a["message_id"] == message_id]
