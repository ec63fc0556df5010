"""A ``winmail.dat`` is taken apart: what is in it are parts of the mail, to be read by their paths."""

import base64

import pytest

from services.domain.message import PartRole
from services.mime import Limits, parse, part_content
from tests import winmail

INNER = winmail.stream(values=[winmail.text(0x1035, "<inner@x>"), winmail.text(0x0037, "Pallets / two")])
LOGO = winmail.attribute(0x00069002, b"\0" * 14) + winmail.attribute(0x0006800F, b"\x89PNG")
LOGO += winmail.attribute(
    0x00069005,
    winmail.properties([
        winmail.text(0x3707, "logo.png"),
        winmail.text(0x370E, "image/PNG"),
        winmail.text(0x3712, "logo@x"),
    ]),
)  # fmt: skip
STREAM = winmail.stream(winmail.file("list.pdf", b"%PDF-"), winmail.embedded(INNER), LOGO)
TYPE = b'Content-Type: application/ms-tnef; name="winmail.dat"\nContent-Transfer-Encoding: base64\n\n'
HEAD = b"Message-ID: <o@x>\nFrom: kim@x\nMIME-Version: 1.0\n"


def mail(stream: bytes, text: bytes = b"Content-Type: text/plain\n\nHello\n", kind: bytes = TYPE) -> bytes:
    head = HEAD + b"Content-Type: multipart/mixed; boundary=b\n\n--b\n"
    return head + text + b"--b\n" + kind + base64.encodebytes(stream) + b"--b--\n"


def shape(raw: bytes, **limits) -> list[tuple[str, str, str]]:
    return [(p.path, p.content_type, p.filename) for p in parse(raw, limits=Limits(**limits)).attachments]


@pytest.mark.parametrize("limits", [{}, {"in_process_bytes": 100}], ids=["here", "in a child"])
@pytest.mark.parametrize(
    "kind",
    [TYPE, TYPE.replace(b"application/ms-tnef", b"application/octet-stream"), TYPE.replace(b"ms-tnef", b"vnd.ms-tnef")],
    ids=["by type", "by name", "by its other type"],
)
def test_what_is_in_it_are_parts_of_the_mail(kind, limits):
    expected = [
        ("2.1", "application/octet-stream", "list.pdf"),
        ("2.2", "message/rfc822", "Pallets  two.eml"),
        ("2.3", "image/png", "logo.png"),
    ]

    assert expected == shape(mail(STREAM, kind=kind), **limits)


def test_its_parts_are_read_by_their_paths():
    assert b"%PDF-" == part_content(mail(STREAM), "2.1")
    assert b"Message-ID: <inner@x>" in part_content(mail(STREAM), "2.2")


def test_a_picture_that_the_text_shows_is_inline():
    shown = mail(STREAM, b'Content-Type: text/html\n\n<img src="cid:logo@x">\n')

    roles = {p.filename: (p.role, p.content_id) for p in parse(shown).attachments}
    assert (PartRole.INLINE, "logo@x") == roles["logo.png"]
    assert (PartRole.ATTACHMENT, "") == roles["list.pdf"]


def test_a_program_in_it_is_known_by_its_content():
    program = b"MZ" + b"\0" * 90

    assert ["exe"] == [p.sniffed for p in parse(mail(winmail.stream(winmail.file("a.pdf", program)))).attachments]


def test_the_text_in_it_is_that_of_the_mail_when_there_is_no_other():
    stream = winmail.stream(winmail.file("list.pdf", b"%PDF-"), values=[winmail.text(0x1000, "From the stream — €")])
    alone = HEAD + TYPE + base64.encodebytes(stream)

    assert ("From the stream — €", ["2"]) == (parse(alone).body_text, [p.path for p in parse(alone).attachments])
    assert "Hello" == parse(mail(stream)).body_text.strip()


@pytest.mark.parametrize(
    "stream", [winmail.stream(), b"\0" * 90, winmail.SIGNATURE + b"\xff" * 90], ids=["nothing in it", "none", "garbage"]
)
def test_one_without_attachments_stays_as_it_is(stream):
    assert [("2", "application/ms-tnef", "winmail.dat")] == shape(mail(stream))


def test_one_that_breaks_off_gives_what_is_there_and_says_so():
    message = parse(mail(winmail.stream(winmail.file("a.pdf", b"%PDF-"), winmail.file("b.pdf", b"x" * 90))[:-40]))

    assert ["a.pdf", "b.pdf"] == [p.filename for p in message.attachments]
    assert "TNEF breaks off" in message.repairs
    assert () == parse(mail(STREAM)).repairs
