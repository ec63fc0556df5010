"""The life of a mailbox on real stores and a real server: each transition, its alert and what is kept of it."""

import socket
from contextlib import contextmanager
from pathlib import Path

import pytest

from services.cli.stack import add_user
from services.domain.errors import Retry
from services.domain.mailbox_state import TRIES, Failed, Succeeded
from services.fetcher import cursor, lifecycle
from services.fetcher.cursor import FenceLost
from services.fetcher.lifecycle import Holding
from services.fetcher.position import Position
from services.settings.models import Ref
from services.settings.snapshot import EMPTY
from services.storage.postgres import Database
from tests.component.fetcher.checking import server_at
from tests.component.fetcher.living import NOW, Living

pytestmark = pytest.mark.component


@pytest.fixture
def living(outside, dovecot):
    return Living(outside, dovecot)


@contextmanager
def nobody_listens():
    """A port of this machine that refuses connections as long as the block lasts."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield taken.getsockname()[1]


def test_the_first_check_is_the_test(living):
    living.settle()
    assert ("test_scheduled", "") == living.state()
    assert ("not_run", "") == living.tested()

    assert ("", 10) == living.check()

    by_settings = [("approved", "settings"), ("test_scheduled", "settings")]
    assert [*by_settings, ("testing", "test began"), ("enabled", "test succeeded")] == living.transitions()
    assert ("success", "") == living.tested()
    assert [] == living.signals()


def test_a_check_that_comes_before_the_settings_are_noted_begins_the_life_itself(living):
    living.check()
    living.settle()

    assert ("enabled", "") == living.state()
    assert 4 == len(living.transitions())


def test_a_wrong_password_disables_at_once_and_the_right_one_enables_again_by_itself(living):
    living.password = "wrong"

    assert ("login_refused", 120) == living.check()
    assert ("disabled", "login_refused") == living.state()
    assert ["login_refused"] == living.open_alerts()
    assert "refuses user name or password" in living.tested()[1]
    assert ("login_refused", 240) == living.check()

    living.password = "secret"
    assert ("", 10) == living.check()
    assert ("enabled", "") == living.state()
    assert [] == living.open_alerts()
    assert ("enabled", "check succeeded") == living.transitions()[-1]


def test_the_password_may_also_be_mended_on_the_server(stack, living):
    add_user(Path(stack.environ["MAILWEAVE_HOME"]), living.mailbox, "another")
    living.check()
    add_user(Path(stack.environ["MAILWEAVE_HOME"]), living.mailbox, "secret")

    assert ("", 10) == living.check()
    assert [] == living.open_alerts()


def test_a_server_that_is_away_for_a_while_is_backed_off_from(living):
    living.check()
    port = living.profile.port
    with nobody_listens() as closed:
        living.profile = living.profile.model_copy(update={"port": closed})
        assert [10, 20, 40] == [living.check()[1] for _ in range(3)]
        assert ("backing_off", "connection_refused") == living.state()
        assert ["connection_refused"] == living.open_alerts()

    living.profile = living.profile.model_copy(update={"port": port})
    assert ("", 10) == living.check()
    assert ("enabled", "") == living.state()
    assert [] == living.open_alerts()


def test_a_server_that_stays_away_disables_and_a_probe_finds_it_again(living):
    port = living.profile.port
    with nobody_listens() as closed:
        living.profile = living.profile.model_copy(update={"port": closed})
        delays = [living.check()[1] for _ in range(TRIES + 6)]
    assert [120, 240, 480, 960, 1920, 3600, 3600] == delays[TRIES - 1 :]
    assert ("disabled", "retries_used_up") == living.state()
    assert ["retries_used_up"] == living.open_alerts()

    living.profile = living.profile.model_copy(update={"port": port})
    living.check()
    assert ("enabled", "") == living.state()
    assert [] == living.open_alerts()


def test_a_mailbox_without_credential_is_disabled(living):
    living.password = None
    living.check()

    assert "disabled" == living.state()[0]


def test_a_mailbox_that_is_not_wanted_is_forgiven_and_read_again_when_it_is(living):
    living.password = "wrong"
    living.check()
    living.change(enabled=False)
    living.settle()
    living.settle()

    assert ("deactivated", "") == living.state()
    assert ["raised", "cleared"] == [signal.state for signal in living.signals()]
    assert [(None, None, 0)] == living.outside.rows(
        "SELECT last_error, next_check, error_count FROM fetcher.mailbox WHERE mailbox = %(mailbox)s"
    )
    assert ("disabled", 0) == living.check()

    living.change(enabled=True)
    living.password = "secret"
    living.settle()
    living.check()
    assert ("enabled", "") == living.state()


def test_a_mailbox_that_the_settings_do_not_name_any_more_is_deactivated(living):
    living.check()
    living.settle(EMPTY)
    assert ("enabled", "") == living.state()  # older settings than those it was read under

    living.version = 2
    living.settle(type(EMPTY)(version=2))
    assert ("deactivated", "") == living.state()


def test_a_replica_with_older_settings_does_not_read_what_newer_ones_forbid(living):
    living.check()
    old = living.version
    living.change(enabled=False)
    living.settle()
    living.version, living.settings = old, living.settings.model_copy(update={"enabled": True})

    assert "disabled" == living.check()[0]
    living.settle()
    assert ("deactivated", "") == living.state()


def test_a_check_that_runs_while_its_mailbox_is_deactivated_keeps_its_mails_and_raises_nothing(living):
    """What Kafka has acknowledged gets its rows; how the check ends is nobody's concern."""
    living.password = "wrong"
    living.check()
    database, mailbox = living.outside.ports.database, living.mailbox
    running = cursor.claim(database, mailbox)

    living.change(enabled=False)
    living.settle()
    to = Position(folder_id="INBOX", folder="INBOX", uidvalidity=7, uid=7, uidnext=8)
    cursor.advance(database, mailbox, running.fence, (), to)
    held = Holding(mailbox=mailbox, fence=running.fence, version=1)
    failed = Failed(code="login_refused", detail="refused", permanent=True)
    lifecycle.end(database, held, failed, living.now, poll_seconds=10, more=False, chance=0)

    assert (7, 7, 8) == living.outside.cursor()
    assert ("deactivated", "") == living.state()
    assert [] == living.open_alerts()


def test_a_replica_that_was_outrun_changes_no_state(living):
    living.check()
    database = living.outside.ports.database
    outrun = cursor.claim(database, living.mailbox).fence
    cursor.claim(database, living.mailbox)
    held = Holding(mailbox=living.mailbox, fence=outrun, version=1)

    for late in (
        lambda: lifecycle.begin(database, held, NOW),
        lambda: lifecycle.end(database, held, Succeeded(), NOW, poll_seconds=10, more=False, chance=0),
    ):
        with pytest.raises(FenceLost):
            late()
    assert 4 == len(living.transitions())


def test_a_state_that_cannot_be_written_with_its_signal_is_not_written(living, monkeypatch):
    living.check()
    living.password = "wrong"

    def away(*_):
        raise Retry("the outbox is away")

    monkeypatch.setattr("services.fetcher.lifecycle.signals.append", away)
    with pytest.raises(AssertionError, match="world=True"):
        living.check()

    assert ("enabled", "") == living.state()


def test_a_mailbox_that_is_locked_has_its_turn_later(stack, living):
    living.check()
    living.change(enabled=False)
    other = Database(stack.environ["MAILWEAVE_POSTGRES"], "fetcher")
    with other.transaction() as connection:
        connection.execute("SELECT FROM fetcher.mailbox WHERE mailbox = %s FOR UPDATE", (living.mailbox,))
        living.settle()
        assert ("enabled", "") == living.state()
    other.close()

    living.settle()
    assert ("deactivated", "") == living.state()


def test_nobody_connects_to_a_mailbox_that_is_not_approved(outside, hostile):
    connections = []

    def greeting(*_):
        connections.append(1)
        return b"* OK ready\r\n"

    server = hostile({}, greeting=greeting)
    living = Living(outside, server_at(server.port), approved=False, owner=Ref(type="user", id="u1"))
    living.settle()
    ended = living.check()
    living.settle()

    assert ("disabled", 0) == ended
    assert ("pending_approval", "not_approved") == living.state()
    assert ["not_approved"] == living.open_alerts()
    assert [] == connections

    living.change(approved=True)
    living.check()
    assert 1 == len(connections)


def test_a_mailbox_is_read_as_soon_as_it_is_approved(outside, dovecot):
    living = Living(outside, dovecot, approved=False, owner=Ref(type="queue", id="q1"))
    living.settle()
    living.change(approved=True)
    living.settle()
    assert [] == living.open_alerts()

    living.check()

    assert ("enabled", "") == living.state()
    assert [("pending_approval", "settings"), ("approved", "settings")] == living.transitions()[:2]


def test_a_mailbox_that_is_rejected_while_it_fails_has_that_one_alert(living):
    living.change(owner=Ref(type="user", id="u1"))
    living.password = "wrong"
    living.check()
    living.change(approved=False)
    living.settle()

    assert ["not_approved"] == living.open_alerts()


def test_a_mailbox_that_failed_under_older_settings_is_named_until_it_fails_under_these(living):
    database = living.outside.ports.database
    living.password = "wrong"
    living.check()
    assert living.mailbox not in lifecycle.failed_before(database, living.version)

    living.change(enabled=True)
    assert living.mailbox in lifecycle.failed_before(database, living.version)
    living.check()
    assert living.mailbox not in lifecycle.failed_before(database, living.version)
