"""Settings and mailboxes through the command line, on a real store and broker."""

from contextlib import closing

import pytest

from services.fetcher.leases import DUE
from services.storage import credentials, postgres
from services.storage.cache import redis_client

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
    assert "clear text" in result.stderr

    (mailbox,) = desk.json("mailbox", "list")

    assert {
        "address": "a@x.org", "serverProfile": "127.0.0.1-1-none", "user": "a", "credential": "mailbox/a@x.org",
        "owner": {"type": "queue", "id": "q1"}, "folders": ["INBOX", "Sent"], "enabled": True,
        "approved": True, "state": None, "reason": "",
    } == mailbox  # fmt: skip
    with postgres.connect(desk.config.postgres, "fetcher") as connection:
        secret = credentials.load(connection, desk.config.cipher_key, "mailbox/a@x.org")
    assert b"correct horse" == secret.reveal()
    assert "127.0.0.1" == desk.json("mailbox", "show", "a@x.org")[0]["server"]["host"]
    waited = desk.run("wait", "--timeout", "0")
    assert 1 == waited.exit_code
    assert "missing: a@x.org, INBOX: " in waited.stdout
    assert 0 == desk.run("mailbox", "remove", "a@x.org").exit_code
    assert [] == desk.json("mailbox", "list")


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
