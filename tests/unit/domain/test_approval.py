"""Who may be read: the administrator's wish and the approval of the address."""

import pytest

from services.domain.approval import Permit, permit


@pytest.mark.parametrize(
    ("wanted", "approved", "owner", "switches", "expected"),
    [
        pytest.param(True, True, "user", (True, True), Permit.ALLOWED, id="approved"),
        pytest.param(True, False, "user", (True, False), Permit.PENDING, id="a user's is not approved"),
        pytest.param(True, False, "user", (False, True), Permit.ALLOWED, id="users need no approval"),
        pytest.param(True, False, "queue", (False, True), Permit.PENDING, id="a queue's is not approved"),
        pytest.param(True, False, "queue", (True, False), Permit.ALLOWED, id="queues need no approval"),
        pytest.param(True, False, None, (True, True), Permit.ALLOWED, id="nobody's needs no approval"),
        pytest.param(False, True, "user", (True, True), Permit.DEACTIVATED, id="not wanted"),
        pytest.param(False, False, "user", (True, True), Permit.DEACTIVATED, id="not wanted comes first"),
    ],
)
def test_permit(wanted, approved, owner, switches, expected):
    users, queues = switches
    found = permit(wanted=wanted, approved=approved, owner=owner, users_only=users, queues_only=queues)

    assert expected == found
