"""A check because IDLE told of something: of the inbox alone, by its rules, and without a word about other folders."""

import pytest

from services.settings.models import FolderRule
from tests.component.fetcher.checking import MAILS, signals
from tests.component.fetcher.idle_running import Running, until
from tests.component.fetcher.idle_server import IdleServer

pytestmark = pytest.mark.component


@pytest.fixture
def server():
    found = IdleServer({1: MAILS[1]})
    yield found
    found.close()


def wake(server, outside, uid):
    assert server.idles()
    server.appears(uid, MAILS[uid])
    until(lambda: uid in outside.uids())


@pytest.mark.parametrize("name", ["INBOX", "inbox"])
def test_the_rule_of_the_inbox_holds_for_mail_that_wakes(outside, redis, server, name):
    running = Running(outside, redis, server)
    running.rules = {"a": FolderRule(mailbox=outside.mailbox, folder=name)}
    with running.running():
        wake(server, outside, 2)

    assert ["folder-rule/a"] * 2 == [record["tracked_by"] for record in outside.records()]


def test_the_alert_of_another_folder_stays_open(outside, redis, server):
    server.hooks["EXAMINE"] = lambda _s, tag, line: (
        f"{tag} NO no such folder\r\n".encode() if "Gone" in line else server.answer(tag, line)
    )
    running = Running(outside, redis, server)
    running.change(outside.mailbox, folders=("INBOX", "Gone"))
    with running.running():
        wake(server, outside, 2)
        until(lambda: len(running.ended) == 2)

    assert [("folder_unknown", "raised")] == signals(outside)


def test_no_folders_are_listed_for_it(outside, redis, server):
    server.hooks["LIST"] = lambda _s, tag, _l: f'* LIST () "/" inbox\r\n{tag} OK done\r\n'.encode()
    with Running(outside, redis, server).running():
        assert server.idles()
        server.said.clear()
        server.appears(2, MAILS[2])
        until(lambda: [1, 2] == outside.uids())
        wake(server, outside, 3)
        assert server.idles()

    assert 0 == server.times("LIST")
    assert {("inbox", "inbox")} == {(record["folder"], record["folder_role"]) for record in outside.records()}
