import pytest

from services.domain.approval import Permit
from services.domain.errors import Refused
from services.domain.polled import Idle
from services.settings.permits import forwarding, permit_of, push_permit_of, readable, sending_of, unpolled
from services.settings.snapshot import EMPTY, apply

MAILBOX = {"address": "ada@example.org", "serverProfile": "main", "user": "ada", "credential": "c"}


def test_a_mailbox_whose_profile_has_not_come_yet_is_not_read():
    """Between two records of one change the settings may lack it, and whoever looks it up then would end."""
    before = apply(EMPTY, "mailbox/ada@example.org", 1, MAILBOX)
    after = apply(before, "server-profile/main", 2, {"host": "h", "port": 993})

    assert (Permit.DEACTIVATED, []) == (permit_of(before, "ada@example.org"), readable(before))
    assert (Permit.ALLOWED, ["ada@example.org"]) == (permit_of(after, "ada@example.org"), readable(after))


def test_a_mailbox_of_a_user_needs_its_approval_unless_the_switch_is_off():
    rejected = {**MAILBOX, "owner": {"type": "user", "id": "u"}, "approved": False}
    found = apply(EMPTY, "server-profile/main", 1, {"host": "h", "port": 993})
    found = apply(found, "mailbox/ada@example.org", 2, rejected)

    assert Permit.PENDING is permit_of(found, "ada@example.org")
    off = apply(found, "organization", 3, {"approval.usersOnly": False})
    assert Permit.ALLOWED is permit_of(off, "ada@example.org")


SERVER = {"host": "h", "port": 993}


def mailboxes(**fields):
    found = apply(EMPTY, "server-profile/main", 1, SERVER)
    return apply(found, "mailbox/ada@example.org", 2, {**MAILBOX, **fields})


def test_a_mailbox_that_is_only_pushed_to_is_not_read():
    pushed = apply(EMPTY, "mailbox/ada@example.org", 1, {"address": "ada@example.org", "incoming": "push"})

    for settings in (pushed, mailboxes(incoming="push")):
        assert (Idle.PUSH, []) == (unpolled(settings, "ada@example.org"), readable(settings))
        assert Permit.ALLOWED is push_permit_of(settings, "ada@example.org")


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({}, Permit.ALLOWED),
        ({"enabled": False}, Permit.DEACTIVATED),
        ({"owner": {"type": "user", "id": "u"}, "approved": False}, Permit.PENDING),
    ],
    ids=["wanted", "disabled", "not approved"],
)
@pytest.mark.parametrize("incoming", ["sss", "push"])
def test_what_is_pushed_is_taken_as_enabled_and_approved(fields, expected, incoming):
    assert expected is push_permit_of(mailboxes(incoming=incoming, **fields), "ada@example.org")


@pytest.mark.parametrize("incoming", ["none", "client", "forward"])
def test_what_is_pushed_to_a_mailbox_that_receives_otherwise_is_not_taken(incoming):
    assert Permit.DEACTIVATED is push_permit_of(mailboxes(incoming=incoming), "ada@example.org")


def test_a_mailbox_that_is_only_pushed_to_sends_through_its_server_where_it_has_one():
    with pytest.raises(Refused, match="serverProfile is missing"):
        apply(
            EMPTY, "mailbox/ada@example.org", 1, {"address": "ada@example.org", "incoming": "push", "outgoing": "sss"}
        )
    found = apply(mailboxes(incoming="push", outgoing="sss"), "server-profile/main", 3, {**SERVER, "outgoingHost": "h"})

    assert Permit.ALLOWED is sending_of(found, "ada@example.org")
    assert [] == readable(found)


def test_a_mailbox_that_receives_by_a_forward_mailbox_is_not_read_and_may_be_forwarded_for_once_approved():
    forwarded = {"address": "ada@example.org", "incoming": "forward", "owner": {"type": "user", "id": "u"}}
    found = apply(EMPTY, "mailbox/ada@example.org", 1, forwarded)
    pending = apply(found, "mailbox/ada@example.org", 2, {**forwarded, "approved": False})
    read = apply(found, "mailbox/ada@example.org", 2, MAILBOX)

    assert (Idle.FORWARD, []) == (unpolled(found, "ada@example.org"), readable(found))
    assert [{"ada@example.org"}, set(), set()] == [forwarding(one) for one in (found, pending, read)]
