"""A router whose mailboxes idle: woken by their server, over the connection that they were read over."""

import threading
from contextlib import contextmanager
from dataclasses import replace

import pytest

from services.fetcher.idle_limits import IdleLimits
from services.router import schedule
from services.router.checks import Checker
from services.router.mailboxes import snapshot_of
from services.router.schedule import Schedule
from services.settings.models import ServerProfile
from tests.component.fetcher.checking import MAILS
from tests.component.fetcher.idle_running import append, until
from tests.component.fetcher.idle_server import IdleServer
from tests.component.fetcher.routed import mailbox_at, serving, settings, token_of

pytestmark = pytest.mark.component


@pytest.fixture
def endpoint(outside):
    with serving(outside.ports, settings(outside.mailbox)) as running:
        yield running


@pytest.fixture
def at_work(outside, endpoint, tmp_path):
    """Run a router for the mailbox on a server; ``profile`` is how that is reached."""
    token = token_of(outside)

    @contextmanager
    def run(server, *, interval=3600, folders=("INBOX",), **profile):
        own = threading.local()
        place = {"host": server.host, "port": server.port, "tls": "none", "timeoutSeconds": 3, "pollSeconds": interval}
        box = mailbox_at(outside.mailbox, server, tmp_path, interval=interval, folders=list(folders))
        box = replace(box, profile=ServerProfile(**{**place, **profile}))
        limits = IdleLimits(polling=schedule.WORKERS)
        limits.follow(snapshot_of([box]))
        ended = []

        def client():
            if not hasattr(own, "client"):
                own.client = endpoint.client(token)
            return own.client

        checker = Checker(client=client, room=tmp_path, ca_file=None, idles=limits.room)

        def check(*given):
            ended.append(checker.check(*given))
            return ended[-1]

        router = Schedule((box,), check, hello=checker.hello, mark=lambda _: "x", limits=limits)
        stopping = threading.Event()
        thread = threading.Thread(target=router.run, args=(stopping,), daemon=True)
        thread.start()
        try:
            yield Working(router, box, ended)
        finally:
            stopping.set()
            thread.join(20)
        assert not thread.is_alive()

    return run


class Working:
    """A router that runs; ``ended`` holds how each check ended."""

    def __init__(self, router, box, ended):
        self.router, self.box, self.ended = router, box, ended

    def idles(self):
        entries = self.router._idling._entries
        return len(entries) == 1 and not any(entry.checking for entry in entries.values())


def test_a_mail_that_comes_while_the_inbox_idles_is_handed_in_over_the_same_connection(outside, at_work, dovecot):
    with at_work(dovecot) as working:
        until(working.idles)
        working.box.secret_file.write_text("wrong")  # a new login would fail
        working.router._turns[outside.mailbox].stamp = working.box.stamp()
        for n in (1, 2, 3):
            append(dovecot, outside.mailbox, MAILS[n])
            until(lambda n=n: len(outside.uids()) == n)
            until(working.idles)

    assert {""} == {one.code for one in working.ended}
    assert [1, 2, 3] == outside.uids() == [record["uid"] for record in outside.records()]


def test_the_installation_hears_when_an_idling_mailbox_is_looked_at_next(outside, at_work, dovecot):
    """It counts as late when nobody has looked at it for five minutes."""
    with at_work(dovecot, interval=10) as working:
        until(working.idles)

    query = "SELECT extract(epoch FROM next_check - last_check) FROM fetcher.mailbox WHERE mailbox = %(mailbox)s"
    ((seconds,),) = outside.rows(query)
    assert 10 < seconds < 300


def test_other_folders_are_looked_at_at_the_interval(outside, at_work, dovecot):
    with at_work(dovecot, interval=1, folders=("INBOX", "Sent")) as working:
        append(dovecot, outside.mailbox, MAILS[1], folder="Sent")
        until(working.idles)
        append(dovecot, outside.mailbox, MAILS[2], folder="Sent")
        until(lambda: len(outside.uids()) == 2)


def test_a_mailbox_that_is_to_be_tested_is_tested_over_a_new_connection(outside, at_work, dovecot, monkeypatch):
    monkeypatch.setattr(schedule, "HELLO_SECONDS", 0.1)
    with at_work(dovecot) as working:
        until(working.idles)
        working.box.secret_file.write_text("wrong")
        until(lambda: working.ended[-1].code == "login_refused")
        working.box.secret_file.write_text("secret")
        until(lambda: working.ended[-1].code == "" and working.idles())


def test_what_the_settings_say_anew_of_a_mailbox_acts_at_once_while_it_idles(
    outside, endpoint, at_work, dovecot, monkeypatch
):
    """The next look at all folders is an hour away, and nothing of it is in the router's file."""
    monkeypatch.setattr(schedule, "HELLO_SECONDS", 0.1)
    with at_work(dovecot) as working:
        append(dovecot, outside.mailbox, MAILS[1], folder="Sent")
        append(dovecot, outside.mailbox, MAILS[2], folder="Drafts")
        until(working.idles)
        endpoint.snapshot = settings(outside.mailbox, sent=True)
        until(lambda: len(outside.uids()) == 1)
        endpoint.snapshot = settings(outside.mailbox, sent=True, rules={"k": "Drafts"})
        until(lambda: len(outside.uids()) == 2)
        until(working.idles)
        checks = len(working.ended)
        threading.Event().wait(0.5)
        assert checks == len(working.ended), "the same settings said again are no news"

    assert ["", "folder-rule/k"] == [record["tracked_by"] for record in outside.records()]


def test_nothing_idles_when_mailboxes_are_left_to_routers_no_more(outside, endpoint, at_work, dovecot, monkeypatch):
    monkeypatch.setattr(schedule, "HELLO_SECONDS", 0.1)
    with at_work(dovecot) as working:
        until(working.idles)
        endpoint.snapshot = settings(outside.mailbox, engine="sss")
        until(lambda: working.ended[-1].code == "left_to_fetcher")
        assert not working.idles()
        endpoint.snapshot = settings(outside.mailbox)
        until(working.idles)


def test_a_server_that_ends_an_idle_is_polled(outside, at_work):
    server = IdleServer(dict(list(MAILS.items())[:2]), idling=lambda _sock, tag: f"{tag} NO not now\r\n".encode())
    with at_work(server, interval=1) as working:
        until(lambda: len(working.ended) > 1)
        server.mails[3] = MAILS[3]
        server.uidnext = 4
        until(lambda: len(outside.uids()) == 3)
    server.close()

    assert {""} == {one.code for one in working.ended}


def test_where_the_file_says_no_nothing_idles(outside, at_work, dovecot):
    with at_work(dovecot, interval=1, idle=False) as working:
        until(lambda: len(working.ended) > 2)
        assert not working.idles()


def test_a_connection_is_closed_when_its_mailbox_may_not_be_read_any_more(outside, endpoint, at_work, dovecot):
    with at_work(dovecot) as working:
        until(working.idles)
        first = next(iter(working.router._idling._entries.values())).kept
        endpoint.snapshot = settings(outside.mailbox, enabled=False)
        append(dovecot, outside.mailbox, MAILS[1])
        until(lambda: working.ended[-1].code == "mailbox_not_read")
        until(lambda: first.connection.wire.sock.fileno() == -1)
        assert not working.idles()
