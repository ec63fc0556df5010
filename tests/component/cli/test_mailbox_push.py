"""A mailbox that is only pushed to has no server, and is shown, approved and taken back like any other."""

import pytest

pytestmark = pytest.mark.component

ADDRESS = "orders@x.org"


def test_a_mailbox_that_is_only_pushed_to_has_no_server(desk):
    result = desk.run("mailbox", "push", "Orders@X.org", "--owner", "queue:q1")
    assert 0 == result.exit_code, result.stderr

    (one,) = desk.json("mailbox", "list")
    assert ("push", None, None, None) == (one["incoming"], one["serverProfile"], one["user"], one["credential"])
    assert ({"type": "queue", "id": "q1"}, True) == (one["owner"], one["approved"])
    assert "push" == desk.run("mailbox", "list").stdout.split()[-1]
    text = desk.run("mailbox", "show", ADDRESS).stdout
    assert "server      none" in text
    assert "incoming    not read: its mail is pushed here" in text
    assert "push" == desk.json("mailbox", "show", ADDRESS)[0]["methods"]["incoming"]
    assert [] == desk.json("credential", "list")


def test_it_is_approved_but_not_tested(desk):
    desk.run("mailbox", "push", ADDRESS, "--owner", "user:u1")
    assert "nobody connects to it" in desk.run("mailbox", "reject", ADDRESS).stdout
    assert "is approved, but not read: its mail is pushed here" in desk.run("mailbox", "approve", ADDRESS).stdout

    refused = desk.run("mailbox", "test", ADDRESS)
    assert 2 == refused.exit_code
    assert "may not be read or sent for" in refused.stderr


def test_a_mailbox_changes_from_read_to_pushed_and_back(desk, tmp_path):
    (tmp_path / "password").write_text("secret")
    add = [
        "mailbox", "add", ADDRESS, "--imap", "h", "--user", "a", "--password-file", str(tmp_path / "password"),
        "--no-check",
    ]  # fmt: skip
    assert 0 == desk.run(*add, "--owner", "queue:q1").exit_code
    desk.run("mailbox", "reject", ADDRESS)

    assert 0 == desk.run("mailbox", "push", ADDRESS).exit_code
    (pushed,) = desk.json("mailbox", "list")
    assert ("push", None, False) == (pushed["incoming"], pushed["serverProfile"], pushed["approved"])
    assert 0 == desk.run(*add).exit_code
    (read,) = desk.json("mailbox", "list")
    assert ("sss", "h-993-implicit", "a") == (read["incoming"], read["serverProfile"], read["user"])
    assert {"type": "queue", "id": "q1"} == read["owner"] == pushed["owner"]
