"""The mails of a forward mailbox become the messages in them, each a delivery of its own."""

from datetime import UTC, datetime
from hashlib import sha256
from uuid import UUID

import pytest

from services.fetcher.handover import Arrival, Content, HeadersOnly, Stored
from services.fetcher.unwrapping import unwrap
from services.storage.blobs import BlobFolder

RECEIVED = datetime(2026, 5, 4, tzinfo=UTC)
INNER = b"Message-ID: <inner@customer.example>\nFrom: kim@customer.example\n\nTwo pallets.\n"
HEAD = b"From: anna@own.example\nDate: Mon, 4 May 2026 12:00:00 +0000\nMIME-Version: 1.0\n"
PART = b"\n--b-o\nContent-Type: message/rfc822\n\n"


def wrapped(*inner: bytes) -> bytes:
    parts = b"".join(PART + one for one in inner)
    return HEAD + b'Content-Type: multipart/mixed; boundary="b-o"\n' + parts + b"\n--b-o--\n"


def arrival(content: Content | Stored | HeadersOnly, internal_date: datetime | None = RECEIVED) -> Arrival:
    return Arrival(
        id=UUID(int=7), source="imap", mailbox="collect@own.example", folder_id="INBOX", folder="INBOX",
        folder_role="inbox", uidvalidity=1, uid=5, internal_date=internal_date, size=99, content=content,
    )  # fmt: skip


@pytest.fixture
def blobs(tmp_path) -> BlobFolder:
    return BlobFolder(tmp_path)


def test_the_first_message_keeps_id_and_place_of_its_mail_and_each_names_the_mail(blobs):
    mail = wrapped(INNER, INNER.replace(b"inner@", b"other@"))

    first, second = unwrap([arrival(Content(mail))], blobs)

    assert (UUID(int=7), 5, 1) == (first.id, first.uid, first.uidvalidity)
    assert (None, None) == (second.uid, second.uidvalidity)
    assert first.id != second.id == unwrap([arrival(Content(mail))], blobs)[1].id
    for one in (first, second):
        assert one.wrapper is not None
        assert (sha256(mail).hexdigest(), 2) == (one.wrapper.blob_sha256, one.wrapper.messages)
        assert blobs.exists(one.wrapper.blob_sha256)


@pytest.mark.parametrize("content", [Content(INNER), HeadersOnly(HEAD), Content(b"\x00\xff" * 50)])
def test_a_mail_without_a_message_goes_on_as_it_is_and_says_so(blobs, content):
    (one,) = unwrap([arrival(content)], blobs)

    assert one.wrapper is not None
    assert (content, 0, "") == (one.content, one.wrapper.messages, one.wrapper.blob_sha256)


def test_a_mail_too_large_for_memory_is_unwrapped_from_the_blob_store(blobs):
    (sha,) = blobs.put_many([wrapped(INNER + b"x" * 76 + (b"\n" + b"x" * 76) * 80_000)])

    (one,) = unwrap([arrival(Stored(sha))], blobs)

    assert isinstance(one.content, Stored)
    assert blobs.path(one.content.sha256).read_bytes().startswith(INNER)
    assert (sha, 1) == (one.wrapper and one.wrapper.blob_sha256, one.wrapper and one.wrapper.messages)


def test_a_message_arrives_when_the_mail_around_it_did(blobs):
    """By POP3 no date of arrival is known, and the message may be much older than its forwarding."""
    (one,) = unwrap([arrival(Content(wrapped(INNER)), None)], blobs)

    assert datetime(2026, 5, 4, 12, tzinfo=UTC) == one.internal_date
