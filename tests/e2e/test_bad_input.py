"""Wrong input gets one clear answer; nothing stops, nothing is lost."""

import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from services.cli import stack as local
from tests.conftest import PASSWORD
from tests.e2e import store
from tests.e2e.conftest import KIM, SUPPORT, Company
from tests.e2e.mails import mail

pytestmark = pytest.mark.e2e

REFUSED = 2


@pytest.fixture(autouse=True, scope="module")
def _verified(company: Company) -> Iterator[None]:
    """Whatever was typed in above, the pipeline goes on, and every mail is accounted for."""
    yield
    name = os.urandom(6).hex()
    company.pipeline.append(SUPPORT, mail(f"{name}@goes-on.example", from_=KIM, to=SUPPORT))
    company.pipeline.wait()
    assert [f"{name}@goes-on.example"] == list(store.decisions(company.postgres, f"{name}@goes-on.example"))
    company.pipeline.mailweave("verify")


def _add(company: Company, address: str, passwords: Path, *options: str | Path, imap: str = "") -> tuple[int, str]:
    server = ["--imap", imap or company.pipeline.environ["MAILWEAVE_IMAP"], "--tls", "none"]
    login: list[str | Path] = ["--user", address, "--password-file", passwords]
    done = company.pipeline.mailweave("mailbox", "add", address, *server, *login, *options, check=False)
    return done.returncode, done.stderr


def test_a_wrong_password_is_refused(company: Company, tmp_path: Path):
    wrong = tmp_path / "password"
    wrong.write_text("not the password\n")
    local.add_user(company.pipeline.home, "wrong@own.example", PASSWORD)

    code, said = _add(company, "wrong@own.example", wrong)

    assert REFUSED == code
    assert "password" in said.lower() or "log" in said.lower()
    assert "not the password" not in said
    assert "Traceback" not in said


def test_a_password_that_stops_working_shows_in_the_status(company: Company, tmp_path: Path):
    """The other mailboxes go on (the fixture shows it); ``wait`` says which mailbox is not read."""
    address = "later@own.example"
    company.pipeline.add_mailbox(address, "user:ben")
    local.add_user(company.pipeline.home, address, "another password")
    try:
        company.pipeline.tested(address, check=False)  # a new login
        waited = company.pipeline.mailweave("wait", "--timeout", "5", check=False)
        lines = company.pipeline.mailweave("status", "--json").stdout.splitlines()
    finally:
        company.pipeline.mailweave("mailbox", "remove", address, "--wait")

    assert 1 == waited.returncode
    assert address in waited.stdout
    (row,) = [r for r in map(json.loads, lines) if r["kind"] == "mailbox" and r["mailbox"] == address]
    assert row["last_error"]
    assert "another password" not in row["last_error"]


def test_an_unreachable_host_is_refused(company: Company):
    code, said = _add(company, "far@own.example", company.pipeline.passwords, imap="127.0.0.1:1")

    assert REFUSED == code
    assert "127.0.0.1:1" in said
    assert "Traceback" not in said


def test_an_unknown_folder_is_refused_and_the_known_ones_are_named(company: Company):
    local.add_user(company.pipeline.home, "folders@own.example", PASSWORD)

    code, said = _add(company, "folders@own.example", company.pipeline.passwords, "--folder", "Nowhere")

    assert REFUSED == code
    assert "Nowhere" in said
    assert "INBOX" in said


def test_a_broken_mail_is_decided(company: Company, tmp_path: Path):
    """Bytes that are hardly a mail are taken over, decided and kept."""
    broken = tmp_path / "broken"
    broken.mkdir()
    (broken / "noise.eml").write_bytes(bytes(range(256)) * 40)
    (broken / "torn.eml").write_bytes(
        f"From: {KIM}\r\nTo: {SUPPORT}\r\nMessage-ID: <torn@broken.example>\r\nSubject: =?utf-8?b?/////?= \xff\r\n"
        "Content-Type: multipart/mixed; boundary=x\r\n\r\n--x\r\nContent-Type: text/html; charset=no-such\r\n"
        "Content-Transfer-Encoding: base64\r\n\r\n%%%\r\n--x\r\nContent-Type: multipart/mixed; bound".encode("latin-1")
    )
    count = "SELECT count(*) FROM resolver.decision WHERE current"
    ((before,),) = store.rows(company.postgres, count)

    said = company.pipeline.mailweave("import", broken, "--mailbox", SUPPORT).stdout
    assert "Damaged, kept as it came: <" in said
    company.pipeline.wait()

    assert [(before + 2,)] == store.rows(company.postgres, count)
    ((_, (torn,)),) = store.decisions(company.postgres, "torn@broken.example").values()
    assert "accepted" == torn.outcome


def test_a_large_mail_is_filed(company: Company):
    """40 MB over IMAP, with 29 MB in one attachment, which is more than an attachment may have."""
    attachment = os.urandom(1024) * (29 * 1024)
    raw = mail("large@large.example", from_=KIM, to=SUPPORT, attachment=attachment)
    assert len(raw) > 40_000_000
    company.pipeline.append(SUPPORT, raw)
    company.pipeline.wait()

    ((_, (decided,)),) = store.decisions(company.postgres, "large@large.example").values()
    assert "accepted" == decided.outcome
    attachments = """SELECT t.name, t.size, t.reason FROM resolver.dropped_attachment t
                       JOIN resolver.activity a ON a.id = t.activity_id
                       JOIN resolver.message m USING (message_key) WHERE m.message_id = %s"""
    assert [("big.bin", len(attachment), "TooLarge")] == store.rows(
        company.postgres, attachments, "large@large.example"
    )


@pytest.mark.parametrize(
    ("settings", "named"),
    [
        ({"organization": {"filter.everybody": 1}}, ["organization", "filter.everybody"]),
        ({"organization": {"filter.userDefault": 9}}, ["filter.userDefault", "9", "4"]),
        ({"organisation": {}}, ["organisation"]),
    ],
    ids=["unknown field", "out of bounds", "unknown object"],
)
def test_wrong_settings_are_refused_whole(
    company: Company, tmp_path: Path, settings: dict[str, object], named: list[str]
):
    file = tmp_path / "settings.json"
    file.write_text(json.dumps({"principal/user:ben": {"filter": 4}, **settings}))
    before = company.pipeline.mailweave("settings", "show", "--json").stdout

    done = company.pipeline.mailweave("settings", "apply", file, check=False)

    assert REFUSED == done.returncode
    assert not [word for word in named if word not in done.stderr]
    assert before == company.pipeline.mailweave("settings", "show", "--json").stdout


def test_a_directory_with_a_broken_line_is_refused_whole(company: Company, tmp_path: Path):
    file = tmp_path / "directory.jsonl"
    good = {"type": "contact", "id": "new", "name": "New", "addresses": ["new@customer.example"], "active": True}
    file.write_text(json.dumps(good) + '\n{"type": "contact", "id": \n')

    done = company.pipeline.mailweave("directory", "apply", file, check=False)

    assert REFUSED == done.returncode
    assert "line 2" in done.stderr
    assert [] == store.rows(company.postgres, "SELECT id FROM resolver.directory_record WHERE id = %s", "new")
