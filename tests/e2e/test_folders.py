"""What is read besides the inbox, changed by settings while everything runs."""

import imaplib
import json
from contextlib import closing

import pytest

from tests.conftest import PASSWORD
from tests.e2e.conftest import KIM, Company
from tests.e2e.mails import mail
from tests.e2e.settings_page import setting
from tests.e2e.store import rows
from tests.e2e.test_alerts import until
from tests.e2e.topics import records

pytestmark = pytest.mark.e2e

ADDRESS = "folders@own.example"
STRANGER = "Someone <someone@stranger.example>"


@pytest.fixture(scope="module")
def reading(company: Company):
    company.pipeline.add_mailbox(ADDRESS, "user:ben")
    company.pipeline.wait()
    yield company
    company.pipeline.mailweave("settings", "unset", "organization", "tracking.sentItems", "tracking.folderLevel")
    company.pipeline.mailweave("mailbox", "remove", ADDRESS)


def put(company: Company, name: str, folder: str, *, from_: str = STRANGER, to: str = ADDRESS) -> str:
    company.pipeline.append(ADDRESS, mail(f"{name}@x.example", from_=from_, to=to), folder=folder)
    return f"{name}@x.example"


def decided(company: Company, message_id: str):
    """Return direction, outcome and record of each delivery."""
    return rows(
        company.postgres,
        "SELECT v.direction, d.outcome, a.regarding_type || ':' || a.regarding_id FROM resolver.message m"
        " JOIN resolver.delivery v USING (message_key) JOIN resolver.decision d ON d.delivery_id = v.id AND d.current"
        " LEFT JOIN resolver.activity a ON a.id = d.activity_id WHERE m.message_id = %s ORDER BY v.id",
        message_id,
    )


def change(company: Company, key: str, *fields: str) -> None:
    company.pipeline.mailweave("settings", "set", key, *fields, "--wait")


def test_the_sent_folder_is_read_while_the_switch_is_on(reading: Company):
    change(reading, "organization", "tracking.sentItems=false")
    answer = put(reading, "sent-1", "Sent", from_=ADDRESS, to=KIM)
    reading.pipeline.wait()
    assert [] == decided(reading, answer)
    assert "Sent folder: no: tracking.sentItems is off" in reading.pipeline.mailweave("mailbox", "show", ADDRESS).stdout

    change(reading, "organization", "tracking.sentItems=true")
    reading.pipeline.wait()

    assert ["outgoing"] == [direction for direction, *_ in decided(reading, answer)]


def test_a_folder_with_a_rule_is_tracked_while_folder_level_tracking_is_on(reading: Company):
    """The row "Folder-level tracking"."""
    first = put(reading, "rule-1", "Kunden")
    change(reading, "folder-rule/kunden", f"mailbox={ADDRESS}", "folder=Kunden",
           'regarding={"type": "account", "id": "a-17"}')  # fmt: skip
    reading.pipeline.wait()
    assert [("incoming", "accepted", "account:a-17")] == decided(reading, first)

    change(reading, "organization", "tracking.folderLevel=false")
    second = put(reading, "rule-2", "Kunden")
    reading.pipeline.wait()
    assert [] == decided(reading, second)
    shown = reading.pipeline.mailweave("mailbox", "show", ADDRESS).stdout
    assert "Kunden, by folder-rule/kunden: no: tracking.folderLevel is off" in shown

    change(reading, "organization", "tracking.folderLevel=true")
    reading.pipeline.wait()
    assert [("incoming", "accepted", "account:a-17")] == decided(reading, second)


def test_a_person_takes_away_what_a_folder_gives_unless_the_folder_wins(reading: Company):
    """`tracking.folderWins`, the product's way (domain case 15.16); a change acts on the next word."""
    change(reading, "folder-rule/wins", f"mailbox={ADDRESS}", "folder=Wins",
           'regarding={"type": "account", "id": "a-18"}')  # fmt: skip
    mail_in_it = put(reading, "wins-1", "Wins")
    reading.pipeline.wait()
    take_away = ("regarding", "remove", mail_in_it, "account/a-18", "--reason", "not hers", "--wait")
    with setting(reading, tracking__folderWins=True):
        refused = reading.pipeline.mailweave(*take_away, check=False)
        assert (1, True) == (refused.returncode, "tracking.folderWins is on" in refused.stderr)
        assert [("incoming", "accepted", "account:a-18")] == decided(reading, mail_in_it)

    reading.pipeline.mailweave(*take_away)
    assert [("incoming", "accepted", None)] == decided(reading, mail_in_it)
    assert "until" in reading.pipeline.mailweave("explain", mail_in_it).stdout


def test_a_rule_for_a_mailbox_that_is_not_there_is_refused(reading: Company):
    done = reading.pipeline.mailweave(
        "settings", "set", "folder-rule/x", "mailbox=no@own.example", "folder=A", check=False
    )

    assert (2, True) == (done.returncode, "there is no mailbox/no@own.example" in done.stderr)


def test_a_mail_that_a_person_flags_is_tracked(reading: Company):
    flagged = put(reading, "flagged-1", "INBOX")
    reading.pipeline.wait()
    assert [("incoming", "NoCorrelationMatch", None)] == decided(reading, flagged)

    host, _, port = reading.pipeline.environ["MAILWEAVE_IMAP"].rpartition(":")
    client = imaplib.IMAP4(host, int(port))
    with closing(client.socket()):
        client.login(ADDRESS, PASSWORD)
        client.select("INBOX")
        client.store("*", "+FLAGS", "($MailweaveTracked)")
        client.logout()
    reading.pipeline.tested(ADDRESS)
    reading.pipeline.wait()

    assert [("incoming", "accepted", None)] == decided(reading, flagged)
    assert "because a person has flagged it" in reading.pipeline.mailweave("explain", flagged).stdout


def test_all_folders_that_are_read_are_verified(reading: Company):
    put(reading, "verified-1", "Sent", from_=ADDRESS, to=KIM)
    put(reading, "verified-2", "Angebote")
    change(reading, "organization", "tracking.sentItems=true")
    change(reading, "folder-rule/angebote", f"mailbox={ADDRESS}", "folder=Angebote")
    reading.pipeline.wait()

    done = reading.pipeline.mailweave("verify", "--server", "--mailbox", ADDRESS, "--json")
    folders = {one["folder"]: one for one in map(json.loads, done.stdout.splitlines()) if "folder" in one}

    assert {"INBOX", "Sent", "Angebote"} <= folders.keys()
    assert {0} == {one["missing"] + one["backlog"] for one in folders.values()}


def test_a_folder_that_is_renamed_is_told_of_on_a_topic(reading: Company):
    """Its mails keep their deliveries; whoever keeps their places learns the new ones."""
    given = f"mailbox/{ADDRESS}"
    message = put(reading, "renamed-1", "Before")
    change(reading, given, 'folders=["INBOX", "Before"]')
    reading.pipeline.wait()
    ((delivery,),) = rows(
        reading.postgres,
        "SELECT v.id::text FROM resolver.delivery v JOIN resolver.message m USING (message_key)"
        " WHERE m.message_id = %s",
        message,
    )
    host, _, port = reading.pipeline.environ["MAILWEAVE_IMAP"].rpartition(":")
    with imaplib.IMAP4(host, int(port)) as client:
        client.login(ADDRESS, PASSWORD)
        assert client.rename("Before", "After")[0] == "OK"
    change(reading, given, 'folders=["INBOX", "After"]')

    def told() -> list[tuple[int, str]]:
        found = [value for _, value in records(reading.kafka, "delivery-moved")]
        return [(value["version"], value["folder"]) for value in found if value["delivery_id"] == delivery]

    until(lambda: [(2, "After")] == told())
    change(reading, given, 'folders=["INBOX"]')
