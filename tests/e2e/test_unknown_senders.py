"""The CRM is asked for a record of an unknown sender, makes it, and the mail finds it."""

from typing import Any

import pytest

from tests.e2e.conftest import SUPPORT, Company
from tests.e2e.mails import mail
from tests.e2e.test_alerts import until
from tests.e2e.test_late_resolution import reasons
from tests.e2e.test_mail import activities, explained
from tests.e2e.test_new_mailboxes import pushed
from tests.e2e.topics import records

pytestmark = pytest.mark.e2e

LENA = "Lena <lena@unknown.example>"


def requests(company: Company, domain: str) -> list[dict[str, Any]]:
    return [one for _, one in records(company.kafka, "record-requests") if one["address"].endswith(f"@{domain}")]


def test_a_contact_is_asked_for_once_and_found_when_the_crm_has_made_it(company: Company):
    names = [f"{n}@unknown.example" for n in range(6)]
    robot = "robot@unknown.example"
    company.pipeline.append(
        SUPPORT,
        *(mail(name, from_=LENA, to=SUPPORT, minute=n, subject=f"Matter {n}") for n, name in enumerate(names)),
        mail(robot, from_="noreply@unknown.example", to=SUPPORT, minute=7, subject="Your order"),
    )
    company.pipeline.wait()

    (asked,) = until(lambda: requests(company, "unknown.example"))
    assert ("contact", "lena@unknown.example", "Lena") == (asked["type"], asked["address"], asked["name"])
    pushed(company, asked["type"], "lena", asked["address"])
    until(lambda: all(["parties"] in reasons(company, name) for name in names))

    found = activities(company, "unknown.example")
    senders = {
        name: [r["id"] for p in found[name]["parties"] if p["role"] == "from" for r in p["records"]] for name in names
    }
    assert {name: ["lena"] for name in names} == senders
    assert 1 == len(requests(company, "unknown.example"))
    assert 1 == sum(told["record_request"] is not None for name in names for told in explained(company, name))
    shown = company.pipeline.mailweave("explain", robot).stdout
    assert "No record is asked for, for the sender: the address is not a person's." in shown
