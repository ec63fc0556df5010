"""Which folders are read: the inbox is one folder, however server, settings and rules write it."""

import pytest

from services.fetcher.choosing import Wanted, choose
from services.fetcher.folders import Folder, Status

SPELLINGS = ["INBOX", "inbox", "Inbox"]
RULE = "folder-rule/a"


def folder(name, mailbox_id=None):
    status = Status(uidvalidity=7, uidnext=1, mailbox_id=mailbox_id)
    return Folder(name, "/", frozenset(), status)


@pytest.mark.parametrize("listed", SPELLINGS)
@pytest.mark.parametrize("asked", SPELLINGS)
@pytest.mark.parametrize("ruled", SPELLINGS)
def test_the_inbox_is_read_once_under_the_servers_name_and_by_its_rule(listed, asked, ruled):
    wanted = Wanted(folders=(asked,), rules={ruled: RULE})
    (place,) = choose(wanted, [folder("Sent"), folder(listed)])

    assert (listed, "inbox", RULE, True) == (place.name, place.role, place.tracked_by, place.inbox)


def test_another_folder_of_these_letters_is_another():
    places = choose(
        Wanted(folders=("INBOX", "Kunden", "kunden")), [folder("Kunden"), folder("kunden"), folder("inbox")]
    )

    assert ["inbox", "Kunden", "kunden"] == [place.name for place in places]


@pytest.mark.parametrize("name", SPELLINGS)
def test_the_inbox_is_where_mail_comes_in_whatever_became_of_the_folder_that_was_it(name):
    """RENAME of INBOX moves its mails, with its id, and leaves an empty inbox (RFC 9051 section 6.3.6)."""
    wanted = Wanted(folders=(name,), rules={name: RULE})
    known_as = {name: "old", f"{RULE}/{name}": "old"}
    (place,) = choose(wanted, [folder("Archive", "old"), folder("INBOX", "new")], known_as)

    assert ("INBOX", RULE) == (place.name, place.tracked_by)
