"""A CRM writes users and queues straight onto the topic: each has a mailbox, in the state that the switches say."""

import json
from collections import Counter

import pytest

from services.cli import stack as local
from services.contracts.codec import encode
from services.runtime.producer import Producer
from services.storage.outbox import OutboxRow
from tests.conftest import PASSWORD
from tests.e2e.conftest import Company
from tests.e2e.settings_page import setting
from tests.e2e.test_alerts import until
from tests.e2e.test_settings_page_mailboxes import in_state, shown
from tests.e2e.topics import records

pytestmark = pytest.mark.e2e


def pushed(company: Company, kind: str, name: str, address: str) -> None:
    """Do what a CRM does: produce a record, and run no command."""
    record = {
        "type": kind, "id": name, "name": name, "addresses": [address], "owner": None, "active": True,
        "deleted": False, "merged_into": None,
    }  # fmt: skip
    producer = Producer(company.kafka, "crm")
    try:
        producer.send_all([OutboxRow("directory", f"{kind}/{name}".encode(), encode("DirectoryRecord", record))])
    finally:
        producer.close()


def there(company: Company) -> set[str]:
    return {
        json.loads(line)["address"]
        for line in company.pipeline.mailweave("mailbox", "list", "--json").stdout.splitlines()
    }


@pytest.fixture
def profile(company: Company) -> str:
    """The id of a server profile whose credential opens every mailbox."""
    host, _, port = company.pipeline.environ["MAILWEAVE_IMAP"].rpartition(":")
    at = (f"host={host}", f"port={port}", "tls=none", "pollSeconds=1", "credentialRetrieval=profile", "credential=all")
    company.pipeline.mailweave("credential", "set", "all", "--password-file", company.pipeline.passwords)
    company.pipeline.mailweave("settings", "set", "server-profile/of-the-crm", *at)
    return "of-the-crm"


@pytest.mark.parametrize("kind", ["user", "queue"])
def test_who_is_pushed_onto_the_topic_has_one_mailbox_in_the_state_that_the_switches_say(
    company: Company, profile: str, kind: str
):
    first, second, third = names = [f"crm-{kind}-{n}" for n in (1, 2, 3)]
    address = {name: f"{name}@own.example" for name in names}
    for one in address.values():
        local.add_user(company.pipeline.home, one, PASSWORD)
    try:
        with setting(company, defaults__serverProfileId=profile):
            pushed(company, kind, first, address[first])
            until(lambda: address[first] in there(company) and in_state(company, address[first], "pending_approval"))
            with setting(company, **{f"approval__{kind}sOnly": False}):
                pushed(company, kind, second, address[second])
                until(lambda: address[second] in there(company) and in_state(company, address[second], "enabled"))
            assert {"type": kind, "id": first} == shown(company, address[first])["owner"]

            company.pipeline.mailweave("mailbox", "remove", address[first])
            for name in names:
                pushed(company, kind, name, address[name])
            until(lambda: {address[second], address[third]} <= there(company))
            assert address[first] not in there(company)
        written = [r["key"] for _, r in records(company.kafka, "settings") if r["author"] == "resolver"]
        assert {f"mailbox/{one}": 1 for one in address.values()} == Counter(k for k in written if f"-{kind}-" in k)
    finally:
        for one in address.values():
            company.pipeline.mailweave("mailbox", "remove", one, check=False)
