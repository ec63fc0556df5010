"""A parsed message and where it was found, as a mail-received record and back."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from services.contracts.codec import decode
from services.contracts.received_record import MailboxRecord, MailReceived, WrapperRecord
from services.contracts.reported import report_of, report_record
from services.domain.errors import UndecodableRecord
from services.domain.forwarding import Wrapper
from services.domain.identity import Identity, author
from services.domain.message import Mailbox, Message, MessageId, ParseOutcome, Part, PartRole


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """
    Where and when a message was found.

    ``source`` is "imap", "pop3", "import", "lmtp", "smtp" or "ingest", ``folder_role`` "inbox", "sent" or empty.
    ``blob_sha256`` is hex, and empty when the raw mail was too large to be stored. ``tracked_by`` is what makes it
    tracked whatever filters say: the key of a folder rule, "keyword", or empty. ``wrapper`` is the mail around it when
    it came through a forward mailbox.
    """

    delivery_id: UUID
    source: str
    mailbox: str
    folder: str
    folder_role: str
    uidvalidity: int | None
    uid: int | None
    internal_date: datetime
    blob_sha256: str
    size: int
    tracked_by: str = ""
    wrapper: Wrapper | None = None


def to_record(message: Message, *, identity: Identity, found: Found) -> MailReceived:
    """Return the mail-received record of one delivery."""
    return {
        "delivery_id": str(found.delivery_id),
        "source": found.source,
        "mailbox": found.mailbox,
        "folder": found.folder,
        "folder_role": found.folder_role,
        "uidvalidity": found.uidvalidity,
        "uid": found.uid,
        "internal_date": found.internal_date,
        "blob_sha256": found.blob_sha256,
        "size": found.size,
        "message_id": identity.message_id,
        "synthetic_id": message.message_id is None,
        "fingerprint": identity.fingerprint,
        "author": author(message),
        "in_reply_to": list(message.in_reply_to),
        "references": list(message.references),
        "from": _written(message.from_),
        "sender": _written(message.sender),
        "reply_to": _written(message.reply_to),
        "to": _written(message.to),
        "cc": _written(message.cc),
        "bcc": _written(message.bcc),
        "subject": message.subject,
        "date": message.date,
        "date_raw": message.date_raw,
        "thread_index": message.thread_index,
        "thread_topic": message.thread_topic,
        "headers": [{"name": name, "value": value} for name, value in message.headers],
        "parts": [
            {
                "path": part.path,
                "content_type": part.content_type,
                "filename": part.filename,
                "size": part.size,
                "sha256": part.sha256,
                "disposition": part.disposition,
                "content_id": part.content_id,
                "role": part.role.value,
                "sniffed": part.sniffed,
            }
            for part in message.parts
        ],
        "body_text": message.body_text,
        "body_truncated": message.body_truncated,
        "has_html": message.has_html,
        "repairs": list(message.repairs),
        "parse_outcome": message.outcome.value,
        "tracked_by": found.tracked_by,
        "wrapper": _wrapper_record(found.wrapper) if found.wrapper is not None else None,
        "report": report_record(message.report) if message.report is not None else None,
    }


def message_of(record: Mapping[str, Any]) -> Message:
    """
    Return the message that :func:`to_record` was given.

    The date comes back to the millisecond. Raises ``ValueError`` when a role or outcome is unknown.
    """
    return Message(
        message_id=None if record["synthetic_id"] else MessageId(record["message_id"]),
        in_reply_to=tuple(record["in_reply_to"]),
        references=tuple(record["references"]),
        from_=_read(record["from"]),
        sender=_read(record["sender"]),
        reply_to=_read(record["reply_to"]),
        to=_read(record["to"]),
        cc=_read(record["cc"]),
        bcc=_read(record["bcc"]),
        subject=record["subject"],
        date=record["date"],
        date_raw=record["date_raw"],
        thread_index=record["thread_index"],
        thread_topic=record["thread_topic"],
        headers=tuple((header["name"], header["value"]) for header in record["headers"]),
        parts=tuple(
            Part(
                path=part["path"],
                content_type=part["content_type"],
                filename=part["filename"],
                size=part["size"],
                sha256=part["sha256"],
                disposition=part["disposition"],
                content_id=part["content_id"],
                role=PartRole(part["role"]),
                sniffed=part["sniffed"],
            )
            for part in record["parts"]
        ),
        body_text=record["body_text"],
        body_truncated=record["body_truncated"],
        has_html=record["has_html"],
        repairs=tuple(record["repairs"]),
        outcome=ParseOutcome(record["parse_outcome"]),
        report=report_of(record["report"]) if record["report"] is not None else None,
    )


def identity_of(record: Mapping[str, Any]) -> Identity:
    """Return the identity as the fetcher computed it; nobody computes it a second time."""
    return Identity(MessageId(record["message_id"]), record["fingerprint"])


def found_of(record: Mapping[str, Any]) -> Found:
    """Return where the message was found. Raises ``ValueError`` when the delivery id is no UUID."""
    return Found(
        delivery_id=UUID(record["delivery_id"]),
        source=record["source"],
        mailbox=record["mailbox"],
        folder=record["folder"],
        folder_role=record["folder_role"],
        uidvalidity=record["uidvalidity"],
        uid=record["uid"],
        internal_date=record["internal_date"],
        blob_sha256=record["blob_sha256"],
        size=record["size"],
        tracked_by=record["tracked_by"],
        wrapper=_wrapper(record["wrapper"]) if record["wrapper"] is not None else None,
    )


def _wrapper_record(wrapper: Wrapper) -> WrapperRecord:
    return {
        "blob_sha256": wrapper.blob_sha256,
        "messages": wrapper.messages,
        "from": _written(wrapper.from_),
        "sender": _written(wrapper.sender),
        "headers": [{"name": name, "value": value} for name, value in wrapper.headers],
    }


def _wrapper(record: Mapping[str, Any]) -> Wrapper:
    return Wrapper(
        blob_sha256=record["blob_sha256"],
        messages=record["messages"],
        from_=_read(record["from"]),
        sender=_read(record["sender"]),
        headers=tuple((header["name"], header["value"]) for header in record["headers"]),
    )


def _written(mailboxes: Iterable[Mailbox]) -> list[MailboxRecord]:
    return [{"name": one.name, "address": one.address} for one in mailboxes]


def _read(mailboxes: Iterable[Mapping[str, str]]) -> tuple[Mailbox, ...]:
    return tuple(Mailbox(one["name"], one["address"]) for one in mailboxes)


def delivery_in(value: bytes | None) -> UUID | None:
    """Return the delivery that a record tells of, as far as it can be read; for dead letters."""
    try:
        _, record = decode(value or b"")
        return UUID(record["delivery_id"])
    except (UndecodableRecord, KeyError, TypeError, ValueError):
        return None
