"""A CRM pushes a contact after the mail has come: old mail finds it, by one event for each changed activity."""

from pathlib import Path

import pytest

from tests.e2e import store
from tests.e2e.conftest import ANNA, SUPPORT, Company
from tests.e2e.mails import mail
from tests.e2e.settings_page import setting
from tests.e2e.test_alerts import until
from tests.e2e.test_mail import activities
from tests.e2e.test_new_mailboxes import pushed
from tests.e2e.topics import records

pytestmark = pytest.mark.e2e

STRANGER = "Lin <lin@stranger.example>"


def outcome(company: Company, message_id: str) -> str:
    ((_, [decided]),) = store.decisions(company.postgres, message_id).values()
    return decided.outcome


def reasons(company: Company, message_id: str) -> list[list[str]]:
    told = [event for _, event in records(company.kafka, "activity-events") if event.get("message_id") == message_id]
    return [event["reasons"] for event in sorted(told, key=lambda event: event["version"])]


def test_a_contact_who_comes_late_is_found_by_mail_that_was_filed_and_by_mail_that_was_refused(company: Company):
    filed, refused = "filed@late.example", "refused@late.example"
    with setting(company, filter__userDefault=2):
        company.pipeline.append(SUPPORT, mail(filed, from_=STRANGER, to=SUPPORT))
        company.pipeline.append(ANNA, mail(refused, from_=STRANGER, to=ANNA, subject="Another matter"))
        company.pipeline.wait()
        assert ("accepted", "NoCorrelationMatch") == (outcome(company, filed), outcome(company, refused))

        pushed(company, "contact", "lin", "LIN@Stranger.example")
        until(lambda: outcome(company, refused) == "accepted")
        until(lambda: ["parties"] in reasons(company, filed) and reasons(company, refused))

    senders = {
        name: party["records"]
        for name, activity in activities(company, "late.example").items()
        for party in activity["parties"]
        if party["role"] == "from"
    }
    assert {name: [{"type": "contact", "id": "lin"}] for name in (filed, refused)} == senders
    assert [["created"], ["parties"]] == reasons(company, filed)
    assert [["created"]] == reasons(company, refused)


def test_a_table_of_records_is_taken_over_and_two_of_them_are_merged(company: Company, tmp_path: Path):
    file = tmp_path / "people.csv"
    file.write_text(
        "type;id;name;addresses\ncontact;csv-1;Ann;ann@csv.example\ncontact;csv-2;Ann;ann2@csv.example\n", "utf-8"
    )
    company.pipeline.mailweave("directory", "apply", file)

    company.pipeline.mailweave("directory", "merge", "contact/csv-2", "contact/csv-1")
    until(lambda: not store.rows(company.postgres, "SELECT FROM resolver.merged_record"))
    query = "SELECT address FROM resolver.directory_address WHERE id = 'csv-1' ORDER BY 1"
    assert [("ann2@csv.example",), ("ann@csv.example",)] == store.rows(company.postgres, query)
