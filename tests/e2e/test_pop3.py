"""A mailbox that is read by POP3 is one like any other: its mail becomes activities, `wait` and `verify` know it."""

import json

import pytest

from tests.e2e.conftest import KIM, Company
from tests.e2e.mails import mail

pytestmark = pytest.mark.e2e


def test_mail_that_is_read_by_pop3_is_filed_once_and_deleted(company: Company):
    shop = "shop@own.example"
    first, second = "first@pop.example", "second@pop.example"
    company.pipeline.add_pop3_mailbox(shop, "--owner", "queue:shop", "--delete")
    company.pipeline.append(shop, mail(first, from_=KIM, to=shop))
    company.pipeline.wait()
    company.pipeline.append(shop, mail(second, from_=KIM, to=shop, in_reply_to=first))
    company.pipeline.wait()

    lines = company.pipeline.mailweave("activities", "--json").stdout.splitlines()
    found = {a["message_id"]: a for a in map(json.loads, lines) if a["message_id"].endswith("@pop.example")}
    assert {first: "None", second: "InReplyTo"} == {key: a["correlation"]["method"] for key, a in found.items()}
    places = [place for a in found.values() for place in a["deliveries"]]
    assert [(shop, "INBOX", None)] * 2 == [(place["mailbox"], place["folder"], place["uid"]) for place in places]
    assert 0 == company.pipeline.pop3_count(shop)
    checked = company.pipeline.mailweave("verify", "--server", "--mailbox", shop)
    assert "All is well." in checked.stdout
