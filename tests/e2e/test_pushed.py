"""Mail that a server pushes becomes an activity, once, whatever way and however often it comes."""

import json
import smtplib
import time
from pathlib import Path

import pytest

from tests.e2e.conftest import KIM, SUPPORT, Company
from tests.e2e.mails import mail

pytestmark = pytest.mark.e2e


def _push(company: Company, content: bytes, to: str = SUPPORT.replace("@", "+orders@")) -> None:
    host, _, port = company.pipeline.environ["MAILWEAVE_LMTP"].rpartition(":")
    with smtplib.LMTP(host, int(port)) as client:
        client.sendmail("kim@customer.example", [to], content)


def _drop(company: Company, content: bytes) -> None:
    """Drop a file and return when it is taken."""
    folder = Path(company.pipeline.environ["MAILWEAVE_INGEST"]) / SUPPORT
    folder.mkdir(exist_ok=True)
    (folder / ".mail.eml").write_bytes(content)
    dropped = (folder / ".mail.eml").rename(folder / "mail.eml")
    end = time.monotonic() + 60
    while dropped.exists():
        assert time.monotonic() < end, "the dropped file is not taken"
        time.sleep(0.1)


def test_pushed_mail_becomes_activities(company: Company):
    first, pushed, dropped = "first@pushed.example", "pushed@pushed.example", "dropped@pushed.example"
    company.pipeline.append(SUPPORT, mail(first, from_=KIM, to=SUPPORT))
    company.pipeline.wait()
    reply = mail(pushed, from_=KIM, to=SUPPORT, in_reply_to=first, minute=1)
    for _ in range(2):
        _push(company, reply)
    _drop(company, reply)
    _drop(company, mail(dropped, from_=KIM, to=SUPPORT, in_reply_to=pushed, minute=2))
    company.pipeline.append(SUPPORT, reply)
    company.pipeline.wait()

    lines = company.pipeline.mailweave("activities", "--json").stdout.splitlines()
    found = {a["message_id"]: a for a in map(json.loads, lines) if a["message_id"].endswith("@pushed.example")}
    assert {first: "None", pushed: "InReplyTo", dropped: "InReplyTo"} == {
        key: a["correlation"]["method"] for key, a in found.items()
    }
    assert [(SUPPORT, "INBOX", None)] == [
        (place["mailbox"], place["folder"], place["uid"]) for place in found[dropped]["deliveries"]
    ]
    (told,) = map(json.loads, company.pipeline.mailweave("explain", pushed, "--json").stdout.splitlines())
    assert ["Duplicate", "accepted"] == sorted(d["outcome"] for d in told["deliveries"])
    assert f"{SUPPORT}, INBOX, no UID" in company.pipeline.mailweave("explain", pushed).stdout
    assert "All is well." in company.pipeline.mailweave("verify", "--server", "--mailbox", SUPPORT).stdout


def test_mail_is_pushed_to_a_mailbox_that_is_read_on_no_server(company: Company):
    address, message = "desk@own.example", "desk@nowhere.example"
    company.pipeline.mailweave("mailbox", "push", address, "--owner", "queue:support", "--wait")
    _push(company, mail(message, from_=KIM, to=SUPPORT), to=address)
    company.pipeline.wait()

    found = map(json.loads, company.pipeline.mailweave("activities", "--json").stdout.splitlines())
    (activity,) = (a for a in found if a["message_id"] == message)
    assert [address] == [place["mailbox"] for place in activity["deliveries"]]
    shown = json.loads(company.pipeline.mailweave("mailbox", "show", address, "--json").stdout)
    assert (None, None) == (shown["incoming"]["state"], shown["incoming"]["last_check"])
    company.pipeline.mailweave("mailbox", "remove", address, "--wait")
