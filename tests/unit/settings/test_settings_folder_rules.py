"""Folder rules: what they may refer to, and whose mailbox is looked at when one changes."""

import pytest

from services.domain.errors import Refused
from services.fetcher.choosing import choose, wanted_of
from services.fetcher.folders import Folder
from services.settings.permits import changed
from services.settings.references import MOST_RULES, applied
from services.settings.snapshot import EMPTY

ADA, BOB = "ada@example.org", "bob@example.org"


def mailbox(address, profile="main"):
    return {"address": address, "serverProfile": profile, "user": "u", "credential": "c"}


BASE = applied(
    EMPTY,
    {
        "server-profile/main": {"host": "h", "port": 993},
        "server-profile/old": {"host": "h", "port": 995, "protocol": "pop3"},
        f"mailbox/{ADA}": mailbox(ADA),
        f"mailbox/{BOB}": mailbox(BOB, "old"),
    },
)
RULE = {"mailbox": ADA, "folder": "Kunden"}


def test_a_rule_changes_what_is_read_of_its_mailbox_alone_and_that_is_looked_at_at_once():
    after = applied(BASE, {"folder-rule/a": RULE})

    assert {"Kunden": "folder-rule/a"} == dict(wanted_of(after, ADA).rules)
    assert {} == dict(wanted_of(after, BOB).rules)
    assert [ADA] == changed(BASE, after)
    assert [] == changed(after, after)


@pytest.mark.parametrize("switch", ["tracking.folderLevel", "tracking.sentItems"])
def test_a_switch_concerns_every_mailbox(switch):
    assert [ADA, BOB] == changed(BASE, applied(BASE, {"organization": {switch: False}}))


@pytest.mark.parametrize(
    "change", [{"organization": {"tracking.folderLevel": False}}, {"folder-rule/a": {**RULE, "enabled": False}}]
)
def test_a_rule_acts_while_it_and_folder_level_tracking_are_on(change):
    assert {} == dict(wanted_of(applied(applied(BASE, {"folder-rule/a": RULE}), change), ADA).rules)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"folder-rule/a": {**RULE, "mailbox": "no@x.org"}}, "there is no mailbox/no@x.org"),
        ({"folder-rule/a": {**RULE, "mailbox": BOB}}, "POP3"),
        ({"folder-rule/a": RULE, f"mailbox/{ADA}": {"address": ADA, "incoming": "push"}}, "is read on no server"),
        ({"folder-rule/a": RULE, "folder-rule/b": RULE}, "has folder-rule/a already"),
        (
            {f"folder-rule/{n}": {**RULE, "folder": str(n)} for n in range(MOST_RULES + 1)},
            f"at most {MOST_RULES}",
        ),
    ],
    ids=["no mailbox", "POP3", "a mailbox on no server", "two rules", "too many"],
)
def test_a_rule_that_could_not_act_is_refused(changes, said):
    with pytest.raises(Refused, match=said):
        applied(BASE, changes)


def test_a_mailbox_that_has_rules_does_not_go_without_them():
    given = applied(BASE, {"folder-rule/a": RULE})

    with pytest.raises(Refused, match=r"folder-rule/a: .* or remove the rule"):
        applied(given, {f"mailbox/{ADA}": None})
    applied(given, {f"mailbox/{ADA}": None, "folder-rule/a": None})


def test_each_folder_is_read_once_whoever_asks_for_it():
    listing = [Folder("INBOX", "/", frozenset()), Folder("Sent", "/", frozenset({"\\sent"}))]
    given = applied(BASE, {f"mailbox/{ADA}": {**mailbox(ADA), "folders": ["inbox", "Sent"]}})
    given = applied(given, {"folder-rule/a": {"mailbox": ADA, "folder": "Sent"}})

    places = choose(wanted_of(given, ADA), listing)

    assert [("Sent", "sent", "folder-rule/a"), ("INBOX", "inbox", "")] == [
        (place.name, place.role, place.tracked_by) for place in places
    ]


def test_a_sent_folder_that_holds_no_mail_is_not_read():
    listing = [Folder("Sent", "/", frozenset({"\\sent", "\\noselect"}))]

    assert ["INBOX"] == [place.name for place in choose(wanted_of(BASE, ADA), listing)]
