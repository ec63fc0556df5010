"""Which messages a mail has as attachments, however they are wrapped (domain rule 1.3)."""

import base64

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from services.mime import Limits, enclosed, enclosed_file, parse
from services.mime.enclosed import DEEPEST, MOST
from services.mime.tnef import read
from services.mime.tnef_parts import unpack
from services.mime.tree import Node
from tests import winmail

INNER = (
    b"Message-ID: <inner@customer.example>\nFrom: Kim <kim@customer.example>\nTo: anna@own.example\n"
    b"Subject: Pallets\nDate: Mon, 4 May 2026 10:00:00 +0000\n\nTwo pallets, please.\n"
)
RULE = b"X-MS-Exchange-Inbox-Rules-Loop: anna@own.example\n"


def wrapped(
    inner: bytes, kind: bytes = b"message/rfc822", more: bytes = b"", head: bytes = b"", name: str = "o"
) -> bytes:
    mail = (
        b"Message-ID: <o@own.example>\nFrom: anna@own.example\nTo: collect@own.example\n"
        + head
        + b"MIME-Version: 1.0\n"
        b'Content-Type: multipart/mixed; boundary="b-o"\n\n--b-o\nContent-Type: text/plain\n\n\n--b-o\nContent-Type: '
    )
    mail += kind + b"\n" + more + b"\nINNER\n--b-o--\n"
    return mail.replace(b"b-o", f"b-{name}".encode()).replace(b"<o@", f"<{name}@".encode()).replace(b"INNER", inner)


def outlook(data: bytes) -> bytes:
    return wrapped(
        base64.encodebytes(data), b'application/ms-tnef; name="winmail.dat"', b"Content-Transfer-Encoding: base64\n"
    )


def ids(found) -> list[str | None]:
    return [parse(one).message_id for one in found]


EMBEDDED = winmail.stream(
    winmail.embedded(
        winmail.stream(
            winmail.file("list.pdf", b"%PDF"),
            values=[
                winmail.text(0x1035, "<inner@customer.example>"), winmail.text(0x0C1A, "Kim"),
                winmail.text(0x5D01, "kim@customer.example"), winmail.text(0x0037, "Pallets — two"),
                winmail.text(0x1000, "Two pallets, please."),
                (0x40, 0x0039, (134223624000000000).to_bytes(8, "little")),
            ],
        )
    )
)  # fmt: skip
HEADERS = INNER.decode().partition("\n\n")[0] + "\nContent-Type: x/y;\n a=b\n"
CAME_WITH = winmail.stream(
    winmail.embedded(
        winmail.stream(values=[
            winmail.text(0x007D, HEADERS.replace("\n", "\r\n")),
            (0x102, 0x1013, b"<p>Two pallets, please.</p>"),
        ])
    )
)  # fmt: skip


@pytest.mark.parametrize(
    "mail",
    [
        pytest.param(wrapped(INNER), id="message/rfc822"),
        pytest.param(wrapped(INNER).replace(b"\n", b"\r\n"), id="CRLF"),
        pytest.param(
            b"From: anna@own.example\nTo: collect@own.example\nMIME-Version: 1.0\nContent-Type: message/rfc822\n\n"
            + INNER,
            id="nothing else in it",
        ),
        pytest.param(
            wrapped(base64.encodebytes(INNER), more=b"Content-Transfer-Encoding: base64\n"),
            id="message/rfc822 in base64",
        ),
        pytest.param(
            wrapped(
                base64.encodebytes(INNER),
                b"application/octet-stream",
                b'Content-Disposition: attachment; filename="Pallets.EML"\nContent-Transfer-Encoding: base64\n',
            ),
            id="a file",
        ),
        pytest.param(outlook(winmail.stream(winmail.file("pallets.eml", INNER))), id="a file in TNEF"),
        pytest.param(outlook(EMBEDDED), id="properties in TNEF"),
        pytest.param(outlook(CAME_WITH), id="with its headers in TNEF"),
        pytest.param(wrapped(wrapped(INNER, head=RULE, name="i")), id="a forwarder's forwarder"),
    ],
)
def test_a_forwarded_message_is_found(mail):
    (found,) = enclosed(mail)

    message = parse(found)
    assert "inner@customer.example" == message.message_id
    assert ["kim@customer.example"] == [one.address for one in message.from_]
    assert "Two pallets, please." == message.body_text.strip()


def test_the_bytes_of_a_forwarded_message_are_its_own():
    assert (INNER.strip(),) == tuple(one.strip() for one in enclosed(wrapped(INNER)))


def test_an_embedded_message_keeps_its_attachments_and_its_date():
    message = parse(enclosed(outlook(EMBEDDED))[0])

    assert ["list.pdf"] == [part.filename for part in message.attachments]
    assert ("2026-05-04", "Pallets — two") == (str(message.date)[:10], message.subject)


@pytest.mark.parametrize(
    "mail",
    [
        pytest.param(INNER, id="redirected as it is"),
        pytest.param(b"", id="nothing"),
        pytest.param(wrapped(b"%PDF", b"application/pdf"), id="another file"),
        pytest.param(wrapped(b"no mail at all\n", b"message/rfc822"), id="no mail in it"),
        pytest.param(outlook(b"\x78\x9f\x3e\x22" + b"\xff" * 500), id="garbage in TNEF"),
        pytest.param(outlook(b"\0" * 500), id="no TNEF at all"),
    ],
)
def test_a_mail_without_a_message_in_it_has_none(mail):
    assert () == enclosed(mail)


def test_several_messages_are_found_in_order():
    other = INNER.replace(b"inner@", b"other@")
    mail = wrapped(INNER + b"\n--b-o\nContent-Type: message/rfc822\n\n" + other)

    assert ["inner@customer.example", "other@customer.example"] == ids(enclosed(mail))


def test_more_messages_than_anybody_forwards_one_by_one_are_none():
    mail = wrapped(INNER + (b"\n--b-o\nContent-Type: message/rfc822\n\n" + INNER) * MOST)

    assert () == enclosed(mail)


def test_what_a_person_forwards_as_an_attachment_is_the_message():
    assert ["i@own.example"] == ids(enclosed(wrapped(wrapped(INNER, name="i"))))


@pytest.mark.parametrize("levels", [1, DEEPEST, DEEPEST + 3, 1000])
def test_any_nesting_ends_within_its_bounds(levels):
    mail = INNER
    for level in range(levels):
        mail = wrapped(mail, head=RULE, name=f"{level}x")
    found = enclosed(mail)

    assert len(found) <= 1
    if levels <= DEEPEST:
        assert ["inner@customer.example"] == ids(found)


def test_a_stream_of_streams_ends_within_its_bounds():
    inner = winmail.stream(values=[winmail.text(0x1035, "<deep@x>")])
    for _ in range(200):
        inner = winmail.stream(winmail.embedded(inner), values=[winmail.text(0x1035, "<level@x>")])

    node = Node("application/ms-tnef", content=inner)
    assert [] == unpack(node)
    assert ["message/rfc822"] == [part.content_type for part in node.children]


@settings(max_examples=300, suppress_health_check=[HealthCheck.too_slow])
@given(st.binary(max_size=400), st.integers(0, 4000), st.binary(min_size=1, max_size=8))
def test_a_damaged_stream_is_read_as_far_as_it_goes(noise, place, change):
    data = bytearray(EMBEDDED)
    place %= len(data)
    data[place : place + len(change)] = change

    unpack(Node("application/ms-tnef", content=bytes(data)))
    read(winmail.SIGNATURE + noise)


def test_a_mail_too_large_for_this_process_is_unwrapped_by_a_child(tmp_path):
    file, room = tmp_path / "mail", tmp_path / "room"
    room.mkdir()
    file.write_bytes(wrapped(INNER + b"x" * 2000))
    small = Limits(in_process_bytes=1000)

    assert ["inner@customer.example"] == ids(enclosed(file.read_bytes(), limits=small))
    assert ["inner@customer.example"] == ids(one.read_bytes() for one in enclosed_file(file, room, limits=small))
