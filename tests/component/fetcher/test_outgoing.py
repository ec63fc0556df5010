"""The outgoing direction of a mailbox on real stores: tested, enabled, failing, mended, asked for by a person."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest

from services.contracts import decode
from services.domain.errors import Refused, Retry
from services.fetcher import outgoing_life
from services.fetcher.mechanisms import Password
from services.fetcher.outgoing import OutgoingTests
from services.settings.models import MailboxSettings, ServerProfile
from services.settings.snapshot import Snapshot
from tests.component.fetcher.outgoing_server import Envelopes, listening

pytestmark = pytest.mark.component

NOW = datetime(2026, 11, 28, tzinfo=UTC)


class Sending:
    """A mailbox that may send, and the tests of one replica; a minute goes by between two looks."""

    def __init__(self, outside, server):
        self.outside, self.mailbox, self.now, self.version = outside, outside.mailbox, NOW, 1
        self.password: str | None = "right"
        self.fields = {"host": "h", "port": 993, "outgoingHost": "127.0.0.1", "outgoingPort": server.port}
        self.fields["outgoingTls"] = "none"
        self.method = "sss"
        self.tests = OutgoingTests(
            settings=lambda: self.snapshot,
            ports=lambda: type(outside.ports)(
                database=outside.ports.database, blobs=outside.ports.blobs, send=outside.ports.send,
                now=lambda: self.now,
            ),
            credential=lambda _ports, _name: self._credential(),
            chance=lambda: 0.0,
            log_key=b"x",
        )  # fmt: skip

    @property
    def snapshot(self):
        mailbox = MailboxSettings.model_validate(
            {"address": self.mailbox, "serverProfile": "p", "credential": "c", "user": "ada", "outgoing": self.method}
        )
        profile = ServerProfile.model_validate(self.fields)
        return Snapshot(version=self.version, mailboxes={self.mailbox: mailbox}, profiles={"p": profile})

    def _credential(self):
        if self.password is None:
            raise Refused("there is no such credential")
        return Password(self.password)

    def change(self, **fields):
        self.fields |= fields
        self.version += 1

    def look(self, minutes=1):
        self.now += timedelta(minutes=minutes)
        with ThreadPoolExecutor(1) as pool:
            self.tests.turn(pool)
        return self.state()

    def state(self):
        query = "SELECT phase, reason FROM fetcher.mailbox_state WHERE mailbox = %(mailbox)s AND direction = 'outgoing'"
        return next(iter(self.outside.rows(query)), None)

    def ask(self):
        """A person asks for a test."""
        self.now += timedelta(seconds=1)
        with self.outside.ports.database.transaction() as connection:
            connection.execute(
                "INSERT INTO fetcher.command (id, kind, object, author, reason, applied)"
                " VALUES (%s, 'test-mailbox', %s, 'x', '', %s)",
                (uuid4(), f"mailbox/{self.mailbox}", self.now),
            )
            return outgoing_life.request_test(connection, self.mailbox, self.now)

    def told(self):
        rows = self.outside.rows("SELECT value FROM fetcher.outbox WHERE topic = 'alert-signals' ORDER BY id")
        found = [decode(value)[1] for (value,) in rows]
        mine = [s for s in found if s["object"] == f"mailbox/{self.mailbox}"]
        assert {"outgoing"} >= {s["direction"] for s in mine}
        return [(s["code"], s["state"]) for s in mine]


@pytest.fixture
def asked():
    return Envelopes()


@pytest.fixture
def sending(outside, asked):
    with listening(asked, {"ada": "right"}) as server:
        yield Sending(outside, server)


def test_a_mailbox_that_may_send_is_tested_once_and_enabled(sending, asked):
    assert ("enabled", "") == sending.look()
    assert ("enabled", "") == sending.look()

    assert [sending.mailbox] == asked.senders
    query = "SELECT to_phase FROM fetcher.mailbox_transition WHERE mailbox = %(mailbox)s ORDER BY id"
    assert ["approved", "test_scheduled", "testing", "enabled"] == [row[0] for row in sending.outside.rows(query)]
    assert [] == sending.told()


def test_one_that_may_not_send_is_never_asked_about(sending, asked):
    sending.method = "none"

    assert sending.look() is None
    assert [] == asked.senders


def test_a_wrong_password_is_an_alert_until_a_later_try_succeeds(sending):
    sending.password = "wrong"
    assert ("disabled", "login_refused") == sending.look()
    assert ("disabled", "login_refused") == sending.look()

    sending.password = "right"
    assert ("enabled", "") == sending.look(minutes=120)
    assert [("login_refused", "raised"), ("login_refused", "cleared")] == sending.told()


def test_a_missing_credential_and_a_refused_sender_are_told_by_codes_of_their_own(sending, asked):
    sending.password = None
    assert "disabled" == sending.look()[0]

    sending.password, asked.reply = "right", "550 not yours"
    assert ("disabled", "sender_refused") == sending.look(minutes=120)


def test_a_server_that_is_away_is_asked_again_and_disabled_after_ten_times(sending):
    sending.change(outgoingPort=1)
    assert ("backing_off", "connection_refused") == sending.look()
    for _ in range(9):
        sending.look(minutes=20)

    assert ("disabled", "retries_used_up") == sending.state()


def test_what_a_person_asks_for_is_tested_and_told(sending, asked):
    sending.look()

    assert sending.ask()
    assert ("test_scheduled", "") == sending.state()
    assert ("enabled", "") == sending.look()
    assert 2 == len(asked.senders)
    assert [("test_passed", "raised"), ("test_passed", "cleared")] == sending.told()


def test_another_way_to_send_is_tested_and_another_description_is_not(sending, asked):
    sending.look()
    sending.change(description="ours")
    sending.look()
    assert 1 == len(asked.senders)

    sending.change(outgoingTls="starttls")
    assert ("disabled", "tls_not_offered") == sending.look()


def test_an_inactive_profile_deactivates_and_the_alert_goes(sending):
    sending.password = "wrong"
    sending.look()
    sending.change(active=False)

    assert ("deactivated", "") == sending.look()
    assert ("login_refused", "cleared") == sending.told()[-1]
    assert not sending.ask()


def test_a_test_that_nobody_ended_is_made_by_the_next(sending, asked):
    sending.tests.credential = lambda _ports, _name: (_ for _ in ()).throw(Retry("PostgreSQL is away"))
    assert ("testing", "") == sending.look()

    sending.tests.credential = lambda _ports, _name: Password("right")
    assert ("enabled", "") == sending.look(minutes=6)
