"""Commands to the fetcher: each acts once, none is lost, and what is no command stops nothing."""

from datetime import UTC, datetime
from uuid import uuid4

import pytest

from services.contracts import encode
from services.domain.errors import Retry
from services.fetcher import commands
from services.runtime.records import Batch, Input
from services.settings.models import Ref
from tests.component.fetcher.living import Living

pytestmark = pytest.mark.component


@pytest.fixture
def living(outside, dovecot):
    return Living(outside, dovecot)


def record(mailbox, *, kind="test-mailbox", command=None):
    value = {
        "id": command or str(uuid4()), "kind": kind, "object": f"mailbox/{mailbox}", "author": "mira", "reason": "r",
        "time": datetime.now(UTC), "target": "", "onto": "", "address": "", "record": "", "only_this": False,
    }  # fmt: skip
    return encode("Command", value)


def carry_out(living, *values, make_due=lambda _: None):
    batch = Batch([Input("commands", 0, n, b"k", value, {}) for n, value in enumerate(values)])
    database = living.outside.ports.database
    commands.carry_out(batch, database=database, make_due=make_due, now=lambda: living.now)
    return batch.rejects


def refusals(living):
    query = "SELECT refused FROM fetcher.command WHERE object = 'mailbox/' || %(mailbox)s ORDER BY applied, id"
    return [refused for (refused,) in living.outside.rows(query)]


def test_a_test_is_scheduled_and_due_and_its_result_is_kept(living):
    living.check()
    living.password = "wrong"
    due: list[str] = []

    carry_out(living, record(living.mailbox), make_due=due.extend)
    assert ("test_scheduled", "") == living.state()
    assert [living.mailbox] == due

    living.check()
    assert "failure" == living.tested()[0]
    assert ("disabled", "login_refused") == living.state()


def test_a_test_keeps_the_alert_until_it_passes(living):
    living.password = "wrong"
    living.check()
    carry_out(living, record(living.mailbox))
    assert ["login_refused"] == living.open_alerts()

    living.password = "secret"
    living.check()
    assert [] == living.open_alerts()
    assert ("success", "") == living.tested()


def test_a_command_that_comes_again_is_not_carried_out_again_but_makes_due(living):
    living.check()
    value = record(living.mailbox, command=str(uuid4()))
    due: list[str] = []
    carry_out(living, value)
    living.check()
    steps = len(living.transitions())

    carry_out(living, value, make_due=due.extend)

    assert ("enabled", "") == living.state()
    assert steps == len(living.transitions())
    assert [living.mailbox] == due


def test_what_cannot_be_made_due_now_is_offered_again(living):
    living.check()
    value = record(living.mailbox)

    def away(_):
        raise Retry("Redis does not answer")

    with pytest.raises(Retry):
        carry_out(living, value, make_due=away)
    assert ("test_scheduled", "") == living.state()
    assert [] == carry_out(living, value)


def test_what_is_no_command_is_rejected_and_its_neighbours_act(living):
    living.check()
    other = encode(
        "SettingsRecord", {"key": "x", "version": 1, "author": "", "time": living.now, "reason": "", "value": None}
    )

    rejects = carry_out(living, b"nonsense", other, record(living.mailbox, command="no uuid"), record(living.mailbox))

    assert ["undecodable_record"] * 3 == [one.code for one in rejects]
    assert ("test_scheduled", "") == living.state()


def test_a_command_for_another_service_is_passed_over(living):
    living.check()

    assert [] == carry_out(living, record(living.mailbox, kind="relink"))
    assert ("enabled", "") == living.state()
    assert [] == refusals(living)


@pytest.mark.parametrize(
    ("change", "said"),
    [({"enabled": False}, "it is deactivated"), ({"approved": False}, "it is not approved")],
)
def test_a_mailbox_that_may_not_be_read_is_not_tested(living, change, said):
    living.change(owner=Ref(type="user", id="u1"), **change)
    living.check()
    living.settle()
    phase = living.outside.rows("SELECT phase FROM fetcher.mailbox_state WHERE mailbox = %(mailbox)s")

    carry_out(living, record(living.mailbox))

    assert phase == living.outside.rows("SELECT phase FROM fetcher.mailbox_state WHERE mailbox = %(mailbox)s")
    expected = said if phase else "the fetcher does not know it yet; its first check is its test"
    assert [expected] == refusals(living)
