"""What LIST and STATUS say of folders, in the forms that servers use."""

import pytest

from services.fetcher.folder_status import list_options, parse_status
from services.fetcher.folders import Status


@pytest.mark.parametrize(
    ("offered", "asked"),
    [
        ([], ""),
        (["SPECIAL-USE"], ""),
        (["LIST-EXTENDED", "SPECIAL-USE"], "SPECIAL-USE"),
        (["LIST-STATUS"], "STATUS (UIDNEXT UIDVALIDITY)"),
        (
            ["list-status", "SPECIAL-USE", "QRESYNC", "OBJECTID"],
            "SPECIAL-USE STATUS (UIDNEXT UIDVALIDITY HIGHESTMODSEQ MAILBOXID)",
        ),
    ],
    ids=str,
)
def test_a_server_is_asked_for_what_it_offers(offered, asked):
    assert asked == list_options(offered)


@pytest.mark.parametrize(
    ("answer", "name", "status"),
    [
        (b'"INBOX" (UIDNEXT 4 UIDVALIDITY 7 HIGHESTMODSEQ 9)', "INBOX", Status(uidvalidity=7, uidnext=4, modseq=9)),
        (b"INBOX (uidvalidity 7 uidnext 4)", "INBOX", Status(uidvalidity=7, uidnext=4)),
        (
            b'"a \\"b\\" (c)" (UIDNEXT 4 MAILBOXID (F1) UIDVALIDITY 7)',
            'a "b" (c)',
            Status(uidvalidity=7, uidnext=4, mailbox_id="F1"),
        ),
        (b"Entw&APw-rfe (UIDNEXT 4 UIDVALIDITY 7)", "Entwürfe", Status(uidvalidity=7, uidnext=4)),
        (
            b"x (UIDNEXT 4 UIDVALIDITY 7 HIGHESTMODSEQ 18446744073709551615)",
            "x",
            Status(uidvalidity=7, uidnext=4),
        ),
    ],
)
def test_a_status_is_read(answer, name, status):
    assert {name: status} == parse_status([answer])


def test_a_name_may_come_as_a_literal():
    answers = [(b"{3}", b"a(b"), b" (UIDNEXT 4 UIDVALIDITY 7)"]

    assert {"a(b": Status(uidvalidity=7, uidnext=4)} == parse_status(answers)


@pytest.mark.parametrize(
    "answer", [b"", b"x", b"x ()", b"x (UIDNEXT 4)", b"x (UIDNEXT 99999999999 UIDVALIDITY 7)", None]
)
def test_what_is_no_status_is_left_out(answer):
    assert {} == parse_status([answer])
