"""The mail-received record as Python sees it, field names as in its schema. Timestamps are aware UTC datetimes."""

from datetime import datetime
from typing import TypedDict


class MailboxRecord(TypedDict):
    """One mailbox of an address header."""

    name: str
    address: str


class HeaderRecord(TypedDict):
    """A header that later decisions look at."""

    name: str
    value: str


class PartRecord(TypedDict):
    """A leaf of the MIME tree."""

    path: str
    content_type: str
    filename: str
    size: int
    sha256: str
    disposition: str
    content_id: str
    role: str
    sniffed: str


class ReportedRecord(TypedDict):
    """What became of a mail for one recipient."""

    address: str
    action: str
    status: str
    detail: str


class ReportRecord(TypedDict):
    """What a mail reports of earlier ones."""

    form: str
    about: list[str]
    recipients: list[ReportedRecord]


# "from" is a Python keyword, so these cannot be written as classes.
WrapperRecord = TypedDict(
    "WrapperRecord",
    {
        "blob_sha256": str,
        "messages": int,
        "from": list[MailboxRecord],
        "sender": list[MailboxRecord],
        "headers": list[HeaderRecord],
    },
)

MailReceived = TypedDict(
    "MailReceived",
    {
        "delivery_id": str,
        "source": str,
        "mailbox": str,
        "folder": str,
        "folder_role": str,
        "uidvalidity": int | None,
        "uid": int | None,
        "internal_date": datetime,
        "blob_sha256": str,
        "size": int,
        "message_id": str,
        "synthetic_id": bool,
        "fingerprint": str,
        "author": str,
        "in_reply_to": list[str],
        "references": list[str],
        "from": list[MailboxRecord],
        "sender": list[MailboxRecord],
        "reply_to": list[MailboxRecord],
        "to": list[MailboxRecord],
        "cc": list[MailboxRecord],
        "bcc": list[MailboxRecord],
        "subject": str,
        "date": datetime | None,
        "date_raw": str,
        "thread_index": str,
        "thread_topic": str,
        "headers": list[HeaderRecord],
        "parts": list[PartRecord],
        "body_text": str,
        "body_truncated": bool,
        "has_html": bool,
        "repairs": list[str],
        "parse_outcome": str,
        "tracked_by": str,
        "wrapper": WrapperRecord | None,
        "report": ReportRecord | None,
    },
)
