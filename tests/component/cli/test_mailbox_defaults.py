"""Mailboxes by the defaults of the organisation, through the command line, on a real store and broker."""

import pytest

pytestmark = pytest.mark.component

SERVER = ("host=127.0.0.1", "port=1", "tls=none")
SHARED = ("credentialRetrieval=profile", "credential=shared")


@pytest.fixture
def people(desk, insert):
    """A user with two addresses, a queue, one who has left, and a contact."""
    for kind, name, active in (("user", "anna", True), ("queue", "help", True), ("user", "old", False)):
        person(insert, kind, name, active=active)
    person(insert, "contact", "kim", active=True)
    insert("resolver.directory_address", address="aa@own.example", type="user", id="anna")
    desk.run("settings", "set", "server-profile/main", *SERVER)


def person(insert, kind, name, *, active):
    insert(
        "resolver.directory_record", type=kind, id=name, name=name, active=active, partition=0, offset=0
    )  # fmt: skip
    insert("resolver.directory_address", address=f"{name}@own.example", type=kind, id=name)


def boxes(desk):
    return {one["address"]: one for one in desk.json("mailbox", "list")}


def test_without_a_template_nobody_is_given_a_mailbox(desk, people):
    refused = desk.run("mailbox", "create-missing", "--all")

    assert (2, True) == (refused.exit_code, "defaults.serverProfileId is null" in refused.stderr)
    assert 0 == desk.run("settings", "set", "principal/user:anna", "filter=0").exit_code
    assert {} == boxes(desk)


def test_each_user_and_queue_gets_one_mailbox_once_by_the_template(desk, people):
    desk.run("settings", "set", "organization", "defaults.serverProfileId=main", "defaults.outgoing=none")

    made = desk.run("mailbox", "create-missing", "--all")

    assert "2 mailboxes made: mailbox/aa@own.example, mailbox/help@own.example." in made.stdout, made.stderr
    anna = boxes(desk)["aa@own.example"]
    assert ("main", "sss", "none", False) == tuple(
        anna[k] for k in ("serverProfile", "incoming", "outgoing", "approved")
    )
    assert {"type": "user", "id": "anna"} == anna["owner"]
    assert "Nobody of them is without a mailbox." in desk.run("mailbox", "create-missing", "--all").stdout


def test_mail_options_of_a_user_bring_its_mailbox_and_a_removed_one_does_not_come_back(desk, people):
    desk.run("settings", "set", "organization", "defaults.serverProfileId=main")

    desk.run("settings", "set", "principal/user:anna", "filter=0")
    assert ["aa@own.example"] == list(boxes(desk))

    desk.run("mailbox", "remove", "aa@own.example")
    desk.run("settings", "set", "principal/user:anna", "filter=1")
    assert [] == list(boxes(desk))


def test_what_a_made_mailbox_waits_for_is_said(desk, people):
    desk.run("settings", "set", "organization", "defaults.serverProfileId=main")
    desk.run("mailbox", "create-missing", "queue:help")
    assert "waits for approval" in desk.run("mailbox", "show", "help@own.example").stdout

    assert "approved, but not read: it waits" in desk.run("mailbox", "approve", "help@own.example").stdout
    assert "waits for a credential" in desk.run("mailbox", "show", "help@own.example").stdout

    desk.run("settings", "set", "server-profile/main", *SHARED)
    assert "waits" not in desk.run("mailbox", "show", "help@own.example").stdout


def test_defaults_are_copied_onto_mailboxes_after_they_were_shown(desk, people):
    desk.run("settings", "set", "organization", "defaults.serverProfileId=main")
    desk.run("mailbox", "create-missing", "--all")
    desk.run("settings", "set", "organization", "defaults.incoming=client")

    shown = desk.run("mailbox", "apply-defaults", "--all", "--dry-run")
    assert 'mailbox/aa@own.example incoming: "sss" → "client"' in shown.stdout
    assert "2 mailboxes would change." in shown.stdout
    assert {"sss"} == {one["incoming"] for one in boxes(desk).values()}

    done = desk.run("mailbox", "apply-defaults", "aa@own.example", "--reason", "new rule")
    assert 0 == done.exit_code, done.stderr
    assert "client" == boxes(desk)["aa@own.example"]["incoming"]
    assert "sss" == boxes(desk)["help@own.example"]["incoming"]
    assert "new rule" in desk.run("settings", "history", "mailbox/aa@own.example").stdout
    assert "Nothing to change." in desk.run("mailbox", "apply-defaults", "aa@own.example").stdout


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((), "say which mailboxes"),
        (("--all", "x@y.z"), "say which mailboxes"),
        (("--profile", "n"), "no server profile"),
    ],
)
def test_whose_defaults_are_meant_must_be_said(desk, people, arguments, said):
    refused = desk.run("mailbox", "apply-defaults", *arguments)

    assert (2, True) == (refused.exit_code, said in refused.stderr)
