"""Leases in Redis and the fencing number in PostgreSQL, with two replicas."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from services.domain.errors import Retry
from services.fetcher import cursor
from services.fetcher.checks import Ended
from services.fetcher.cursor import FenceLost
from services.fetcher.dispatch import Dispatcher
from services.fetcher.leases import Leases, make_due
from services.fetcher.position import Position
from services.settings.models import MailboxSettings, ServerProfile
from services.settings.snapshot import Snapshot
from tests.component.fetcher.checking import MAILS, check

pytestmark = pytest.mark.component

MANY = [f"m{i}@example.org" for i in range(40)]


def at(uid):
    return Position(folder_id="INBOX", folder="INBOX", uidvalidity=7, uid=uid, uidnext=uid + 1)


def test_a_claim_is_exclusive_among_replicas(redis):
    one, two = Leases(redis, "one"), Leases(redis, "two")
    one.match(MANY)
    taken: dict[str, list[str]] = {"one": [], "two": []}

    def claim(leases, into):
        for _ in range(20):
            into += leases.claim(3) or []

    threads = [threading.Thread(target=claim, args=x) for x in ((one, taken["one"]), (two, taken["two"]))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(MANY) == sorted(taken["one"] + taken["two"])


def test_release_sets_the_next_due_time(redis):
    leases = Leases(redis, "one")
    leases.match(MANY[:1])

    assert MANY[:1] == leases.claim(5)
    assert leases.release(MANY[0], 0.2)
    assert [] == leases.claim(5)
    time.sleep(0.25)
    assert MANY[:1] == leases.claim(5)


def test_a_dead_replicas_mailbox_moves_when_the_lease_ends(redis):
    dead, other = Leases(redis, "dead", ttl=0.3), Leases(redis, "other")
    dead.match(MANY[:1])
    dead.claim(1)

    assert [] == other.claim(1)
    time.sleep(0.35)
    assert MANY[:1] == other.claim(1)
    assert set(MANY[:1]) == dead.renew(MANY[:1])
    assert not dead.release(MANY[0], 0)
    assert [] == dead.claim(1)


def test_renewal_keeps_a_lease(redis):
    leases, other = Leases(redis, "one", ttl=0.3), Leases(redis, "other")
    leases.match(MANY[:1])
    leases.claim(1)
    for _ in range(4):
        time.sleep(0.15)
        assert set() == leases.renew(MANY[:1])
        assert [] == other.claim(1)


def test_flushed_redis_heals(redis):
    leases = Leases(redis, "one")
    leases.match(MANY)
    leases.claim(3)
    redis.flushdb()

    assert set(MANY[:3]) == leases.renew(MANY[:3])
    assert leases.claim(1) is None
    leases.match(MANY)
    assert sorted(MANY) == sorted(leases.claim(100) or [])


def test_disabled_mailboxes_are_taken_out(redis):
    leases = Leases(redis, "one")
    leases.match(MANY)
    held = leases.claim(1) or []
    leases.match(MANY[5:6])

    assert MANY[5:6] == leases.claim(100)
    leases.release(held[0], 0)
    assert [] == leases.claim(100)


def test_a_nudge_makes_due_at_once_or_once_more(redis):
    leases = Leases(redis, "one")
    leases.match(MANY[:2])
    leases.claim(2)
    leases.release(MANY[1], 100)

    assert 2 == make_due(redis, [*MANY[:2], "unknown@example.org"])
    assert MANY[1:2] == leases.claim(2)
    leases.release(MANY[0], 100)
    assert MANY[:1] == leases.claim(2)
    leases.release(MANY[0], 100)
    assert [] == leases.claim(2)


def test_a_paused_replica_that_wakes_up_cannot_write(outside, hostile):
    """The fence, not the lease, is the guarantee: the older number writes neither cursor nor delivery nor error."""
    database, mailbox = outside.ports.database, outside.mailbox
    paused = cursor.claim(database, mailbox).fence
    check(outside, hostile({1: MAILS[1]}))
    before = outside.cursor()

    with pytest.raises(FenceLost):
        cursor.advance(database, mailbox, paused, (), at(900))
    with pytest.raises(FenceLost):
        cursor.folder_failed(database, mailbox, paused, "INBOX", "late")

    assert before == outside.cursor()
    assert [1] == outside.uids()


def run(leases, check_one, mailboxes, *, seconds, connections=10, **told):
    """Let one replica work for a while and stop it."""
    profile = ServerProfile(host="h", port=143, maxConnections=connections)
    settings = {
        address: MailboxSettings(address=address, serverProfile="p", user="u", credential="c") for address in mailboxes
    }
    snapshot = Snapshot(version=1, mailboxes=settings, profiles={"p": profile})
    stopping = threading.Event()
    dispatcher = Dispatcher(leases, lambda: snapshot, check_one, **told)
    thread = threading.Thread(target=dispatcher.run, args=(stopping, lambda _: None))
    thread.start()
    time.sleep(seconds)
    stopping.set()
    thread.join(10)
    assert not thread.is_alive()


def test_a_hanging_server_does_not_stop_the_others(redis):
    done, lock = [], threading.Lock()
    hang = threading.Event()

    def check_one(mailbox, go_on):
        if mailbox == MANY[0]:
            hang.wait(3)
        with lock:
            done.append(mailbox)
        return Ended(code="", delay=100, mails=0)

    run(Leases(redis, "one"), check_one, MANY, seconds=2)
    hang.set()

    assert set(MANY[1:]) <= set(done)


def test_connections_of_a_profile_are_bounded(redis):
    now, most, lock = 0, 0, threading.Lock()

    def check_one(mailbox, go_on):
        nonlocal now, most
        with lock:
            now += 1
            most = max(most, now)
        time.sleep(0.05)
        with lock:
            now -= 1
        return Ended(code="", delay=100, mails=0)

    run(Leases(redis, "one"), check_one, MANY[:9], seconds=1.5, connections=2)

    assert 2 == most


def test_a_stop_gives_mailboxes_back(redis):
    def check_one(mailbox, go_on):
        while go_on():
            time.sleep(0.02)
        return Ended(code="", delay=0, mails=0)

    run(Leases(redis, "one"), check_one, MANY[:3], seconds=0.6)

    assert sorted(MANY[:3]) == sorted(Leases(redis, "two").claim(10) or [])


def test_redis_away_is_no_crash(redis):
    class Away(Leases):
        def claim(self, count):
            raise Retry("Redis does not answer")

    run(Away(redis, "one"), None, MANY[:3], seconds=0.5)


def test_with_nothing_to_read_the_database_is_not_asked_at_every_turn(redis):
    told: list[Snapshot] = []
    run(Leases(redis, "one"), lambda *_: None, (), seconds=1.5, settle=told.append)

    assert 1 == len(told)


def test_a_mailbox_without_a_server_is_never_checked(redis):
    """Though a replica with older settings has put it among those that are due."""

    class Lagging(Leases):
        def claim(self, count):
            return [MANY[0]]

    pushed = MailboxSettings(address=MANY[0], incoming="push")
    snapshot = Snapshot(version=1, mailboxes={MANY[0]: pushed}, profiles={})
    checked: list[str] = []

    def check_one(mailbox, go_on, awake=None):
        checked.append(mailbox)
        return Ended(code="", delay=100, mails=0)

    with ThreadPoolExecutor(1) as pool:
        Dispatcher(Lagging(redis, "one"), lambda: snapshot, check_one).turn(pool, threading.Event())

    assert [] == checked


def test_changed_settings_make_a_mailbox_due_at_once(redis):
    """Whatever it waited for: what was wrong with it may be mended."""
    profile = ServerProfile(host="h", port=143)
    settings = MailboxSettings(address=MANY[0], serverProfile="p", user="u", credential="c")
    now = Snapshot(version=1, mailboxes={MANY[0]: settings}, profiles={"p": profile})
    checked, stopping = [], threading.Event()

    def check_one(mailbox, go_on, awake=None):
        checked.append(mailbox)
        return Ended(code="", delay=1000, mails=0)

    def seen(version, user, port, checks):
        nonlocal now
        now = Snapshot(
            version=version,
            mailboxes={MANY[0]: settings.model_copy(update={"user": user})},
            profiles={"p": profile.model_copy(update={"port": port})},
        )
        time.sleep(0.5)
        until = time.monotonic() + 20
        while len(checked) < checks:
            assert time.monotonic() < until, "it was not checked"
            time.sleep(0.05)

    dispatcher = Dispatcher(Leases(redis, "one"), lambda: now, check_one)
    thread = threading.Thread(target=dispatcher.run, args=(stopping, lambda _: None))
    thread.start()
    seen(1, "u", 143, 1)
    seen(2, "u", 143, 1)
    seen(3, "other", 143, 2)
    seen(4, "other", 993, 3)
    stopping.set()
    thread.join(10)

    assert 3 == len(checked)
