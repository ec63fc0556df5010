"""Address headers as they are written, by rule and against it."""

import pytest

from services.domain.message import Mailbox
from services.mime.addresses import mailboxes

CASES = {
    "bare": ("a@example.org", [("", "a@example.org")]),
    "named": ("Ann Lee <a@example.org>", [("Ann Lee", "a@example.org")]),
    "quoted with comma": (
        '"Lee, Ann" <a@example.org>, b@example.org',
        [("Lee, Ann", "a@example.org"), ("", "b@example.org")],
    ),
    "quoted pair": (r'"Ann \"Bee\" Lee" <a@example.org>', [("Ann Bee Lee", "a@example.org")]),
    "comment as name": ("a@example.org (Ann)", [("Ann", "a@example.org")]),
    "nested comment": ("a@example.org (Ann (really))", [("Ann (really)", "a@example.org")]),
    "group": ("team: a@example.org, B <b@example.org>;", [("", "a@example.org"), ("B", "b@example.org")]),
    "empty group": ("undisclosed-recipients:;", []),
    "semicolons of Outlook": ("a@example.org; b@example.org", [("", "a@example.org"), ("", "b@example.org")]),
    "forgotten comma": ("a@example.org b@example.org", [("", "a@example.org"), ("", "b@example.org")]),
    "encoded comma": ("=?utf-8?q?Lee=2C_Ann?= <a@example.org>", [("Lee, Ann", "a@example.org")]),
    "encoded address in a name": (
        "=?utf-8?q?boss=40example=2Ecom?= <a@example.org>",
        [("boss@example.com", "a@example.org")],
    ),
    "address as name": ("boss@example.com <a@example.org>", [("boss@example.com", "a@example.org")]),
    "quoted local part": ('"a b"@example.org', [("", '"a b"@example.org')]),
    "route": ("<@relay,@other:a@example.org>", [("", "a@example.org")]),
    "open quote": ('"Ann <a@example.org>, b@example.org', [("Ann", "a@example.org"), ("", "b@example.org")]),
    "open bracket": ("Ann <a@example.org", [("Ann", "a@example.org")]),
    "bounce": ("Mail Delivery <MAILER-DAEMON>", [("Mail Delivery", "MAILER-DAEMON")]),
    "null": ("<>", []),
    "name alone": ("Ann Lee", []),
    "international": ("Аня <аня@пример.рф>", [("Аня", "аня@пример.рф")]),
    "everything encoded": ("=?utf-8?q?Ann_=3Ca=40example=2Eorg=3E?=", [("Ann", "a@example.org")]),
    "direction marks": ("\u202eAnn\u2066 <\u202aa@example.org\u202c>", [("Ann", "a@example.org")]),
    "a direction mark inside": ("Ann <a\u202e@example.org>", [("Ann", "a\ufffd@example.org")]),
    "comment in brackets": ("Ann <a(<b@example.com>)@example.org>", [("Ann", "a@example.org")]),
    "comment without end in brackets": (
        "<a@example.org(b> <c@example.org>",
        [("", "a@example.org(b"), ("", "c@example.org")],
    ),
    "encoded group": ("=?utf-8?q?boss=40example=2Ecom?=: ;", []),
}


@pytest.mark.parametrize(("written", "expected"), CASES.values(), ids=CASES.keys())
def test_mailboxes(written, expected):
    assert [Mailbox(*pair) for pair in expected] == list(mailboxes(written))


def test_mailboxes_stops_at_its_limit():
    assert len(mailboxes("a@example.org," * 100, limit=7)) == 7
    assert len(mailboxes('"x\\"" <a@example.org>,' * 100, limit=7)) == 7
