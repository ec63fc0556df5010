"""What the command line says of mailboxes, from the rows of a real store."""

from datetime import UTC, datetime

import pytest

pytestmark = pytest.mark.component

AT = datetime(2026, 11, 28, 12, tzinfo=UTC)
ADDRESS = "a@x.org"


@pytest.fixture
def added(desk, insert, tmp_path):
    """A mailbox that its server refuses, nine mails behind."""
    password = tmp_path / "password"
    password.write_text("correct horse\n")
    desk.run(
        "mailbox", "add", ADDRESS, "--imap", "127.0.0.1:1", "--user", "a", "--password-file", str(password),
        "--no-check", "--owner", "user:u1",
    )  # fmt: skip
    insert(
        "fetcher.mailbox", mailbox=ADDRESS, fence=3, last_check=AT, next_check=AT.replace(minute=4),
        last_error="the server refuses user name or password", last_error_code="login_refused", error_count=2,
    )  # fmt: skip
    insert(
        "fetcher.mailbox_state", mailbox=ADDRESS, direction="incoming", phase="disabled", reason="login_refused",
        cause="login_refused", since=AT, attempts=2, settings_version=2, test_result="failure", test_detail="refused",
        tested=AT,
    )  # fmt: skip
    for n, (before, after) in enumerate((("testing", "enabled"), ("enabled", "disabled"))):
        insert(
            "fetcher.mailbox_transition", mailbox=ADDRESS, direction="incoming", from_phase=before, to_phase=after,
            reason="", cause=f"cause {n}", time=AT, settings_version=2,
        )  # fmt: skip
    insert("fetcher.cursor", mailbox=ADDRESS, folder_id="i", folder="INBOX", uidvalidity=7, uid=3, uidnext=13)
    return ADDRESS


def test_a_mailbox_is_shown_with_its_state_its_checks_its_backlog_and_its_history(desk, added):
    text = desk.run("mailbox", "show", added).stdout

    for said in (
        "incoming    disabled. The server refuses user name and password, or the access token.",
        "since       2026-11-28 12:00:00 UTC",
        "last check  2026-11-28 12:00:00 UTC",
        "next check  2026-11-28 12:04:00 UTC",
        "last error  the server refuses user name or password",
        "backlog     9 UIDs",
        "last test   failure at 2026-11-28 12:00:00 UTC: refused",
        "cause 1",
        "outgoing    not sent: by its method: nothing is done",
        "approved    yes, by ",
    ):
        assert said in text
    assert text.index("cause 1") < text.index("cause 0")


def test_the_same_as_json(desk, added):
    (shown,) = desk.json("mailbox", "show", added)

    incoming = shown["incoming"]
    assert ("disabled", "login_refused", 2, 9) == (
        incoming["state"], incoming["reason"], incoming["attempts"], incoming["backlog"]
    )  # fmt: skip
    assert {"result": "failure", "detail": "refused", "at": "2026-11-28T12:00:00Z"} == incoming["test"]
    assert ["disabled", "enabled"] == [step["to"] for step in incoming["history"]]
    assert {"state": None, "words": "not sent: by its method: nothing is done"} == shown["outgoing"]
    assert "credential" in shown  # its name, never what it holds
    assert "correct horse" not in str(shown)


def test_the_list_names_states(desk, added):
    assert "disabled (login_refused)" in desk.run("mailbox", "list").stdout
    assert ["disabled"] == [one["state"] for one in desk.json("mailbox", "list")]


def test_a_mailbox_that_no_fetcher_has_seen_is_new(desk, added):
    desk.owner.execute("TRUNCATE fetcher.mailbox CASCADE")
    desk.owner.execute("TRUNCATE fetcher.mailbox_transition")

    text = desk.run("mailbox", "show", added).stdout

    assert "incoming    new: no fetcher has seen it yet" in text
    assert "last check  never" in text
    assert (None, []) == (
        desk.json("mailbox", "show", added)[0]["incoming"]["state"],
        desk.json("mailbox", "show", added)[0]["incoming"]["history"],
    )


def test_what_is_read_besides_its_folders_is_said_and_what_is_not_and_why(desk, added):
    desk.run("settings", "set", "folder-rule/a", f"mailbox={added}", "folder=Kunden")
    desk.run("settings", "set", "folder-rule/b", f"mailbox={added}", "folder=Archiv", "enabled=false")

    text = desk.run("mailbox", "show", added).stdout
    for said in (
        "also read   the Sent folder: yes",
        "also read   Archiv, by folder-rule/b: no: the rule is disabled",
        "also read   Kunden, by folder-rule/a: yes",
    ):
        assert said in text

    desk.run("settings", "set", "organization", "tracking.folderLevel=false", "tracking.sentItems=false")
    text = desk.run("mailbox", "show", added).stdout
    for said in ("the Sent folder: no: tracking.sentItems is off", "folder-rule/a: no: tracking.folderLevel is off"):
        assert said in text


def test_the_rules_of_a_mailbox_go_with_it(desk, added):
    desk.run("settings", "set", "folder-rule/a", f"mailbox={added}", "folder=Kunden")

    assert 0 == desk.run("mailbox", "remove", added).exit_code
    assert "folder-rule" not in desk.run("settings", "export").stdout
