"""Users and queues come by the directory, and those without a mailbox are given one: once, whatever happens."""

import threading
from contextlib import closing

import pytest

from services.domain.errors import Refused
from services.resolver.new_mailboxes import NewMailboxes
from services.settings import publisher
from services.settings.missing_mailboxes import missing
from services.storage.postgres import Database

pytestmark = pytest.mark.component

SERVER = {"host": "127.0.0.1", "port": 1, "tls": "none"}
NINA = {"type": "user", "id": "nina", "addresses": ["nina@own.example", "n@own.example"]}
DESK = {"type": "queue", "id": "desk", "addresses": ["desk@own.example"]}


def put(resolver, changes):
    publisher.publish(resolver.url, changes, author="admin", reason="", base_version=None)


@pytest.fixture
def template(resolver):
    """A template is set, and those who were there before it have been looked at."""
    step(resolver)
    put(resolver, {"server-profile/main": SERVER, "organization": {"defaults.serverProfileId": "main"}})


def step(resolver, told=lambda: None):
    with closing(Database(resolver.url, "resolver")) as database:
        maker = NewMailboxes(database, resolver.url, published=told)
        while maker.step():
            pass


def boxes(resolver):
    return publisher.current(resolver.url).mailboxes


def test_who_comes_while_there_are_no_defaults_gets_none_and_is_forgotten(resolver):
    resolver.directory(NINA)
    step(resolver)

    assert {} == boxes(resolver)
    assert [] == resolver.rows("SELECT FROM resolver.arrived_principal")


def test_a_new_user_and_a_new_queue_get_one_unapproved_mailbox_each_by_the_template(resolver, template):
    told = []
    resolver.directory(NINA, DESK, {"type": "contact", "id": "ann", "addresses": ["ann@own.example"]})
    step(resolver, lambda: told.append(1))

    assert {"n@own.example", "desk@own.example"} == set(boxes(resolver))
    made = boxes(resolver)["n@own.example"]
    assert ("main", "sss", False, "nina") == (made.server_profile, made.incoming, made.approved, made.owner.id)
    assert [1] == told
    assert [(2,)] == resolver.rows("SELECT count(*) FROM settings.history WHERE author = 'resolver'")


@pytest.mark.parametrize(
    "record",
    [
        {"type": "user", "id": "x", "addresses": []},
        {"type": "user", "id": "x", "addresses": ["nonsense"]},
        {"type": "user", "id": "x", "addresses": ["x" * 400 + "@own.example"]},
        {"type": "user", "id": "x", "addresses": ["x@own.example"], "active": False},
        {"type": "user", "id": "x", "addresses": ["x@own.example"], "deleted": True},
    ],
    ids=["no address", "no e-mail address", "a long one", "not active", "deleted"],
)
def test_who_can_have_no_mailbox_gets_none_and_is_in_nobodys_way(resolver, template, record):
    resolver.directory(record, NINA)
    step(resolver)

    assert ["n@own.example"] == list(boxes(resolver))


def test_an_address_that_no_mailbox_can_have_does_not_hide_one_that_can(resolver, template):
    resolver.directory({**NINA, "addresses": ["aaa", "n@own.example"]})
    step(resolver)

    assert ["n@own.example"] == list(boxes(resolver))


def test_a_record_that_comes_again_makes_nothing_twice(resolver, template):
    for record in (NINA, NINA, {**NINA, "addresses": ["a@own.example"]}):
        resolver.directory(record)
        step(resolver)

    assert ["n@own.example"] == list(boxes(resolver))
    assert [(1,)] == resolver.rows("SELECT count(*) FROM settings.history WHERE key LIKE 'mailbox/%%'")


@pytest.mark.parametrize("addresses", [["n@own.example"], ["new@own.example"]], ids=["same address", "another"])
def test_a_mailbox_that_was_removed_does_not_come_back(resolver, template, addresses):
    resolver.directory(NINA)
    step(resolver)
    put(resolver, {"mailbox/n@own.example": None})

    resolver.directory({**NINA, "addresses": addresses})
    step(resolver)

    assert {} == boxes(resolver)


def test_a_mailbox_that_somebody_made_by_hand_stays_as_it_is(resolver, template):
    by_hand = {"address": "n@own.example", "serverProfile": "main", "user": "special"}
    put(resolver, {"mailbox/n@own.example": by_hand})

    resolver.directory(NINA)
    step(resolver)

    assert "special" == boxes(resolver)["n@own.example"].user


def test_a_crash_after_the_mailbox_was_made_makes_none_twice_and_forgets_nobody(resolver, template, monkeypatch):
    """The administrator removes it before the restart: it is his that counts."""
    real = publisher.publish

    def killed(*given, **named):
        real(*given, **named)
        raise KeyboardInterrupt

    resolver.directory(NINA, DESK)
    monkeypatch.setattr("services.resolver.new_mailboxes.publisher.publish", killed)
    with pytest.raises(KeyboardInterrupt):
        step(resolver)
    monkeypatch.undo()
    put(resolver, {"mailbox/n@own.example": None})
    step(resolver)

    assert ["desk@own.example"] == list(boxes(resolver))
    assert [] == resolver.rows("SELECT FROM resolver.arrived_principal")


def test_what_somebody_else_changes_at_that_moment_is_looked_at_anew(resolver, template, monkeypatch):
    """Without it a mailbox made by hand would be replaced by that of the template."""

    def late(*given):
        found = missing(*given)
        put(resolver, {"mailbox/n@own.example": {"address": "n@own.example", "serverProfile": "main", "user": "own"}})
        return found

    resolver.directory(NINA, DESK)
    monkeypatch.setattr("services.resolver.new_mailboxes.missing", late)
    with pytest.raises(Refused, match="settings have changed"):
        step(resolver)
    monkeypatch.undo()
    step(resolver)

    assert "own" == boxes(resolver)["n@own.example"].user
    assert {"n@own.example", "desk@own.example"} == set(boxes(resolver))


def test_many_workers_at_once_make_each_mailbox_once(resolver, template):
    people = [{"type": "user", "id": f"u{n}", "addresses": [f"u{n}@own.example"]} for n in range(40)]
    stop, left = threading.Event(), threading.Event()
    databases = [Database(resolver.url, "resolver") for _ in range(4)]
    makers = [NewMailboxes(one, resolver.url, published=lambda: None) for one in databases]
    threads = [threading.Thread(target=maker.run, args=(stop,)) for maker in makers]
    for thread in threads:
        thread.start()
    try:
        for first in range(0, 40, 5):
            resolver.directory(*people[first : first + 5])
            resolver.directory(*people[max(0, first - 3) : first + 5])
        while resolver.rows("SELECT FROM resolver.arrived_principal") and not left.wait(0.05):
            pass
    finally:
        stop.set()
        for thread in threads:
            thread.join(15)
        for one in databases:
            one.close()

    assert 40 == len(boxes(resolver))
    assert [(40,)] == resolver.rows("SELECT count(*) FROM settings.history WHERE key LIKE 'mailbox/%%'")
