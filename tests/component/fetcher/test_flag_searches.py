"""Servers that will not search for flags now: no check fails for it, and what a person has flagged is seen later."""

import pytest

from tests.component.fetcher.checking import MAILS, check

pytestmark = pytest.mark.component

OFFERED = "IMAP4rev1 AUTH=PLAIN LIST-EXTENDED LIST-STATUS CONDSTORE"


class Flagging:
    """A server whose one folder says how often its flags have changed."""

    def __init__(self, hostile):
        self.modseq = 5
        self.flagged = False
        self.refuses = False
        self.server = hostile({1: MAILS[1], 2: MAILS[2]})
        self.server.hooks = {
            "CAPABILITY": lambda _s, tag, _l: f"* CAPABILITY {OFFERED}\r\n{tag} OK done\r\n".encode(),
            "LIST": self._list,
            "UID SEARCH": self._search,
            "UID FETCH": self._fetch,
        }

    def _list(self, _sock, tag, _line):
        state = f"UIDNEXT {self.server.uidnext} UIDVALIDITY 7 HIGHESTMODSEQ {self.modseq}"
        return f'* LIST () "/" INBOX\r\n* STATUS INBOX ({state})\r\n{tag} OK done\r\n'.encode()

    def _search(self, _sock, tag, line):
        assert "KEYWORD" in line
        if self.refuses:
            return f"{tag} NO [INUSE] later\r\n".encode()
        return f"* SEARCH{' 1' * self.flagged}\r\n{tag} OK done\r\n".encode()

    def _fetch(self, _sock, tag, line):
        answer = self.server.answer(tag, line)
        return answer.replace(b"UID 1 ", b"FLAGS ($MailweaveTracked) UID 1 ") if self.flagged else answer

    def flag(self):
        self.flagged, self.modseq = True, self.modseq + 1


def test_a_search_that_is_refused_fails_no_check_and_loses_no_flag(outside, hostile):
    flagging = Flagging(hostile)
    check(outside, flagging.server)
    flagging.flag()
    flagging.refuses = True
    for _ in range(2):
        assert [] == check(outside, flagging.server).left_out
    assert 2 <= sum("KEYWORD" in line for line in flagging.server.said)
    assert [("1", ""), ("2", "")] == [(r["subject"], r["tracked_by"]) for r in outside.records()]

    flagging.refuses = False
    for _ in range(2):
        check(outside, flagging.server)

    assert [("1", ""), ("2", ""), ("1", "keyword")] == [(r["subject"], r["tracked_by"]) for r in outside.records()]
