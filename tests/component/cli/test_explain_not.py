"""`mailweave explain --not`: what would have had to be true for a record, from what is kept of a mail."""

from pathlib import Path

import pytest

from services.resolver.policy import settings_of
from services.settings import publisher
from services.storage.blobs import BlobFolder
from tests.component.resolver import conftest as records
from tests.component.resolver.conftest import Resolver, mail

pytestmark = pytest.mark.component


ANNA = "anna@own.example"
SETTINGS = {
    "server-profile/s": {"host": "h", "port": 993},
    f"mailbox/{ANNA}": {
        "address": ANNA,
        "serverProfile": "s",
        "user": "u",
        "credential": "c",
        "owner": {"type": "user", "id": "anna"},
    },
    "folder-rule/f": {"mailbox": ANNA, "folder": "Case 2", "regarding": {"type": "case", "id": "2"}},
}


@pytest.fixture
def decided(desk, monkeypatch) -> Resolver:
    """The queue's root, filed under a case, an answer to it, and a mail of Anna's, who takes responses only."""
    monkeypatch.setattr(records, "KEY", desk.config.hash_key)
    publisher.publish(desk.config.postgres, SETTINGS, author="t", reason="", base_version=None)
    resolver = Resolver(desk.config.postgres, BlobFolder(Path(desk.environ["MAILWEAVE_BLOBS"])))
    resolver.settings = settings_of(publisher.current(desk.config.postgres))
    resolver.directory(
        {"type": "queue", "id": "support", "addresses": ["support@own.example"]},
        {"type": "user", "id": "anna", "addresses": ["anna@own.example"]},
        {"type": "user", "id": "dora", "addresses": ["dora@own.example"], "active": False},
        {"type": "contact", "id": "kim", "addresses": ["kim@customer.example"]},
    )
    resolver.resolve(resolver.record(mail("root")))
    resolver.regarding("case/1")
    resolver.resolve(
        resolver.record(mail("reply", answers=["root"]), hour=1),
        resolver.record(mail("own", to="anna@own.example", answers=["never"]), hour=2),
    )
    return resolver


def told(desk, name: str, record: str) -> dict[str, tuple[bool, str]]:
    """The answers about one mail by place: whether it is so, and the sentences."""
    (found,) = desk.json("explain", f"{name}@x.example", "--not", record)
    kind, _, ref = record.partition("/")
    assert {"type": kind, "id": ref} == found["record"]
    return {one["place"]: (one["holds"], " ".join(one["sentences"])) for one in found["answers"]}


def test_a_mail_that_was_not_filed_says_what_its_filter_and_its_evidence_lacked(desk, decided):
    assert {"own": "NoCorrelationMatch"}.items() <= decided.outcomes().items()
    holds, said = told(desk, "own", "user/anna")["acceptor"]

    assert not holds
    assert "The filter of user anna would have had to take more than responses (value 0)" in said
    assert "What In-Reply-To says (<never@x.example>) would have had to count, and did not: no stored message" in said
    text = desk.run("explain", "own@x.example", "--not", "user/anna").stdout
    assert "anna@own.example, INBOX, UID" in text
    assert "  Not acceptor:\n    - The filter of user anna would" in text
    assert "kim@customer.example" not in text, "no address of a mail that is not filed"


def test_a_user_who_was_not_asked_is_told_what_would_have_named_him(desk, decided):
    holds, said = told(desk, "reply", "user/anna")["acceptor"]

    assert (False, True) == (
        holds,
        "To or Cc would have had to name an address of user anna (anna@own.example)" in said,
    )
    assert "would have had to be active" in told(desk, "reply", "user/dora")["acceptor"][1]


def test_a_record_is_told_why_no_mail_is_filed_under_it(desk, decided):
    assert (True, "It is filed under case 1: <root@x.example>, which it answers, is filed under it.") == (
        told(desk, "reply", "case/1")["regarding"]
    )
    holds, said = told(desk, "reply", "case/2")["regarding"]
    assert not holds
    assert "a folder whose rule gives case 2: anna@own.example, Case 2." in said
    assert (
        "<root@x.example>, which it answers, would have had to be filed under case 2: it is filed under case 1." in said
    )
    assert "filed at all: it is not (NoCorrelationMatch)" in told(desk, "own", "case/1")["regarding"][1]


def test_a_party_is_told_by_its_roles_or_its_addresses(desk, decided):
    assert (True, "contact kim takes part: from.") == told(desk, "reply", "contact/kim")["party"]
    assert (False, True) == (
        (party := told(desk, "reply", "user/anna")["party"])[0], "anna@own.example; it has none of them" in party[1],
    )  # fmt: skip
    assert "no addresses are kept" in told(desk, "own", "contact/kim")["party"][1]


def test_a_mail_that_is_not_decided_yet_has_no_answers(desk, decided):
    desk.owner.execute("DELETE FROM resolver.decision WHERE outcome <> 'accepted'")

    assert {} == told(desk, "own", "user/anna")
    assert "Not decided yet" in desk.run("explain", "own@x.example", "--not", "user/anna").stdout


def test_the_record_that_has_it_is_said_to_have_it(desk, decided):
    assert (True, "It is filed for queue support.") == told(desk, "root", "queue/support")["acceptor"]


@pytest.mark.parametrize(
    ("record", "says"),
    [
        pytest.param("kim", "names no record. Give it as TYPE/ID", id="no-type"),
        pytest.param("contact/", "names no record", id="no-id"),
        pytest.param("/kim", "names no record", id="empty-type"),
        pytest.param("Contact Kim/1", "names no record", id="words"),
        pytest.param("contact/\x1b[2Jkim", "names no record", id="escape"),
        pytest.param("contact/a\0b", "names no record", id="nul"),
        pytest.param("contact/" + "x" * 201, "names no record", id="long"),
        pytest.param("contact/nobody", "nothing here knows contact/nobody", id="unknown"),
        pytest.param("case/1' OR '1'='1", "nothing here knows", id="quotes"),
    ],
)
def test_what_names_no_record_is_refused(desk, decided, record, says):
    result = desk.run("explain", "reply@x.example", "--not", record)

    assert (2, "", True) == (result.exit_code, result.stdout, says in result.stderr), result.stderr


def test_of_a_rejection_that_is_forgotten_nothing_is_guessed(desk, decided):
    desk.owner.execute("UPDATE resolver.decision SET evidence = '[]', forgotten = now() WHERE outcome <> 'accepted'")

    (found,) = desk.json("explain", "own@x.example", "--not", "user/anna")

    assert ([], True) == (found["answers"], found["forgotten_at"] is not None)
    assert "What was looked at is forgotten" in desk.run("explain", "own@x.example", "--not", "user/anna").stdout
