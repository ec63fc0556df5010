"""Folders that cannot be read, and checks that break inside: whose alert it is, and what goes on."""

import pytest

from services.fetcher import polling
from tests.component.fetcher.checking import server_at
from tests.component.fetcher.living import Living

pytestmark = pytest.mark.component

MAILS = {n: b"Subject: %d\r\nFrom: a@example.org\r\n\r\nbody\r\n" % n for n in range(1, 4)}


@pytest.fixture
def living(outside, dovecot):
    return Living(outside, dovecot, folders=("Missing", "INBOX"))


def test_a_folder_that_is_not_there_is_an_alert_and_a_failed_test_while_the_others_are_read(living):
    assert "" == living.check()[0]

    assert ["folder_unknown"] == living.open_alerts()
    assert ("enabled", "") == living.state()
    result, words = living.tested()
    assert ("failure", True) == (result, "there is no folder 'Missing'" in words)

    living.change(folders=("INBOX",))
    living.check()

    assert [] == living.open_alerts()


def test_its_alert_ends_with_the_reading_of_the_mailbox(living):
    living.check()
    living.change(enabled=False)
    living.settle()

    assert [] == living.open_alerts()


def test_mail_that_the_server_does_not_give_is_an_alert_when_it_lasts(outside, hostile):
    server = hostile(MAILS)
    full = server.answer
    server.hooks["UID FETCH"] = lambda _sock, tag, line: (
        full(tag, line) if "RFC822.SIZE" in line else f"{tag} OK done\r\n".encode()
    )
    living = Living(outside, server_at(server.port))
    for _ in range(3):
        assert "" == living.check()[0]
    assert ["body_missing"] == living.open_alerts()

    server.hooks.clear()
    living.check()

    assert [] == living.open_alerts()
    assert [1, 2, 3] == outside.uids()


def test_a_check_that_breaks_inside_counts_against_its_mailbox_and_not_against_the_world(living, monkeypatch):
    def poll(*_args):
        raise KeyError("nobody foresaw it")

    whole = polling.poll
    monkeypatch.setattr(polling, "poll", poll)
    assert "unforeseen" == living.check()[0]

    assert ["unforeseen"] == living.open_alerts()
    assert ("backing_off", "unforeseen") == living.state()

    monkeypatch.setattr(polling, "poll", whole)
    living.change(folders=("INBOX",))
    living.check()

    assert [] == living.open_alerts()
    assert ("enabled", "") == living.state()
