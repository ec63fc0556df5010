"""Folder names, roles and stable ids."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.fetcher.folders import Folder, decode_name, encode_name, folder_id, parse_list, quoted, role


@pytest.mark.parametrize(
    ("raw", "name"),
    [
        pytest.param(b"INBOX", "INBOX", id="ascii"),
        pytest.param(b"Entw&APw-rfe", "Entwürfe", id="umlaut"),
        pytest.param(b"&U,BTFw-", "台北", id="comma instead of slash"),
        pytest.param(b"~peter/mail/&U,BTFw-/&ZeVnLIqe-", "~peter/mail/台北/日本語", id="the example of RFC 3501"),
        pytest.param(b"A &- B", "A & B", id="ampersand"),
        pytest.param(b"&2D3cqQ-", "💩", id="surrogate pair"),
    ],
)
def test_utf7(raw, name):
    assert name == decode_name(raw)
    assert raw.decode() == encode_name(name)


@pytest.mark.parametrize("raw", [b"&", b"&AB-x", b"&!!!-", b"&2D0-", "Entwürfe".encode(), b"\xff\xfe"])
def test_a_broken_name_is_read_as_it_can_be(raw):
    assert decode_name(raw)


@given(st.text(st.characters(blacklist_categories=["Cs"]), max_size=30))
def test_utf7_round_trip(name):
    assert name == decode_name(encode_name(name).encode())
    assert encode_name(name).isascii()


def test_a_line_break_is_no_argument():
    with pytest.raises(ValueError, match="line break"):
        quoted("INBOX\r\na1 DELETE INBOX")


def test_list_answers_in_every_shape():
    answers = [
        b'(\\HasNoChildren \\Sent) "/" "Gesendet"',
        b'(\\HasNoChildren) "." INBOX.Sent',
        b'() NIL "with \\"quotes\\""',
        (b'(\\HasNoChildren) "/" {8}', b'lit"eral'),
        b")",
        None,
        b"nonsense",
    ]

    found = parse_list(answers)

    assert ["Gesendet", "INBOX.Sent", 'with "quotes"', 'lit"eral'] == [f.name for f in found]
    assert "\\sent" in found[0].attributes
    assert ["/", ".", "", "/"] == [f.delimiter for f in found]


def folder(name, *attributes, delimiter="/"):
    return Folder(name, delimiter, frozenset(attributes))


@pytest.mark.parametrize(
    ("name", "folders", "expected"),
    [
        pytest.param("INBOX", [], "inbox", id="inbox"),
        pytest.param("Inbox", [], "inbox", id="inbox in any case"),
        pytest.param("Gone", [folder("Gone", "\\sent")], "sent", id="special use"),
        pytest.param("Sent", [folder("Gone", "\\sent"), folder("Sent")], "", id="special use beats the name"),
        pytest.param("Sent Items", [folder("Sent Items")], "sent", id="well-known name"),
        pytest.param("Gesendete Elemente", [], "sent", id="German Outlook"),
        pytest.param("INBOX.Sent", [folder("INBOX.Sent", delimiter=".")], "sent", id="below INBOX"),
        pytest.param("[Gmail]/Sent Mail", [], "sent", id="Gmail"),
        pytest.param("Sent to lawyers", [], "", id="only the whole name counts"),
        pytest.param("Archive", [], "", id="none"),
    ],
)
def test_role(name, folders, expected):
    assert expected == role(name, folders)


def test_folder_id_prefers_what_survives_a_rename():
    assert folder_id("Old", "F1") == folder_id("New", "F1")
    assert folder_id("inbox", None) == folder_id("INBOX", None)
    assert folder_id("A", None) != folder_id("B", None)
