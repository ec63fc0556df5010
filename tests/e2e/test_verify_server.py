"""``verify --server`` on real mailboxes, while the pipeline runs."""

import imaplib
import json
from contextlib import closing

import psycopg
import pytest

from tests.conftest import PASSWORD
from tests.e2e.conftest import KIM, Company
from tests.e2e.mails import mail

pytestmark = pytest.mark.e2e

ADDRESS = "audited@own.example"


@pytest.fixture(scope="module")
def audited(company: Company):
    company.pipeline.add_mailbox(ADDRESS, "user:ben")
    company.pipeline.append(ADDRESS, *(mail(f"audit-{n}@x.example", from_=KIM, to=ADDRESS) for n in range(3)))
    company.pipeline.wait()
    yield company
    company.pipeline.mailweave("mailbox", "remove", ADDRESS)


def look(company: Company) -> tuple[int, list[dict[str, object]]]:
    done = company.pipeline.mailweave("verify", "--server", "--mailbox", ADDRESS, "--json", check=False)
    return done.returncode, [json.loads(line) for line in done.stdout.splitlines()]


def flags(company: Company) -> object:
    host, _, port = company.pipeline.environ["MAILWEAVE_IMAP"].rpartition(":")
    client = imaplib.IMAP4(host, int(port))
    with closing(client.socket()):
        client.login(ADDRESS, PASSWORD)
        client.select("INBOX", readonly=True)
        found = client.fetch("1:*", "(UID FLAGS)"), client.response("RECENT")
        client.logout()
    return found


def test_a_mail_that_was_never_taken_is_found_and_the_server_is_left_as_it_was(audited: Company):
    before = flags(audited)
    code, (folder, sent, summary) = look(audited)
    assert ("Sent", 0) == (sent["folder"], sent["on_server"])
    assert (code, folder["on_server"], folder["missing"], summary["ok"]) == (0, 3, 0, True)

    with psycopg.connect(audited.postgres) as connection:
        connection.execute(
            "CREATE TEMP TABLE kept AS SELECT * FROM fetcher.delivery WHERE mailbox = %s AND uid = 2", (ADDRESS,)
        )
        connection.execute("DELETE FROM fetcher.delivery WHERE mailbox = %s AND uid = 2", (ADDRESS,))
        connection.commit()
        try:
            code, said = look(audited)
        finally:
            connection.execute("INSERT INTO fetcher.delivery SELECT * FROM kept")

    problems = {one["problem"]: one["object"] for one in said if "problem" in one}
    assert code == 1
    assert problems["mail not taken"] == f"{ADDRESS} INBOX UID 2"
    assert before == flags(audited)


def test_a_mailbox_that_cannot_be_read_is_said_and_fails(audited: Company):
    done = audited.pipeline.mailweave("verify", "--server", "--mailbox", "nobody@own.example", check=False)

    assert (done.returncode, "Traceback" in done.stderr) == (2, False)


def test_mail_from_before_the_start_date_is_neither_taken_nor_missing(audited: Company):
    company = audited.pipeline
    late = "later@own.example"
    company.add_mailbox(late, "user:ben")
    company.mailweave("settings", "set", f"mailbox/{late}", "receivedAfter=2100-01-01T00:00:00Z", "--wait")
    company.append(late, mail("too-early@x.example", from_=KIM, to=late))
    company.wait()

    done = company.mailweave("verify", "--server", "--mailbox", late, "--json")
    folder, _, summary = (json.loads(line) for line in done.stdout.splitlines())
    company.mailweave("mailbox", "remove", late)

    assert (1, 0, 0, True) == (folder["on_server"], folder["missing"], folder["backlog"], summary["ok"])
    assert "too-early@x.example" not in company.mailweave("activities", "--json").stdout
