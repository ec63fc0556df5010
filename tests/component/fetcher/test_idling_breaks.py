"""What becomes of connections that idle when something of ours is wrong: none is left open, and mail goes on."""

from contextlib import ExitStack

import pytest

from services.fetcher import lifecycle
from services.fetcher.imap import session
from services.fetcher.kept import Awake, Kept
from services.fetcher.mechanisms import Password
from services.runtime import metrics
from tests.component.fetcher.checking import MAILS, server_at, signals
from tests.component.fetcher.idle_running import Running, until
from tests.component.fetcher.idle_server import IdleServer
from tests.component.fetcher.living import Living

pytestmark = pytest.mark.component


@pytest.fixture
def server():
    found = IdleServer({1: MAILS[1]})
    yield found
    found.close()


def broken(*_args):
    raise RuntimeError("nobody foresaw it")


def is_open(kept):
    return kept.connection.wire.sock.fileno() >= 0


def test_a_thread_of_idling_that_breaks_is_said_and_replaced_and_its_mailboxes_are_polled(
    outside, redis, server, monkeypatch, caplog
):
    monkeypatch.setattr("services.fetcher.idling.SPREAD_SECONDS", 0.1)
    monkeypatch.setattr("services.fetcher.idle_limits.idling.rest", lambda _: 2.0)
    ends = metrics.IDLE_ENDS.labels("broken")
    before = ends._value.get()
    with Running(outside, redis, server, pollSeconds=1).running() as running:
        assert server.idles()
        idling = running.dispatcher._idling
        wires, kept = idling._wires, idling._entries[outside.mailbox].kept
        monkeypatch.setattr(wires, "_turn", broken)
        server.appears(2, MAILS[2])
        until(lambda: [1, 2] == outside.uids())
        assert not is_open(kept)
        assert before + 1 == ends._value.get()
        assert "what idles broke" in caplog.text

        assert server.idles(), "it idles again after its rest"
        server.appears(3, MAILS[3])
        until(lambda: [1, 2, 3] == outside.uids())
        assert idling._wires is not wires
    assert {""} == {ended.code for ended in running.ended}


def test_a_connection_that_is_on_its_way_to_a_broken_thread_is_closed_too(outside, redis, server, monkeypatch):
    monkeypatch.setattr("services.fetcher.idling.SPREAD_SECONDS", 0.1)
    running = Running(outside, redis, server, pollSeconds=1)
    wires = running.dispatcher._idling._wires
    given = []
    monkeypatch.setattr(wires, "keep", lambda _mailbox, kept, _quiet: given.append(kept))
    with running.running():
        until(lambda: given)
        assert is_open(given[0])
        monkeypatch.setattr(wires, "_turn", broken)
        wires.want(outside.mailbox)
        until(lambda: not is_open(given[0]))
        server.mails[2], server.uidnext = MAILS[2], 3
        until(lambda: [1, 2] == outside.uids())


class Slept:
    """A mailbox whose connection has idled, and a check over it; ``logins`` says for each if that was open then."""

    def __init__(self, outside, server, **settings):
        self.server = server
        self.living = Living(outside, server_at(server.port), **settings)
        self.living.check()
        self.session = ExitStack()
        self.connection = self.session.enter_context(
            session(server_at(server.port), outside.mailbox, Password("secret"))
        )

    def check(self, *, full=False, **changed):
        living = self.living
        kept = Kept(
            connection=self.connection,
            profile=living.profile,
            settings=living.settings.model_copy(update=changed),
            session=self.session,
        )
        self.logins: list[bool] = []

        def login(_sock, tag, line):
            self.logins.append(is_open(kept))
            return self.server.answer(tag, line)

        self.server.hooks["LOGIN"] = login
        return kept, living.check(Awake(living.mailbox, kept, full))


def test_a_connection_that_idled_under_other_settings_is_closed_before_there_is_another(outside, server):
    slept = Slept(outside, server)
    kept, (code, _) = slept.check(user="other@example.org")

    assert "" == code
    assert [False] == slept.logins
    assert not is_open(kept)


def test_a_test_that_a_person_asked_for_closes_the_connection_that_idled(outside, server):
    slept = Slept(outside, server)
    with outside.ports.database.transaction() as connection:
        lifecycle.request_test(connection, outside.mailbox, slept.living.now)
    kept, (code, _) = slept.check()

    assert "" == code
    assert [False] == slept.logins
    assert not is_open(kept)


def test_what_a_try_over_a_lost_connection_left_out_is_not_said_of_the_next(outside, server):
    """The folder is there again when it is asked for over a new connection."""
    slept = Slept(outside, server, folders=("Projekt", "INBOX"))
    asked = []

    def examine(_sock, tag, line):
        asked.append(line)
        if len(asked) == 1:
            return f"{tag} NO not now\r\n".encode()
        return None if len(asked) == 2 else server.answer(tag, line)

    server.hooks["EXAMINE"] = examine
    _, (code, _) = slept.check(full=True)

    assert "" == code
    assert 2 < len(asked)
    assert [] == signals(outside)


def test_what_a_try_over_a_lost_connection_has_handed_over_is_not_handed_over_by_the_next(outside, server):
    listing = b'* LIST () "/" INBOX\r\n* LIST () "/" Projekt\r\n'
    server.hooks["LIST"] = lambda _s, tag, _l: listing + f"{tag} OK done\r\n".encode()
    slept = Slept(outside, server, folders=("Projekt", "INBOX"))
    outside.sent.clear()
    server.mails[2], server.uidnext = MAILS[2], 3
    lost: list[str] = []

    def examine(_sock, tag, line):
        if "INBOX" in line and not lost:
            return lost.append(line)
        return server.answer(tag, line)

    server.hooks["EXAMINE"] = examine
    _, (code, _) = slept.check(full=True)

    assert "" == code
    assert lost
    assert [("Projekt", "2"), ("INBOX", "2")] == [(r["folder"], r["subject"]) for r in outside.records()]
