"""Asking for tests of mailboxes through the command line: who is meant, and what is refused."""

import json

import pytest
from kafka import KafkaConsumer, TopicPartition

from services.contracts import decode

pytestmark = pytest.mark.component


@pytest.fixture
def mailboxes(desk, tmp_path):
    """Two mailboxes of one server and one of another, which is not approved."""
    password = tmp_path / "password"
    password.write_text("correct horse\n")
    for address, port in (("a@x.org", 1), ("b@x.org", 1), ("c@x.org", 2)):
        desk.run(
            "mailbox", "add", address, "--imap", f"127.0.0.1:{port}", "--user", "a", "--password-file", str(password),
            "--no-check", "--owner", "user:u1",
        )  # fmt: skip
    desk.run("mailbox", "reject", "c@x.org")
    return [json.loads(line) for line in desk.run("mailbox", "list", "--json").stdout.splitlines()]


@pytest.fixture
def sent(stack):
    """Return the objects of the commands that were sent since the test began."""
    consumer = KafkaConsumer(bootstrap_servers=stack.environ["MAILWEAVE_KAFKA"], metrics_enabled=False)
    places = [TopicPartition("commands", p) for p in consumer.partitions_for_topic("commands")]
    consumer.assign(places)
    before = consumer.end_offsets(places)

    def read():
        after = consumer.end_offsets(places)
        for place in places:
            consumer.seek(place, before[place])
        found: list[dict[str, str]] = []
        wanted = sum(after[p] - before[p] for p in places)
        while len(found) < wanted:
            found += [decode(r.value)[1] for some in consumer.poll(timeout_ms=1000).values() for r in some]
        return found

    yield read
    consumer.close()


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["a@x.org"], ["a@x.org"]),
        (["B@X.org", "a@x.org", "b@x.org"], ["a@x.org", "b@x.org"]),
        (["--all"], ["a@x.org", "b@x.org"]),
        (["--profile", "127.0.0.1-1-implicit"], ["a@x.org", "b@x.org"]),
    ],
)
def test_a_command_goes_to_each_mailbox_that_is_meant_and_may_be_read(desk, mailboxes, sent, arguments, expected):
    result = desk.run("mailbox", "test", *arguments, "--reason", "new password")

    assert 0 == result.exit_code, result.stderr
    found = sent()
    assert [f"mailbox/{address}" for address in expected] == sorted(one["object"] for one in found)
    assert {("test-mailbox", "new password")} == {(one["kind"], one["reason"]) for one in found}
    assert len(found) == len({one["id"] for one in found})


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "say which mailboxes"),
        (["a@x.org", "--all"], "say which mailboxes"),
        (["nobody@x.org"], "there is no mailbox nobody@x.org"),
        (["a@x.org", "c@x.org"], "c@x.org may not be read"),
        (["--profile", "nowhere"], "there is no server profile 'nowhere'"),
        (["--profile", "127.0.0.1-2-implicit"], "there is no such mailbox that may be read"),
    ],
)
def test_what_cannot_be_tested_is_refused_and_nothing_is_sent(desk, mailboxes, sent, arguments, said):
    result = desk.run("mailbox", "test", *arguments)

    assert 2 == result.exit_code
    assert said in result.stderr
    assert [] == sent()


def test_waiting_ends_with_what_is_known(desk, mailboxes):
    result = desk.run("mailbox", "test", "a@x.org", "--wait", "--timeout", "0")

    assert 1 == result.exit_code
    assert "a@x.org: no result yet" in result.stdout
    assert "1 mailbox of 1 did not pass" in result.stderr


def test_a_new_credential_has_those_tested_that_send_with_it(desk, mailboxes, sent, tmp_path):
    desk.run("settings", "set", "server-profile/127.0.0.1-1-implicit", "outgoingHost=127.0.0.1")
    desk.run("settings", "set", "mailbox/a@x.org", "outgoing=sss", "credential=shared")
    desk.run("settings", "set", "mailbox/b@x.org", "credential=shared")

    result = desk.run("credential", "set", "shared", "--password-file", str(tmp_path / "password"))

    assert 0 == result.exit_code, result.stderr
    assert ["mailbox/a@x.org"] == [one["object"] for one in sent()]
