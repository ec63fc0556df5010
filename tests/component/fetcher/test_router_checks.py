"""A router reads a mailbox as the fetcher does, and each goes on where the other stopped."""

import imaplib
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace

import pytest

from services.domain.errors import MailweaveError, Retry
from services.domain.schedule import SPREAD
from services.fetcher.dispatch import Dispatcher, _Held
from services.fetcher.endpoint import forms
from services.fetcher.folders import quoted
from services.fetcher.leases import Leases
from services.fetcher.mechanisms import Password
from services.settings.permits import fetched
from services.storage import router_tokens
from tests.component.fetcher.checking import MAILS, checker, everything_arrived_once, signals
from tests.component.fetcher.hostile_pop3 import HostilePop3
from tests.component.fetcher.routed import checking, mailbox_at, serving, settings, settings_role, token_of

pytestmark = pytest.mark.component

MAIL = b"Message-ID: <%d@example.org>\r\nSubject: mail %d\r\nFrom: a@example.org\r\n\r\nbody\r\n"
DATE = '"01-Jan-2024 10:00:00 +0000"'


@pytest.fixture
def endpoint(outside):
    with serving(outside.ports, settings(outside.mailbox)) as running:
        yield running


@pytest.fixture
def router(outside, endpoint, tmp_path):
    """Check a mailbox as the router does; ``server`` is where it lies."""
    checks = checking(endpoint, token_of(outside), tmp_path)

    def check(server, go_on=lambda: True, **table):
        return checks.check(mailbox_at(outside.mailbox, server, tmp_path, **table), go_on)

    return check


@contextmanager
def logged_in(server, mailbox):
    found = imaplib.IMAP4(server.host, server.port)
    found.login(mailbox, "secret")
    yield found
    found.logout()


def append(outside, server, *numbers):
    with logged_in(server, outside.mailbox) as client:
        for number in numbers:
            assert (
                client.append(quoted("INBOX"), "", '"01-Jan-2024 10:00:00 +0000"', MAIL % (number, number))[0] == "OK"
            )


def state(outside):
    query = "SELECT phase, reason, test_result FROM fetcher.mailbox_state WHERE mailbox = %(mailbox)s"
    return outside.rows(query)


def test_each_mail_comes_once_and_the_mailbox_has_its_life(outside, router, dovecot):
    append(outside, dovecot, *range(1, 131))
    first, second = router(dovecot, interval=7), router(dovecot, interval=7)
    append(outside, dovecot, 999)
    third = router(dovecot)

    assert [("", 130), ("", 0), ("", 1)] == [(e.code, e.mails) for e in (first, second, third)]
    delays = [one.delay / whole for one, whole in ((first, 7), (second, 7), (third, 10))]
    assert all(1 - SPREAD <= one <= 1 for one in delays)
    assert list(range(1, 132)) == [r["uid"] for r in outside.records()] == outside.uids()
    assert {"imap"} == {r["source"] for r in outside.records()}
    assert [("enabled", "", "success")] == state(outside)


def test_fetcher_and_router_go_on_where_the_other_stopped(outside, endpoint, router, dovecot):
    """The switch of the organisation goes there and back, and no mail comes twice or is left out."""
    local = checker(outside, dovecot, lambda: Password("secret"))
    append(outside, dovecot, 1, 2)
    assert 2 == local.check(outside.mailbox, lambda: True).mails
    append(outside, dovecot, 3)
    assert 1 == router(dovecot).mails
    endpoint.snapshot = settings(outside.mailbox, engine="sss")
    append(outside, dovecot, 4)
    assert "left_to_fetcher" == router(dovecot).code
    assert 1 == local.check(outside.mailbox, lambda: True).mails

    assert [1, 2, 3, 4] == [r["uid"] for r in outside.records()] == outside.uids()
    assert 4 == len({r["delivery_id"] for r in outside.records()})


def test_a_switch_in_the_middle_of_a_check_ends_it_and_nothing_is_lost(outside, endpoint, router, hostile):
    server = hostile(MAILS)
    asked = []

    def go_on():
        asked.append(1)
        if len(asked) == 2:
            endpoint.snapshot = settings(outside.mailbox, engine="sss")
        return True

    ended = router(server, go_on=go_on)
    assert ("left_to_fetcher", None, 30) == (ended.code, ended.delay, ended.again)
    assert 0 < len(outside.uids()) < len(MAILS)
    endpoint.snapshot = settings(outside.mailbox)
    assert "" == router(server).code

    everything_arrived_once(outside, MAILS)


def test_the_fetcher_leaves_every_mailbox_to_routers_when_the_switch_says_so(outside, redis):
    snapshot = settings(outside.mailbox)
    leases = Leases(redis, "a")
    dispatcher = Dispatcher(leases, lambda: snapshot, lambda *_: pytest.fail("it was checked"))
    with ThreadPoolExecutor(1) as pool:
        dispatcher.turn(pool, threading.Event())

    assert ([], None) == (fetched(snapshot), leases.claim(8))
    assert [outside.mailbox] == fetched(settings(outside.mailbox, engine="sss"))


@pytest.mark.parametrize(("engine", "goes_on"), [("sss", True), ("router", False)])
def test_a_check_that_runs_ends_when_the_switch_says_router(outside, redis, engine, goes_on):
    snapshot = settings(outside.mailbox, engine=engine)
    dispatcher = Dispatcher(Leases(redis, "a"), lambda: snapshot, lambda *_: pytest.fail("it was checked"))

    assert goes_on is dispatcher._asked(outside.mailbox, _Held("s"), threading.Event())()


def test_a_check_that_the_fetcher_began_before_is_not_made_after_the_switch(outside, dovecot):
    local = checker(outside, dovecot)
    found = local.settings()
    left = settings(outside.mailbox)
    switched = replace(local, settings=lambda: replace(found, organization=left.organization))

    ended = switched.check(outside.mailbox, lambda: True)
    assert ("disabled", 0) == (ended.code, ended.mails)


def test_what_is_wrong_with_a_mailbox_is_an_alert_and_ends_when_it_is_mended(outside, router, dovecot):
    append(outside, dovecot, 1)
    refused = router(dovecot, password="wrong")
    assert "login_refused" == refused.code
    assert [("disabled", "login_refused", "failure")] == state(outside)
    assert refused.delay > 60

    assert "" == router(dovecot).code
    assert [("login_refused", "raised"), ("login_refused", "cleared")] == signals(outside)


def test_a_folder_that_is_missing_is_noted_and_the_others_go_on(outside, router, dovecot):
    append(outside, dovecot, 1)
    assert 1 == router(dovecot, folders=["Nowhere", "INBOX"]).mails

    query = "SELECT folder, last_error IS NULL FROM fetcher.cursor WHERE mailbox = %(mailbox)s ORDER BY folder"
    assert [("INBOX", True), ("Nowhere", False)] == outside.rows(query)


def test_what_the_settings_want_besides_the_files_folders_is_read_from_the_next_check_on(
    outside, endpoint, router, dovecot
):
    """Sent, a folder with a rule, and what a person flags wherever it lies; the file names the inbox alone."""
    with logged_in(dovecot, outside.mailbox) as client:
        for number, (folder, flags) in enumerate([("Sent", ""), ("Kunden", ""), ("Archiv", "($MailweaveTracked)")]):
            client.create(folder)
            assert client.append(folder, flags, DATE, MAIL % (number, number))[0] == "OK"
    assert 1 == router(dovecot).mails

    rules = {"k": "Kunden"}
    endpoint.snapshot = settings(outside.mailbox, sent=True, rules=rules)
    assert 2 == router(dovecot).mails
    with logged_in(dovecot, outside.mailbox) as client:
        assert client.rename("Kunden", "Alte")[0] == "OK"
        assert client.append("Alte", "", DATE, MAIL % (9, 9))[0] == "OK"
    endpoint.snapshot = settings(outside.mailbox, sent=True, rules={"k": "Alte"})
    assert 1 == router(dovecot).mails

    told = [(r["subject"], r["folder"], r["folder_role"], r["tracked_by"]) for r in outside.records()]
    assert [
        ("mail 0", "Sent", "sent", ""),
        ("mail 1", "Kunden", "", "folder-rule/k"),
        ("mail 2", "Archiv", "", "keyword"),
        ("mail 9", "Alte", "", "folder-rule/k"),
    ] == sorted(told)


def test_a_mailbox_of_very_many_folders_is_claimed_with_all_that_is_known_of_them(outside, endpoint, router, dovecot):
    """More than fits into the answers that are usual elsewhere; most are gone since, which goes in several requests."""
    assert "" == router(dovecot).code
    with outside.ports.database.transaction() as connection:
        connection.execute(
            "INSERT INTO fetcher.cursor (mailbox, folder_id, folder, uidvalidity, uid)"
            " SELECT %s, n || repeat('x', 200), n || repeat('x', 200), 7, 1 FROM generate_series(1, 9000) n",
            (outside.mailbox,),
        )
    append(outside, dovecot, 1)
    ended = router(dovecot)

    assert ("", 1) == (ended.code, ended.mails)
    gone = "SELECT count(*) FROM fetcher.cursor WHERE mailbox = %(mailbox)s AND gone IS NOT NULL"
    assert [(9000,)] == outside.rows(gone)


def test_a_pop3_mail_is_deleted_only_when_file_and_settings_say_so_and_it_is_durable(outside, endpoint, router):
    server = HostilePop3({"a": MAIL % (1, 1), "b": MAIL % (2, 2)})
    owner = {"type": "queue", "id": "q"}
    endpoint.snapshot = settings(outside.mailbox, owner=owner)
    assert 2 == router(server, protocol="pop3", delete=True).mails
    assert {"a", "b"} == set(server.mails)

    endpoint.snapshot = settings(outside.mailbox, processAndDelete=True, owner=owner)
    assert (0, {"a", "b"}) == (router(server, protocol="pop3").mails, set(server.mails))
    assert (0, set()) == (router(server, protocol="pop3", delete=True).mails, set(server.mails))

    object.__setattr__(outside.ports, "send", _away)
    server.mails["c"] = MAIL % (3, 3)
    assert ("endpoint", None) == (router(server, protocol="pop3", delete=True).code, None)
    assert {"c"} == set(server.mails)
    object.__setattr__(outside.ports, "send", outside.sent.extend)
    assert (1, {}) == (router(server, protocol="pop3", delete=True).mails, server.mails)
    assert [2, 3] == [len(outside.records()) - 1, len({r["delivery_id"] for r in outside.records()})]
    server.close()


def _away(_rows):
    raise Retry("Kafka is away")


def test_mail_before_the_start_date_is_passed_over(outside, endpoint, router, dovecot):
    endpoint.snapshot = settings(outside.mailbox, receivedAfter="2025-01-01T00:00:00Z")
    append(outside, dovecot, 1)
    assert 0 == router(dovecot).mails

    assert [(1,)] == outside.rows("SELECT uid FROM fetcher.passed WHERE mailbox = %(mailbox)s")
    assert 1 == outside.cursor()[1]


def test_large_and_too_large_mails_come_as_from_the_fetcher(outside, endpoint, router, dovecot, tmp_path):
    endpoint.snapshot = settings(outside.mailbox, megabytes=6)
    large = MAIL % (1, 1) + b"x" * (5 << 20)
    too_large = MAIL % (2, 2) + b"x" * (7 << 20)
    with logged_in(dovecot, outside.mailbox) as client:
        for mail in (large, too_large):
            assert client.append(quoted("INBOX"), "", DATE, mail)[0] == "OK"
    assert 2 == router(dovecot).mails

    first, second = outside.records()
    assert large == outside.ports.blobs.read(first["blob_sha256"])
    assert ("", len(too_large), "2@example.org") == (second["blob_sha256"], second["size"], second["message_id"])
    left = [path for path in tmp_path.rglob("*") if path.stat().st_size > 1 << 20 and "blobs" not in path.parts]
    assert [] == left


def test_a_router_may_only_read_what_names_it_or_no_router(outside, endpoint, tmp_path, dovecot):
    token = token_of(outside, f"own-{outside.mailbox[:8]}")
    checks = checking(endpoint, token, tmp_path)
    mailbox = mailbox_at(outside.mailbox, dovecot, tmp_path)
    endpoint.snapshot = settings(outside.mailbox, router="another")
    assert "router_not_allowed" == checks.check(mailbox, lambda: True).code
    endpoint.snapshot = settings("somebody@example.org")
    assert "mailbox_unknown" == checks.check(mailbox, lambda: True).code
    endpoint.snapshot = settings(outside.mailbox, enabled=False)
    assert "mailbox_not_read" == checks.check(mailbox, lambda: True).code
    endpoint.snapshot = settings(outside.mailbox, router=token.partition(".")[0])
    assert "" == checks.check(mailbox, lambda: True).code


def test_a_token_that_is_revoked_or_replaced_lets_nobody_in(outside, endpoint):
    name = f"r-{outside.mailbox[1:9]}"
    first = token_of(outside, name)
    with settings_role(outside) as connection:
        second = router_tokens.create(connection, name, replace=True).reveal().decode()
    assert name == endpoint.client(second).introduce()["router"]
    with settings_role(outside) as connection:
        assert router_tokens.revoke(connection, name)
        assert not router_tokens.revoke(connection, name)

    for token in (first, second, "nobody.x", f"{name}.", name, "x", "\x7f."):
        with pytest.raises(MailweaveError) as refused:
            endpoint.client(token).ask(outside.mailbox, "claim", forms.Nothing())
        assert "token" in str(refused.value)
