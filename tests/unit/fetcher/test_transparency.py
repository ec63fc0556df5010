"""DATA as it stands on the wire is read back byte for byte, and ends only where RFC 5321 says."""

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.fetcher.transparency import content

LIMIT = 16
WIRE = st.lists(st.sampled_from([b"\r\n", b"\r", b"\n", b".", b"..", b"a", b"long line, longer than the limit"]))


def stuffed(mail: bytes) -> bytes:
    """What a client makes of a mail (RFC 5321 section 4.5.2)."""
    lines = mail.split(b"\r\n")
    return b"\r\n".join(b"." + line if line.startswith(b".") else line for line in lines) + b".\r\n"


def read(*wire: bytes) -> tuple[bytes, bytes]:
    """The mail, and what the reader still holds after it."""

    async def run() -> tuple[bytes, bytes]:
        reader = asyncio.StreamReader(limit=LIMIT)

        async def feed() -> None:
            for piece in wire:
                reader.feed_data(piece)
                await asyncio.sleep(0)
            reader.feed_eof()

        feeding = asyncio.create_task(feed())
        mail = b"".join([piece async for piece in content(reader)])
        await feeding
        return mail, await reader.read()

    return asyncio.run(run())


@given(WIRE, st.integers(1, 40))
def test_a_mail_comes_back_byte_for_byte_and_what_follows_stays(parts, size):
    mail = b"".join(parts) + b"\r\n"
    wire = stuffed(mail) + b"QUIT\r\n"

    assert (mail, b"QUIT\r\n") == read(*(wire[i : i + size] for i in range(0, len(wire), size)))


@pytest.mark.parametrize(
    "smuggled", [b"\n.\n", b"\n.\r\n", b"\r.\r\n", b"\r\n.\n", b"\r\n.\r", b"\r.\r", b"\n.\r", b"\r\n\x00.\r\n"]
)
def test_what_others_take_for_an_end_is_content(smuggled):
    """The dot goes where it stands first in a line."""
    wire = b"a" + smuggled + b"MAIL FROM:<x@y>\r\n.\r\n"

    mail, rest = read(wire)

    assert b"MAIL FROM" in mail
    assert b"" == rest


def test_an_empty_mail_ends_at_once():
    assert (b"", b"") == read(b".\r\n")


def test_a_mail_that_is_cut_off_is_no_mail():
    with pytest.raises(asyncio.IncompleteReadError):
        read(b"Subject: x\r\n\r\nhalf of a li")
