"""A server that gives folders an id (RFC 8474), UTF-8 names (RFC 6855) and all their states in one answer."""

import re

import pytest

from services.fetcher import cursor
from services.fetcher.imap import session
from services.fetcher.mechanisms import Password
from services.fetcher.polling import Progress, Task, poll
from tests.component.fetcher.checking import MAILS, server_at
from tests.component.fetcher.folder_server import events_tell_the_places, moved

pytestmark = pytest.mark.component

OFFERED = "IMAP4rev1 LIST-EXTENDED LIST-STATUS SPECIAL-USE OBJECTID ENABLE UTF8=ACCEPT"


class Identifying:
    """Folders by name, each an id and mails, behind a server that says so; there are no others."""

    def __init__(self, hostile, folders, through):
        self.folders = folders
        self.through = through
        self.opened: list[str] = []
        self.enabled = False
        self.server = hostile()
        self.server.hooks = {
            "LOGIN": lambda _s, tag, _l: f"{tag} OK [CAPABILITY {OFFERED}] in\r\n".encode(),
            "ENABLE": self._enable,
            "LIST": self._list,
            "EXAMINE": self._examine,
        }

    def _enable(self, _sock, tag, line):
        self.enabled = "UTF8=ACCEPT" in line
        return f"* ENABLED UTF8=ACCEPT\r\n{tag} OK done\r\n".encode()

    def _list(self, _sock, tag, line):
        assert self.enabled
        assert line == 'LIST "" "*" RETURN (SPECIAL-USE STATUS (UIDNEXT UIDVALIDITY MAILBOXID))'
        out = ""
        for name, (identity, mails) in self.folders.items():
            out += f'* LIST () "/" "{name}"\r\n* STATUS "{name}" (UIDNEXT {max(mails, default=0) + 1} UIDVALIDITY 7'
            out += f" MAILBOXID ({identity}))\r\n"
        return out.encode() + f"{tag} OK done\r\n".encode()

    def _examine(self, sock, tag, line):
        name = line.encode("latin-1").decode().partition(" ")[2].strip('"')
        self.opened.append(name)
        if name not in self.folders:
            return f"{tag} NO none\r\n".encode()
        identity, self.server.mails = self.folders[name]
        self.server.uidnext = max(self.server.mails, default=0) + 1
        said = self.server.answer(tag, re.sub(" .*", " x", line))
        return f"* OK [MAILBOXID ({identity})] id\r\n".encode() + said

    def check(self, outside, *folders, rules=None):
        claimed = cursor.claim(outside.ports.database, outside.mailbox)
        task = Task(mailbox=outside.mailbox, fence=claimed.fence, known=claimed.folders, folders=folders,
                    limit=10**8, go_on=lambda: True, rules=rules or {})  # fmt: skip
        progress = Progress()
        with session(server_at(self.server.port), "user", Password("p")) as connection:
            poll(connection, task, self.through(outside.ports), progress)
        return progress


RULE = {"Größe & Co": "folder-rule/a"}


@pytest.fixture
def identifying(hostile, through):
    return Identifying(hostile, {"INBOX": ("i", {}), "Größe & Co": ("g", {1: MAILS[1], 2: MAILS[2]})}, through)


def test_a_renamed_folder_keeps_cursor_deliveries_and_rule_by_its_id(outside, identifying):
    identifying.check(outside, "INBOX", rules=RULE)
    before = outside.rows("SELECT id, uid FROM fetcher.delivery WHERE mailbox = %(mailbox)s ORDER BY uid")
    identifying.folders["Neu"] = ("g", {1: MAILS[1], 2: MAILS[2], 3: MAILS[3]})
    del identifying.folders["Größe & Co"]
    progress = identifying.check(outside, "INBOX", rules=RULE)

    assert [] == progress.left_out
    assert ["1", "2", "3"] == [r["subject"] for r in outside.records()]
    assert [("Größe & Co", "folder-rule/a")] * 2 + [("Neu", "folder-rule/a")] == [
        (r["folder"], r["tracked_by"]) for r in outside.records()
    ]
    rows = outside.rows("SELECT id, uid, folder FROM fetcher.delivery WHERE mailbox = %(mailbox)s ORDER BY uid")
    assert before == [row[:2] for row in rows[:2]]
    assert ["Neu"] * 3 == [row[2] for row in rows]
    assert [("Neu", 1), ("Neu", 2)] == sorted((event["folder"], event["uid"]) for event in moved(outside))
    events_tell_the_places(outside)


def test_another_folder_of_the_name_does_not_inherit_the_rule(outside, identifying):
    identifying.check(outside, "INBOX", rules=RULE)
    identifying.folders["Größe & Co"] = ("h", {1: MAILS[4]})
    progress = identifying.check(outside, "INBOX", rules=RULE)

    assert ["folder_unknown"] == [code for code, _ in progress.left_out]
    assert "another folder has its name" in progress.left_out[0].detail
    assert ["1", "2"] == [r["subject"] for r in outside.records()]


def test_a_folder_that_the_mailbox_names_may_be_made_anew(outside, identifying):
    identifying.check(outside, "Größe & Co")
    identifying.folders["Größe & Co"] = ("h", {1: MAILS[4]})
    identifying.check(outside, "Größe & Co")

    assert ["1", "2", "4"] == [r["subject"] for r in outside.records()]


def test_folders_without_news_are_not_opened(outside, identifying):
    identifying.check(outside, "INBOX", rules=RULE)
    identifying.opened.clear()
    identifying.check(outside, "INBOX", rules=RULE)

    assert [] == identifying.opened
