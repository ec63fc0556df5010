"""Mail that lies in real mailboxes becomes activities, and every delivery has its decision."""

import json
from typing import Any

import pytest

from tests.e2e import store
from tests.e2e.conftest import ANNA, BEN, KIM, LEE, SUPPORT, Company
from tests.e2e.mails import mail

pytestmark = pytest.mark.e2e


def activities(company: Company, domain: str) -> dict[str, dict[str, Any]]:
    """The activities whose Message-ID is of this domain, by Message-ID."""
    lines = company.pipeline.mailweave("activities", "--json").stdout.splitlines()
    found = [json.loads(line) for line in lines]
    return {a["message_id"]: a for a in found if a["message_id"].endswith(f"@{domain}")}


def explained(company: Company, message_id: str) -> list[dict[str, Any]]:
    lines = company.pipeline.mailweave("explain", message_id, "--json").stdout.splitlines()
    return [json.loads(line) for line in lines]


def test_replies_join_their_conversation(company: Company):
    """In-Reply-To gives the parent; References alone gives the conversation, but no parent."""
    root, reply, later = "root@join.example", "reply@join.example", "later@join.example"
    company.pipeline.append(SUPPORT, mail(root, from_=KIM, to=SUPPORT))
    company.pipeline.append(
        ANNA,
        mail(reply, from_=KIM, to=ANNA, in_reply_to=root, references=[root], minute=1),
        mail(later, from_=LEE, to=ANNA, references=[root, reply], minute=2, attachment=b"abc"),
    )
    company.pipeline.wait()

    found = activities(company, "join.example")
    assert {root, reply, later} == set(found)
    assert 1 == len({a["thread_id"] for a in found.values()})
    told = ("method", "activity_id", "message_id")
    answers = {name: tuple(found[name]["correlation"][one] for one in told) for name in found}
    assert ("None", None, None) == answers[root]
    assert ("InReplyTo", found[root]["id"], root) == answers[reply]
    assert found[root]["id"] == found[reply]["parent_activity_id"]
    assert ("References", found[reply]["id"], reply) == answers[later]
    assert found[later]["parent_activity_id"] is None
    assert {"type": "queue", "id": "support"} == found[root]["accepted_by"]
    assert {"type": "user", "id": "anna"} == found[later]["accepted_by"]
    (sender,) = [p for p in found[root]["parties"] if p["role"] == "from"]
    assert [{"type": "contact", "id": "kim"}] == sender["records"]
    assert [("big.bin", 3)] == [(a["name"], a["size"]) for a in found[later]["attachments"]]


def test_one_mail_in_three_mailboxes_is_one_activity(company: Company):
    """Each mailbox's delivery has a decision; the activity belongs to the first acceptor of the To line."""
    shared = mail("shared@three.example", from_=KIM, to=f"{SUPPORT}, {ANNA}", cc=BEN)
    for address in (ANNA, BEN, SUPPORT):
        company.pipeline.append(address, shared)
    company.pipeline.wait()

    (activity,) = activities(company, "three.example").values()
    assert [ANNA, BEN, SUPPORT] == [d["mailbox"] for d in activity["deliveries"]]
    assert {"type": "queue", "id": "support"} == activity["accepted_by"]
    (told,) = explained(company, "shared@three.example")
    assert ["accepted"] * 3 == [d["outcome"] for d in told["deliveries"]]


def test_the_same_mail_twice_in_one_folder_is_a_duplicate(company: Company):
    twice = mail("twice@duplicate.example", from_=KIM, to=SUPPORT)
    company.pipeline.append(SUPPORT, twice, twice)
    company.pipeline.wait()

    (told,) = explained(company, "twice@duplicate.example")
    assert ["Duplicate", "accepted"] == sorted(d["outcome"] for d in told["deliveries"])
    assert 1 == len(activities(company, "duplicate.example"))


def test_mail_for_nobody_is_decided_and_keeps_no_content(company: Company):
    company.pipeline.append(ANNA, mail("halls@nobody.example", from_=LEE, to="all@elsewhere.example"))
    company.pipeline.wait()

    (told,) = explained(company, "halls@nobody.example")
    (delivery,) = told["deliveries"]
    assert "NoRecipientMatch" == delivery["outcome"]
    assert told["subject"] is None
    assert any(piece["kind"] == "filter" for piece in delivery["evidence"])
    assert delivery["settings_version"] > 0
    assert delivery["code_version"]
    assert not activities(company, "nobody.example")


def test_a_copied_message_id_is_a_second_flagged_message(company: Company):
    """A forged copy neither swallows the real mail nor lends itself to the real mail's replies."""
    real, reply = "real@copied.example", "reply@copied.example"
    company.pipeline.append(SUPPORT, mail(real, from_=KIM, to=SUPPORT))
    company.pipeline.append(ANNA, mail(reply, from_=KIM, to=ANNA, in_reply_to=real, minute=5))
    company.pipeline.append(BEN, mail(real, from_="mallory@forged.example", to=f"{BEN}, {SUPPORT}", subject="Pay"))
    company.pipeline.wait()

    told = explained(company, real)
    assert 2 == len(told)
    assert all(one["flagged"] for one in told)
    by_sender = store.rows(
        company.postgres,
        """SELECT p.address, a.subject FROM resolver.activity a JOIN resolver.message m USING (message_key)
             JOIN resolver.party p ON p.activity_id = a.id AND p.role = 'from'
            WHERE m.message_id = %s ORDER BY p.address""",
        real,
    )
    assert [("kim@customer.example", "Order 4711"), ("mallory@forged.example", "Pay")] == by_sender
    (answered,) = store.rows(
        company.postgres,
        """SELECT p.address FROM resolver.activity a JOIN resolver.message m USING (message_key)
             JOIN resolver.party p ON p.activity_id = a.correlated AND p.role = 'from' WHERE m.message_id = %s""",
        reply,
    )
    assert ("kim@customer.example",) == answered
