"""A CRM pushes a contact after the mail has come: old mail finds it, by one event for each changed activity."""

import imaplib
from pathlib import Path

import pytest

from services.storage.blobs import BlobFolder
from tests.conftest import PASSWORD
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


def raw(company: Company, message_id: str) -> Path:
    """Where the raw mail of a message lies, or would lie."""
    ((sha256,),) = store.rows(
        company.postgres,
        "SELECT encode(d.blob_sha256, 'hex') FROM resolver.delivery d JOIN resolver.message m USING (message_key)"
        " WHERE m.message_id = %s",
        message_id,
    )
    return BlobFolder(company.pipeline.config.blobs).path(sha256)


def delete(company: Company, address: str, message_id: str) -> None:
    """Delete a mail on its server."""
    host, _, port = company.pipeline.environ["MAILWEAVE_IMAP"].rpartition(":")
    with imaplib.IMAP4(host, int(port)) as client:
        client.login(address, PASSWORD)
        client.select("INBOX")
        (found,) = client.search(None, "HEADER", "Message-ID", f"<{message_id}>")[1]
        client.store(found.decode(), "+FLAGS", "\\Deleted")
        client.expunge()


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


def test_a_refused_mail_whose_raw_mail_is_gone_is_fetched_again_from_its_server(company: Company):
    """And one that is deleted there, too, says that its content is gone."""
    lies, deleted = "lies@again.example", "deleted@again.example"
    with setting(company, filter__userDefault=2):
        for name in (lies, deleted):
            company.pipeline.append(ANNA, mail(name, from_="Ro <ro@again.example>", to=ANNA, subject=name))
        company.pipeline.wait()
        for name in (lies, deleted):
            assert "NoCorrelationMatch" == outcome(company, name)
            raw(company, name).unlink()
        delete(company, ANNA, deleted)

        pushed(company, "contact", "ro", "ro@again.example")
        until(lambda: (outcome(company, lies), outcome(company, deleted)) == ("accepted", "ContentGone"))

    assert raw(company, lies).exists()
    assert not raw(company, deleted).exists()
    company.pipeline.mailweave("verify")


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
