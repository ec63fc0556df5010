"""Mailboxes that idle on a real server: woken, looked at, ended; and what a replica may do about them."""

from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import pytest
from prometheus_client import REGISTRY

from services.cli.stack import add_user
from services.cli.stack.dovecot import certificate_file
from services.fetcher import idling
from services.fetcher.leases import LEASE, Leases, make_due
from tests.component.fetcher.checking import MAILS
from tests.component.fetcher.idle_running import Running, append, until

pytestmark = pytest.mark.component


def idle(running, count=1):
    entries = running.dispatcher._idling._entries
    return count == len(entries) and not any(entry.checking for entry in entries.values())


def test_a_mail_that_comes_while_the_inbox_idles_is_read_over_the_same_connection(outside, dovecot, redis):
    with Running(outside, redis, dovecot).running() as running:
        until(lambda: idle(running))
        running.password = "wrong"  # a new login would fail
        for n in (1, 2, 3):
            append(dovecot, outside.mailbox, MAILS[n])
            until(lambda n=n: len(outside.uids()) == n)
        until(lambda: idle(running))

    assert {""} == {ended.code for ended in running.ended}
    assert [1, 2, 3] == outside.uids()


def test_an_encrypted_connection_idles_as_well(stack, outside, dovecot, redis):
    authority = certificate_file(Path(stack.environ["MAILWEAVE_HOME"]))
    secure = replace(dovecot, tls="starttls", ca_file=authority)
    with Running(outside, redis, secure).running() as running:
        until(lambda: idle(running))
        running.password = "wrong"
        for n in range(1, 6):
            append(dovecot, outside.mailbox, MAILS[n])
            until(lambda n=n: len(outside.uids()) == n)

    assert {""} == {ended.code for ended in running.ended}


def test_a_mail_that_comes_between_its_check_and_its_idling_is_not_waited_for(outside, dovecot, redis, monkeypatch):
    """The inbox is opened once more before it idles, and what has changed in between is seen."""
    running = Running(outside, redis, dovecot)
    polled = idling.Idling.after

    def late(self, mailbox, ended, *, leased):
        if len(running.ended) == 1:
            append(dovecot, mailbox, MAILS[1])
        return polled(self, mailbox, ended, leased=leased)

    monkeypatch.setattr(idling.Idling, "after", late)
    with running.running():
        until(lambda: [1] == outside.uids())


def test_other_folders_are_looked_at_at_the_interval_over_the_same_connection(outside, dovecot, redis):
    running = Running(outside, redis, dovecot, pollSeconds=1)
    running.change(outside.mailbox, folders=("INBOX", "Sent"))
    with running.running():
        until(lambda: idle(running))
        running.password = "wrong"
        append(dovecot, outside.mailbox, MAILS[1], folder="Sent")
        until(lambda: [1] == outside.uids())
        assert not any(ended.code for ended in running.ended)


def renewals():
    return REGISTRY.get_sample_value("mailweave_idle_renewals_total")


def test_idle_is_begun_anew_and_goes_on(outside, dovecot, redis, monkeypatch):
    monkeypatch.setattr("services.fetcher.idle_line.renewal", lambda _: 0.05)
    before = renewals()
    with Running(outside, redis, dovecot).running() as running:
        until(lambda: idle(running))
        running.stopping.wait(1)
        append(dovecot, outside.mailbox, MAILS[1])
        until(lambda: [1] == outside.uids())

    assert 3 > len([ended for ended in running.ended if not ended.mails])
    assert before < renewals()


@pytest.mark.parametrize(
    "fields", [{"enabled": False}, {"user": "other@example.org"}, {"folders": ("Sent",)}], ids=["off", "user", "folder"]
)
def test_changed_settings_end_the_idling_at_once(outside, dovecot, redis, fields):
    with Running(outside, redis, dovecot).running() as running:
        until(lambda: idle(running))
        running.change(outside.mailbox, **fields)
        until(lambda: not running.dispatcher._idling._entries, 3)
        until(lambda: not redis.exists(LEASE + outside.mailbox))


def test_a_changed_profile_ends_the_idling_at_once(outside, dovecot, redis):
    with Running(outside, redis, dovecot).running() as running:
        until(lambda: idle(running))
        running.profile = running.profile.model_copy(update={"idle": False})
        running.version += 1
        until(lambda: not running.dispatcher._idling._entries, 3)
        until(lambda: len(running.ended) == 2)


def test_whoever_wants_an_idling_mailbox_checked_has_a_new_login(outside, dovecot, redis):
    """A new credential and a test are told in this way."""
    with Running(outside, redis, dovecot).running() as running:
        until(lambda: idle(running))
        running.password = "wrong"
        make_due(redis, [outside.mailbox])
        until(lambda: running.ended[-1].code == "login_refused", 3)
        assert not running.dispatcher._idling._entries


def test_connections_of_a_profile_are_bounded_and_the_others_are_polled(stack, outside, dovecot, redis):
    names = [f"{n}-{outside.mailbox}" for n in range(6)]
    for name in names:
        add_user(Path(stack.environ["MAILWEAVE_HOME"]), name, "secret")
    with Running(outside, redis, dovecot, mailboxes=names, maxConnections=4, pollSeconds=1).running() as running:
        until(lambda: idle(running, 1))
        for name in names:
            append(dovecot, name, MAILS[1])
        until(lambda: len(outside.sent) == len(names))
        assert 1 == len(running.dispatcher._idling._entries)


def test_a_replica_that_comes_gets_its_share(stack, outside, dovecot, redis):
    names = [f"{n}-{outside.mailbox}" for n in range(6)]
    for name in names:
        add_user(Path(stack.environ["MAILWEAVE_HOME"]), name, "secret")
    one, two = (Running(outside, redis, dovecot, owner=o, mailboxes=names, pollSeconds=1) for o in ("one", "two"))
    with one.running():
        until(lambda: idle(one, 6))
        with two.running():
            until(lambda: idle(one, 3) and idle(two, 3), 40)


def test_a_stop_gives_what_idles_to_others_at_once(outside, dovecot, redis):
    with Running(outside, redis, dovecot).running() as running:
        until(lambda: idle(running))

    assert [outside.mailbox] == Leases(redis, "other").claim(5)


def test_a_replica_that_lost_its_lease_idles_no_more(outside, dovecot, redis):
    """So it is after a pause: another has taken over meanwhile, and is not disturbed."""
    with Running(outside, redis, dovecot).running() as running:
        until(lambda: idle(running))
        redis.set(LEASE + outside.mailbox, "other")
        append(dovecot, outside.mailbox, MAILS[1])
        until(lambda: not running.dispatcher._idling._entries, 3)
        assert "other" == redis.get(LEASE + outside.mailbox).decode()
    assert [] == outside.uids()


def test_a_dead_replicas_mailbox_is_taken_over_when_its_lease_ends(outside, dovecot, redis):
    with ExitStack() as dead:
        running = dead.enter_context(Running(outside, redis, dovecot).running())
        until(lambda: idle(running))
        running.dispatcher._leases.renew = lambda _: set()
        with Running(outside, redis, dovecot, owner="two").running() as other:
            until(lambda: idle(other))


def test_a_flushed_redis_heals(outside, dovecot, redis):
    with Running(outside, redis, dovecot).running() as running:
        until(lambda: idle(running))
        redis.flushdb()
        until(lambda: not running.dispatcher._idling._entries or len(running.ended) > 1)
        until(lambda: idle(running))
        append(dovecot, outside.mailbox, MAILS[1])
        until(lambda: [1] == outside.uids())
