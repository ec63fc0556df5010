"""Settings and mailboxes through the command line, on a real store and broker."""

import json
from contextlib import closing

import pytest

from services.fetcher.leases import DUE
from services.storage import credentials, postgres
from services.storage.cache import redis_client
from services.storage.sealing import Secret

pytestmark = pytest.mark.component


def test_a_field_is_set_and_shown(desk):
    assert 0 == desk.run("settings", "set", "organization", "filter.userDefault=0").exit_code

    (shown,) = desk.json("settings", "show", "organization")

    assert (0, 150) == (shown["value"]["filter.userDefault"], shown["value"]["message.maxMb"])
    assert 0 == desk.owner.execute("SELECT count(*) FROM settings.outbox").fetchone()[0]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["organization", "filter.userDefault=9"], "filter.userDefault is 9"),
        (["organization", "filter.usrDefault=1"], "filter.usrDefault"),
        (["organisation", "x=1"], "'organisation' is no settings key"),
    ],
)
def test_a_wrong_field_is_refused_and_nothing_is_published(desk, arguments, said):
    result = desk.run("settings", "set", *arguments)

    assert 2 == result.exit_code
    assert said in result.stderr
    assert 0 == desk.owner.execute("SELECT count(*) FROM settings.history").fetchone()[0]


def test_setting_what_is_set_changes_nothing(desk):
    desk.run("settings", "set", "organization", "filter.userDefault=0")

    assert "Nothing changed" in desk.run("settings", "set", "organization", "filter.userDefault=0").stdout


def test_a_field_has_its_default_again_when_it_is_unset(desk):
    desk.run("settings", "set", "organization", "filter.userDefault=0", "message.maxMb=20")

    assert 0 == desk.run("settings", "unset", "organization", "filter.userDefault").exit_code

    assert "1\n" == desk.run("settings", "get", "organization", "filter.userDefault").stdout
    assert {"message.maxMb": 20} == desk.json("settings", "show", "organization")[0]["set"]
    text = desk.run("settings", "show", "organization").stdout
    assert "message.maxMb = 20\n" in text
    assert "filter.userDefault = 1   (default)\n" in text


@pytest.mark.parametrize("command", [("get",), ("unset",)])
@pytest.mark.parametrize(
    ("key", "field", "said"),
    [("organization", "filter.usrDefault", "has no field"), ("mailbox/a@x", "user", "there is no settings object")],
)
def test_what_is_not_there_is_named_with_what_is(desk, command, key, field, said):
    result = desk.run("settings", *command, key, field)

    assert 2 == result.exit_code
    assert said in result.stderr
    assert "organization" in result.stderr


def test_what_does_not_act_yet_is_stored_and_says_so(desk):
    result = desk.run("settings", "set", "organization", "form.secureFrames=false", "filter.userDefault=0")

    assert 0 == result.exit_code
    assert "Note: form.secureFrames is stored and not yet acting.\n" == result.stderr
    assert "false\n" == desk.run("settings", "get", "organization", "form.secureFrames").stdout


def exported(desk, path, **changes):
    file = json.loads(desk.run("settings", "export").stdout)
    path.write_text(json.dumps({**file, **changes}))
    return file


def test_an_exported_file_can_be_compared_applied_and_is_refused_when_it_is_outdated(desk, tmp_path):
    desk.run("settings", "set", "principal/user:u1", "filter=2")
    file = tmp_path / "settings.json"
    was = exported(desk, file, organization={"message.maxMb": 20})

    assert {"version": 1, "principal/user:u1": {"filter": 2}} == was
    assert "organization message.maxMb: (default) → 20\n" == desk.run("settings", "diff", str(file)).stdout
    assert 0 == desk.run("settings", "apply", str(file)).exit_code
    assert "" == desk.run("settings", "diff", str(file)).stdout
    again = desk.run("settings", "apply", str(file))
    assert (2, "") == (again.exit_code, again.stdout)
    assert "they are at version 2, yours began at 1" in again.stderr


def test_objects_that_come_and_go_are_named(desk, tmp_path):
    file = tmp_path / "settings.json"
    file.write_text('{"principal/user:u1": {}}')
    assert "principal/user:u1 added\n" == desk.run("settings", "diff", str(file)).stdout
    desk.run("settings", "apply", str(file))
    file.write_text('{"principal/user:u1": null}')

    assert "principal/user:u1 removed\n" == desk.run("settings", "diff", str(file)).stdout
    assert ["added"] == [one["object"] for one in desk.json("settings", "diff", "0", "1")]


def test_restoring_keeps_the_former_prefixes(desk):
    for prefix in ("A:", "B:"):
        desk.run("settings", "set", "organization", f"tracking.token.prefix={prefix}")

    desk.run("settings", "restore", "0")

    kept = desk.run("settings", "get", "organization", "tracking.token.prefixHistory").stdout
    assert ["B:", "A:", "CRM:"] == json.loads(kept)


def test_a_change_from_an_outdated_version_is_refused(desk):
    desk.run("settings", "set", "organization", "message.maxMb=20")

    result = desk.run("settings", "set", "organization", "message.maxMb=30", "--base", "0")

    assert 2 == result.exit_code
    assert "yours began at 0" in result.stderr


def test_the_history_tells_who_changed_what_and_why(desk):
    desk.run("settings", "set", "organization", "message.maxMb=20", "--author", "ada", "--reason", "smaller")
    desk.run("settings", "set", "principal/user:u1", "filter=2")
    desk.run("settings", "unset", "organization", "message.maxMb", "--author", "bob\x1b[2J")

    text = desk.run("settings", "history").stdout
    newest, older, first = desk.json("settings", "history")

    assert [3, 2, 1] == [one["version"] for one in (newest, older, first)]
    assert ("ada", "smaller", {"message.maxMb": 20}) == (first["author"], first["reason"], first["value"])
    assert "message.maxMb: (default) → 20" in text
    assert "message.maxMb: 20 → (default)" in text
    assert "\x1b" not in text
    assert [3, 1] == [one["version"] for one in desk.json("settings", "history", "organization")]
    assert [3] == [one["version"] for one in desk.json("settings", "history", "--limit", "1")]


def test_all_is_restored_as_it_was_in_a_new_version(desk):
    desk.run("settings", "set", "organization", "message.maxMb=20")
    desk.run("settings", "set", "principal/user:u1", "filter=2")
    desk.run("settings", "set", "organization", "message.maxMb=30")

    assert "organization message.maxMb: 20 → 30" in desk.run("settings", "diff", "1").stdout
    assert 0 == desk.run("settings", "restore", "1").exit_code

    assert "" == desk.run("settings", "diff", "1").stdout
    assert {"version": 5, "organization": {"message.maxMb": 20}} == json.loads(desk.run("settings", "export").stdout)
    assert "principal/user:u1 filter: (default) → 2" in desk.run("settings", "diff", "1", "3").stdout
    assert 0 == desk.run("settings", "restore", "0").exit_code
    assert ["version"] == list(json.loads(desk.run("settings", "export").stdout))


@pytest.mark.parametrize("command", [("restore", "9"), ("export", "--version", "9"), ("diff", "9")])
def test_a_version_that_never_was_is_refused(desk, command):
    result = desk.run("settings", *command)

    assert 2 == result.exit_code
    assert "there is no settings version 9: the newest is 0" in result.stderr


def test_page_and_schema_are_printed(desk):
    assert desk.run("settings", "docs").stdout.startswith("# Settings\n")
    assert "tracking.headers" in json.loads(desk.run("settings", "schema", "organization").stdout)["properties"]
    assert "organization" in json.loads(desk.run("settings", "schema").stdout)
    assert 2 == desk.run("settings", "schema", "organisation").exit_code


@pytest.fixture
def password(tmp_path):
    path = tmp_path / "password"
    path.write_text("correct horse\n")
    return str(path)


def test_a_mailbox_whose_server_is_not_there_is_refused_and_leaves_nothing(desk, password):
    result = desk.run(
        "mailbox", "add", "a@x.org", "--imap", "127.0.0.1:1", "--user", "a", "--password-file", password,
    )  # fmt: skip

    assert 2 == result.exit_code
    assert "the mailbox was not added: " in result.stderr
    assert [0, 0] == [
        desk.owner.execute(f"SELECT count(*) FROM settings.{table}").fetchone()[0]
        for table in ("history", "credential")
    ]


def test_a_mailbox_can_be_added_unchecked_and_removed(desk, password):
    result = desk.run(
        "mailbox", "add", "A@X.org", "--imap", "127.0.0.1:1", "--user", "a", "--password-file", password,
        "--tls", "none", "--owner", "queue:q1", "--folder", "INBOX", "--folder", "Sent", "--no-check",
    )  # fmt: skip
    assert 0 == result.exit_code, result.stderr
    assert "in clear text" in result.stderr

    (mailbox,) = desk.json("mailbox", "list")

    expected = {
        "address": "a@x.org", "serverProfile": "127.0.0.1-1-none", "user": "a", "credential": "mailbox/a@x.org",
        "incoming": "sss",
        "owner": {"type": "queue", "id": "q1"}, "folders": ["INBOX", "Sent"], "processAndDelete": False,
        "receivedAfter": None, "enabled": True, "approved": True, "state": None, "reason": "",
        "isForwardMailbox": False,
    }  # fmt: skip
    assert {**mailbox, **expected} == mailbox
    with postgres.connect(desk.config.postgres, "fetcher") as connection:
        secret = credentials.load(connection, desk.config.cipher_key, "mailbox/a@x.org")
    assert Secret(b"correct horse") == secret
    assert "127.0.0.1" == desk.json("mailbox", "show", "a@x.org")[0]["server"]["host"]
    waited = desk.run("wait", "--timeout", "0")
    assert 1 == waited.exit_code
    assert "missing: a@x.org, INBOX: " in waited.stdout
    assert 0 == desk.run("mailbox", "remove", "a@x.org").exit_code
    assert [] == desk.json("mailbox", "list")


def test_a_mailbox_on_a_pop3_server_has_a_profile_of_its_own(desk, password):
    login = ["--user", "a", "--password-file", password, "--no-check"]
    desk.run("mailbox", "add", "a@x.org", "--imap", "h.example", *login)

    result = desk.run("mailbox", "add", "b@x.org", "--pop3", "h.example", "--owner", "queue:q", "--delete", *login)

    assert 0 == result.exit_code, result.stderr
    assert ["h.example-993-implicit", "pop3-h.example-995-implicit"] == [
        one["serverProfile"] for one in desk.json("mailbox", "list")
    ]
    assert [False, True] == [one["processAndDelete"] for one in desk.json("mailbox", "list")]
    assert "pop3" == desk.json("mailbox", "show", "b@x.org")[0]["server"]["protocol"]


def test_adding_a_mailbox_again_keeps_what_is_not_named_and_a_rejection_above_all(desk, password):
    add = ["mailbox", "add", "a@x.org", "--imap", "h", "--user", "a", "--password-file", password, "--no-check"]
    desk.run(*add, "--owner", "user:u1", "--folder", "Sent")
    desk.run("settings", "set", "mailbox/a@x.org", "receivedAfter=2026-01-01T00:00:00Z")
    desk.run("mailbox", "reject", "a@x.org")

    assert 0 == desk.run(*add).exit_code

    (kept,) = desk.json("mailbox", "list")
    assert ({"type": "user", "id": "u1"}, ["Sent"], False) == (kept["owner"], kept["folders"], kept["approved"])
    assert "2026-01-01T00:00:00Z" == kept["receivedAfter"]


@pytest.mark.parametrize("servers", [(), ("--imap", "h", "--pop3", "h")])
def test_one_server_is_named_by_one_protocol(desk, password, servers):
    result = desk.run("mailbox", "add", "a@x.org", *servers, "--user", "a", "--password-file", password, "--no-check")

    assert 2 == result.exit_code
    assert "by --imap or by --pop3, and only one of them" in result.stderr


def test_a_mailbox_with_a_new_password_is_due_at_once(desk, stack, password):
    add = [
        "mailbox", "add", "due@x.org", "--imap", "127.0.0.1:1", "--user", "a", "--password-file", password,
        "--no-check",
    ]  # fmt: skip
    desk.run(*add)
    with closing(redis_client(stack.environ["MAILWEAVE_REDIS"])) as redis:
        redis.zadd(DUE, {"due@x.org": 9e12})
        desk.run(*add)
        due = redis.zscore(DUE, "due@x.org")
        redis.zrem(DUE, "due@x.org")

    assert 0 == due


def test_an_owner_that_is_ambiguous_is_refused(desk, insert, password):
    for kind in ("user", "queue"):
        insert("resolver.directory_record", type=kind, id="s", name="", active=True, partition=0, offset=0)

    result = desk.run(
        "mailbox", "add", "a@x.org", "--imap", "h", "--user", "a", "--password-file", password, "--owner", "s",
        "--no-check",
    )  # fmt: skip

    assert 2 == result.exit_code
    assert "user:s or queue:s" in result.stderr


def test_an_owner_that_the_directory_has_is_found_by_its_id(desk, insert, password):
    insert("resolver.directory_record", type="queue", id="q", name="", active=True, partition=0, offset=0)

    desk.run(
        "mailbox", "add", "a@x.org", "--imap", "h", "--user", "a", "--password-file", password, "--owner", "q",
        "--no-check",
    )  # fmt: skip

    assert {"type": "queue", "id": "q"} == desk.json("mailbox", "list")[0]["owner"]
