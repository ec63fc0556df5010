"""`mailweave wait` ends when nothing is left on the way, and says what is left when the time is over."""

import imaplib
import re
import threading
import time
from uuid import uuid4

import pytest

from services.cli import stack as local
from tests.component.cli import rows

pytestmark = pytest.mark.component


def _missing(desk):
    found = {m["missing"]: m["count"] for m in desk.json("wait", "--timeout", "0") if "missing" in m}
    return {what: count for what, count in found.items() if what != "service"}


def test_an_idle_installation_is_done_at_once(desk, insert):
    rows.whole_mail(desk, insert, "a@x")

    result = desk.run("wait", "--timeout", "5")

    assert (0, "Done: 0 folders read to the end, all mail decided.\n") == (result.exit_code, result.stdout)


def test_everything_that_is_missing_is_named(desk, insert):
    rows.fetched(insert)
    insert("resolver.job", targets=[uuid4()], cause="target")
    insert("correlator.outbox", topic="mail-correlated", key=b"k")
    insert("correlator.merge", loser=2, winner=1, version=1, cause=uuid4())

    assert {"decision": 1, "resolver.job": 1, "correlator.outbox": 1, "thread notice": 1} == _missing(desk)
    result = desk.run("wait", "--timeout", "0")
    assert 1 == result.exit_code
    assert "missing: 1 delivery without a decision or dead letter" in result.stdout
    assert "missing: no resolver runs" in result.stdout
    assert re.search(r"not done after \d+ s", result.stderr)


def test_a_dead_letter_is_listed_and_does_not_hold_up(desk, insert):
    delivery = rows.fetched(insert)
    insert(
        "resolver.dead_letter", topic="mail-correlated", partition=0, offset=1, code="handler_error", detail="",
        delivery_id=delivery,
    )  # fmt: skip

    result = desk.run("wait", "--timeout", "5")

    assert 0 == result.exit_code
    assert "1 open dead letter of mail-correlated: handler_error" in result.stdout


def test_a_decision_that_comes_meanwhile_ends_the_wait(desk, insert):
    delivery = rows.fetched(insert)
    key = rows.message(desk, insert, "a@x")

    def decide():
        time.sleep(0.5)
        rows.arrived(insert, delivery, key)
        rows.decided(insert, delivery, "NoRecipientMatch")

    later = threading.Thread(target=decide)
    later.start()
    try:
        assert 0 == desk.run("wait", "--timeout", "30").exit_code
    finally:
        later.join()


def test_a_folder_is_waited_for_until_its_cursor_reaches_what_the_server_has(desk, insert, stack, tmp_path):
    local.add_user(stack.home, "w@example.org", "pw")
    host, _, port = stack.environ["MAILWEAVE_IMAP"].rpartition(":")
    with imaplib.IMAP4(host, int(port)) as client:
        client.login("w@example.org", "pw")
        for _ in range(2):
            client.append("INBOX", "", imaplib.Time2Internaldate(time.time()), b"Subject: x\r\n\r\nx\r\n")
        client.select("INBOX", readonly=True)
        uidvalidity = int(client.response("UIDVALIDITY")[1][0])
    (tmp_path / "password").write_text("pw")
    added = desk.run(
        "mailbox", "add", "w@example.org", "--imap", f"{host}:{port}", "--user", "w@example.org", "--tls", "none",
        "--password-file", str(tmp_path / "password"), "--wait",
    )  # fmt: skip
    assert 0 == added.exit_code, added.stderr

    before = desk.run("wait", "--timeout", "0")
    insert("fetcher.mailbox", mailbox="w@example.org")
    insert("fetcher.cursor", mailbox="w@example.org", folder_id="i", folder="INBOX", uidvalidity=uidvalidity, uid=2)
    after = desk.run("wait", "--timeout", "0")

    assert "missing: w@example.org, INBOX: not read yet, up to 2 mails to take" in before.stdout
    assert "missing: no fetcher runs" in before.stdout
    assert (0, "Done: 2 folders read to the end, all mail decided.\n") == (after.exit_code, after.stdout)


def test_the_folder_of_a_rule_is_waited_for_while_folder_level_tracking_is_on(desk, stack, tmp_path):
    local.add_user(stack.home, "rule@example.org", "pw")
    host, _, port = stack.environ["MAILWEAVE_IMAP"].rpartition(":")
    with imaplib.IMAP4(host, int(port)) as client:
        client.login("rule@example.org", "pw")
        client.create("Kunden")
        client.append("Kunden", "", imaplib.Time2Internaldate(time.time()), b"Subject: x\r\n\r\nx\r\n")
    (tmp_path / "password").write_text("pw")
    added = desk.run(
        "mailbox", "add", "rule@example.org", "--imap", f"{host}:{port}", "--user", "rule@example.org", "--tls", "none",
        "--password-file", str(tmp_path / "password"), "--wait",
    )  # fmt: skip
    assert 0 == added.exit_code, added.stderr
    for folder in ("Kunden", "Gone"):
        key = f"folder-rule/{folder.lower()}"
        made = desk.run("settings", "set", key, "mailbox=rule@example.org", f"folder={folder}")
        assert 0 == made.exit_code, made.stderr

    on = desk.run("wait", "--timeout", "0").stdout
    desk.run("settings", "set", "organization", "tracking.folderLevel=false")
    off = desk.run("wait", "--timeout", "0").stdout

    said = "missing: rule@example.org, Kunden: not read yet, up to 1 mail to take"
    assert (True, False) == (said in on, said in off)
    assert "Gone" not in on


@pytest.mark.parametrize(
    "case", [("wrong", "INBOX", "refuses user name or password"), ("pw", "Nix", "'Nix'")], ids=["password", "folder"]
)
def test_a_wrong_password_or_folder_is_refused(desk, stack, tmp_path, case):
    password, folder, said = case
    local.add_user(stack.home, "w@example.org", "pw")
    (tmp_path / "password").write_text(password)

    result = desk.run(
        "mailbox", "add", "w@example.org", "--imap", stack.environ["MAILWEAVE_IMAP"], "--user", "w@example.org",
        "--tls", "none", "--password-file", str(tmp_path / "password"), "--folder", folder,
    )  # fmt: skip

    assert 2 == result.exit_code
    assert said in result.stderr
    assert [] == desk.json("mailbox", "list")
