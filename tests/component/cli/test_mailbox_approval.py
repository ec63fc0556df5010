"""Approving and rejecting mailboxes through the command line, on a real store and broker."""

import pytest

pytestmark = pytest.mark.component


@pytest.fixture
def added(desk, tmp_path):
    """Add a mailbox with this owner and return its address."""
    password = tmp_path / "password"
    password.write_text("correct horse\n")

    def add(*owner):
        result = desk.run(
            "mailbox", "add", "a@x.org", "--imap", "127.0.0.1:1", "--user", "a", "--password-file", str(password),
            "--no-check", *owner,
        )  # fmt: skip
        assert 0 == result.exit_code, result.stderr
        return "a@x.org"

    return add


def approved(desk):
    return desk.json("mailbox", "list")[0]["approved"]


def test_a_mailbox_that_an_administrator_adds_is_approved(desk, added):
    added("--owner", "user:u1")

    assert approved(desk)


def test_rejecting_is_in_the_history_with_its_reason_and_approving_takes_it_back(desk, added):
    address = added("--owner", "user:u1")

    rejected = desk.run("mailbox", "reject", "A@X.org", "--reason", "unknown to us")
    assert "a@x.org is not approved: nobody connects to it." in rejected.stdout
    assert not approved(desk)
    reason = desk.owner.execute("SELECT reason FROM settings.history ORDER BY version DESC LIMIT 1").fetchone()
    assert ("unknown to us",) == reason

    assert "a@x.org is approved and is read." in desk.run("mailbox", "approve", address).stdout
    assert approved(desk)


def test_adding_a_rejected_mailbox_again_does_not_approve_it(desk, added):
    desk.run("mailbox", "reject", added("--owner", "user:u1"))
    added("--owner", "user:u1")

    assert not approved(desk)


@pytest.mark.parametrize(
    ("owner", "switch"), [((), None), (("--owner", "queue:q"), "approval.queuesOnly=false")], ids=["nobody's", "switch"]
)
def test_rejecting_says_when_no_approval_is_asked_for(desk, added, owner, switch):
    address = added(*owner)
    if switch:
        desk.run("settings", "set", "organization", switch)

    assert "but read all the same" in desk.run("mailbox", "reject", address).stdout


def test_a_mailbox_that_is_not_there_is_refused(desk):
    result = desk.run("mailbox", "approve", "nobody@x.org")

    assert 2 == result.exit_code
    assert "there is no mailbox nobody@x.org" in result.stderr
