"""Which methods and what else of the settings keep a mailbox from being read and sent for."""

import pytest

from services.domain.polled import Idle, polled, sent_for

WELL = {"profile_active": True, "credential": True}


def test_a_mailbox_of_the_server_side_is_read_and_sent_for():
    assert polled(incoming="sss", **WELL) is None
    assert sent_for(outgoing="sss", server=True, **WELL) is None


@pytest.mark.parametrize("method", ["none", "client", "forward"])
def test_every_other_method_is_a_reason_of_its_own(method):
    assert Idle(method) is polled(incoming=method, **WELL)
    assert Idle(method) is sent_for(outgoing=method, server=True, **WELL)


@pytest.mark.parametrize(
    ("changed", "why"), [("profile_active", Idle.PROFILE_INACTIVE), ("credential", Idle.NO_CREDENTIAL)]
)
def test_the_profile_must_be_active_and_a_credential_named(changed, why):
    assert why is polled(incoming="sss", **{**WELL, changed: False})
    assert why is sent_for(outgoing="sss", server=True, **{**WELL, changed: False})


def test_without_an_outgoing_server_nothing_is_sent():
    assert Idle.NO_SERVER is sent_for(outgoing="sss", server=False, **WELL)
