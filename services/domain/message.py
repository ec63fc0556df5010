"""A message as the parser hands it on: RFC 5322 fields and RFC 2045 parts, decoded, none of it decided on."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import NewType

MessageId = NewType("MessageId", str)
"""A canonical message id: no brackets, folding or comments; local part as written, domain in lower case."""


@dataclass(frozen=True, slots=True)
class Mailbox:
    """One mailbox of an address header (RFC 5322 section 3.4): display name (may be empty) and addr-spec."""

    name: str
    address: str


class PartRole(StrEnum):
    """What a leaf of the MIME tree is for."""

    BODY = "body"
    INLINE = "inline"  # has a Content-ID and is meant to be shown inside the HTML body
    ATTACHMENT = "attachment"


@dataclass(frozen=True, slots=True)
class Part:
    """
    A leaf of the MIME tree. ``path`` is its number in the sense of IMAP (RFC 9051 section 6.4.5, "1.2").

    ``size`` and ``sha256`` (hex) are of the decoded bytes. ``sniffed`` is the usual extension ("exe") of what their
    beginning shows, whatever the part is called; empty where it shows nothing, and for bodies.
    """

    path: str
    content_type: str
    filename: str
    size: int
    sha256: str
    disposition: str
    content_id: str
    role: PartRole
    sniffed: str = ""


class ParseOutcome(StrEnum):
    """How much of a mail could be read."""

    FULL = "full"
    FALLBACK = "fallback"  # the first parser failed, the lenient one read it
    HEADERS = "headers"  # only the header block could be read
    UNREADABLE = "unreadable"  # not even that
    TOO_LARGE = "too_large"  # over the limit for whole messages: headers only, by intent


class ReportForm(StrEnum):
    """In which form a report is written."""

    DELIVERY_STATUS = "delivery-status"  # RFC 3464
    DISPOSITION = "disposition-notification"  # RFC 8098
    FEEDBACK = "feedback-report"  # RFC 5965
    TEXT = "text"  # plain text of a mail server


@dataclass(frozen=True, slots=True)
class Reported:
    """
    What became of a mail for one recipient; ``address`` is in lower case.

    ``action`` is that of RFC 3464 section 2.3.3, the disposition of a receipt ("displayed") or the type of a complaint
    ("abuse"). ``status`` is like "5.1.1" or empty, ``detail`` what another server said.
    """

    address: str
    action: str
    status: str
    detail: str


@dataclass(frozen=True, slots=True)
class Report:
    """What a server or a mail program reports of earlier mails; ``about`` are their canonical ids, if it has them."""

    form: ReportForm
    about: tuple[MessageId, ...]
    recipients: tuple[Reported, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """
    What the parser read. Absent text fields are empty strings, absent lists are empty.

    ``message_id``, ``in_reply_to`` and ``references`` are canonical, in the order of the header, without
    repeats; ``message_id`` is None when the header is missing or unusable. ``date`` is UTC or None.
    ``headers`` are those that later decisions look at, names in lower case, repetitions kept in order.
    ``body_text`` is the text a person reads (HTML turned into text where there is no plain part), cut at the
    parser's limit. ``repairs`` name what the parser had to mend. ``report`` is what it reports of earlier mails.
    """

    message_id: MessageId | None
    in_reply_to: tuple[MessageId, ...]
    references: tuple[MessageId, ...]
    from_: tuple[Mailbox, ...]
    sender: tuple[Mailbox, ...]
    reply_to: tuple[Mailbox, ...]
    to: tuple[Mailbox, ...]
    cc: tuple[Mailbox, ...]
    bcc: tuple[Mailbox, ...]
    subject: str
    date: datetime | None
    date_raw: str
    thread_index: str
    thread_topic: str
    headers: tuple[tuple[str, str], ...]
    parts: tuple[Part, ...]
    body_text: str
    body_truncated: bool
    has_html: bool
    repairs: tuple[str, ...]
    outcome: ParseOutcome
    report: Report | None = None

    @property
    def attachments(self) -> tuple[Part, ...]:
        """The leaves that are no body: what can be opened or saved."""
        return tuple(part for part in self.parts if part.role != PartRole.BODY)
