"""From the settings in force to the addressees of an alert."""

import pytest

from services.alerter.addressing import addressed
from services.domain.alerts import Key
from services.domain.directory import RecordRef
from services.settings.snapshot import EMPTY, apply

ANNA, BEN, HELP = RecordRef("user", "anna"), RecordRef("user", "ben"), RecordRef("queue", "help")


def snapshot(*, notify=False, **profile):
    values = {
        "organization": {"alerts.notifyMailboxOwner": notify},
        "server-profile/p": {"host": "h", "port": 1, "owner": {"type": "user", "id": "ben"}, **profile},
        "mailbox/a@x.example": _mailbox("a@x.example", "user", "anna"),
        "mailbox/h@x.example": _mailbox("h@x.example", "queue", "help"),
        "mailbox/f@x.example": {"address": "f@x.example", "serverProfile": "p", "isForwardMailbox": True},
    }
    found = EMPTY
    for version, (key, value) in enumerate(values.items(), 1):
        found = apply(found, key, version, value)
    return found


def _mailbox(address, kind, name):
    return {"address": address, "serverProfile": "p", "owner": {"type": kind, "id": name}}


def test_an_alert_of_a_mailbox_is_for_its_owner_and_that_of_its_server_profile():
    assert (ANNA,) == addressed(Key("mailbox/a@x.example", "folder_unknown", "incoming"), snapshot())
    assert (HELP, BEN) == addressed(Key("mailbox/h@x.example", "unreachable", "incoming"), snapshot())
    assert (BEN,) == addressed(Key("mailbox/a@x.example", "host_unknown", "incoming"), snapshot())
    assert (BEN,) == addressed(Key("mailbox/f@x.example", "forward_several", "incoming"), snapshot())


def test_an_alert_of_a_server_profile_is_for_all_owners_of_its_mailboxes_while_the_switch_is_on():
    key = Key("server-profile/p", "profile_failing", "incoming")

    assert (BEN,) == addressed(key, snapshot())
    assert (HELP, ANNA, BEN) == addressed(key, snapshot(notify=True))


@pytest.mark.parametrize(
    ("fields", "incoming", "outgoing"),
    [
        ({}, ANNA, ANNA),
        ({"credentialRetrieval": "profile", "credential": "c"}, BEN, BEN),
        ({"credentialRetrieval": "profile", "credential": "c", "useSameForOutgoing": False}, BEN, ANNA),
    ],
)
def test_a_refused_login_is_for_whoever_logs_in(fields, incoming, outgoing):
    given = snapshot(**fields)

    assert (incoming,) == addressed(Key("mailbox/a@x.example", "login_refused", "incoming"), given)
    assert (outgoing,) == addressed(Key("mailbox/a@x.example", "login_refused", "outgoing"), given)


@pytest.mark.parametrize("about", ["mailbox/gone@x.example", "server-profile/gone", "stage/resolver", "router/any", ""])
def test_what_the_settings_do_not_name_is_for_nobody(about):
    assert () == addressed(Key(about, "host_unknown", "incoming"), snapshot(notify=True))
