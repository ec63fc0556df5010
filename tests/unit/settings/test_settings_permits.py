from services.domain.approval import Permit
from services.settings.permits import forwarding, permit_of, readable
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


def test_a_mailbox_that_receives_by_a_forward_mailbox_is_not_read_and_may_be_forwarded_for_once_approved():
    forwarded = {"address": "ada@example.org", "incoming": "forward", "owner": {"type": "user", "id": "u"}}
    found = apply(EMPTY, "mailbox/ada@example.org", 1, forwarded)
    pending = apply(found, "mailbox/ada@example.org", 2, {**forwarded, "approved": False})
    read = apply(found, "mailbox/ada@example.org", 2, MAILBOX)

    assert (Permit.DEACTIVATED, []) == (permit_of(found, "ada@example.org"), readable(found))
    assert [{"ada@example.org"}, set(), set()] == [forwarding(one) for one in (found, pending, read)]
