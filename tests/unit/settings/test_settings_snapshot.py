import pytest

from services.domain.errors import Refused
from services.settings.snapshot import EMPTY, apply

MAILBOX = {"address": "ada@example.org", "serverProfile": "main", "user": "ada", "credential": "c"}


def test_without_any_record_the_defaults_are_in_force():
    assert 0 == EMPTY.version
    assert EMPTY.organization.tracking_headers
    assert ({}, {}, {}) == (EMPTY.mailboxes, EMPTY.profiles, EMPTY.principals)


def test_each_kind_finds_its_place():
    found = apply(EMPTY, "organization", 1, {"filter.userDefault": 0})
    found = apply(found, "server-profile/main", 2, {"host": "h", "port": 143})
    found = apply(found, "mailbox/ada@example.org", 3, MAILBOX)
    found = apply(found, "principal/user:u1", 4, {"filter": 2})

    assert 4 == found.version
    assert 0 == found.organization.filter_user_default
    assert "h" == found.profiles["main"].host
    assert "main" == found.mailboxes["ada@example.org"].server_profile
    assert 2 == found.principals["user:u1"].filter


def test_a_snapshot_that_somebody_holds_does_not_change():
    before = apply(EMPTY, "principal/user:u1", 1, {"filter": 2})

    after = apply(before, "principal/user:u1", 2, {"filter": 3})

    assert (2, 3) == (before.principals["user:u1"].filter, after.principals["user:u1"].filter)
    with pytest.raises(TypeError):
        after.principals["user:u2"] = before.principals["user:u1"]  # type: ignore[index]


def test_what_is_removed_is_gone_and_the_organization_back_at_its_defaults():
    found = apply(EMPTY, "principal/user:u1", 1, {"filter": 2})
    found = apply(found, "organization", 2, {"filter.userDefault": 0})

    found = apply(apply(found, "principal/user:u1", 3, None), "organization", 4, None)

    assert (4, {}, 1) == (found.version, dict(found.principals), found.organization.filter_user_default)
    assert 5 == apply(found, "principal/user:u9", 5, None).version


def test_the_version_never_goes_back():
    """The topic is compacted: records of different keys may come in any order of their versions."""
    found = apply(apply(EMPTY, "principal/user:u1", 9, {}), "principal/user:u2", 4, {})

    assert 9 == found.version


def test_an_invalid_record_leaves_everything_as_it_was():
    with pytest.raises(Refused):
        apply(EMPTY, "organization", 1, {"filter.userDefault": 9})

    assert 1 == EMPTY.organization.filter_user_default
