"""By which other names a message is known: ids that were replaced on its way, and copies of own mail."""

from collections.abc import Callable, Iterable, Iterator
from uuid import UUID

from services.domain.addresses import normalise
from services.domain.evidence import Evidence, Kind
from services.domain.identity import author, canonical_ids
from services.domain.message import Message, MessageId

ORIGINAL_ID_HEADERS = ("x-gmail-original-message-id", "x-microsoft-original-message-id")
"""Where Gmail and Exchange keep the id of a mail that they gave another one."""
MOST_ALIASES = 4
_COMPARED_TEXT = 1_000
SENT = "sent"


def original_ids(own: MessageId, headers: Iterable[tuple[str, str]]) -> tuple[MessageId, ...]:
    """Return the ids that a message had before, as its headers say, without its own."""
    values = [value for name, value in headers if name in ORIGINAL_ID_HEADERS]
    return tuple(mid for mid in canonical_ids(values) if mid != own)[:MOST_ALIASES] if values else ()


def own_mail(message: Message, mailbox: str, folder_role: str) -> bool:
    """
    Whether a mail is the organisation's own: it lies in Sent, or its author and the mailbox have one domain.

    Only there a relay between two of our mailboxes, or between Sent and a mailbox, can have changed the id.
    """
    domain = normalise(mailbox).rpartition("@")[2]
    return folder_role == SENT or (bool(domain) and author(message).rpartition("@")[2] == domain)


def content(message: Message) -> str:
    """
    Return what all copies of one mail have in common whatever id they got; empty when too little tells them apart.

    Author, instant, subject, recipients, what it answers and the beginning of the text: a robot that sends many mails
    in a second writes to different people. A relay replaces the id of a mail and may name it in References, where it
    leaves In-Reply-To alone.
    """
    if message.date is None or not message.from_ or not (message.to or message.cc):
        return ""
    recipients = sorted({normalise(m.address) for m in (*message.to, *message.cc)})
    text = " ".join(message.body_text[: 2 * _COMPARED_TEXT].split())[:_COMPARED_TEXT]
    instant = str(int(message.date.timestamp()))
    answers = ",".join(message.in_reply_to)[:_COMPARED_TEXT]
    subject = " ".join(message.subject.split())
    return "\0".join((author(message), instant, subject, ",".join(recipients), answers, text))


def gather(
    own: MessageId, message: Message, mailbox: str, folder_role: str, *, key: Callable[[str, str], UUID]
) -> Iterator[Evidence]:
    """Yield the other names of a message: they join it in the graph and find it as a target."""
    for position, mid in enumerate(original_ids(own, message.headers)):
        yield Evidence(Kind.ALIAS, position, key("id", mid), mid)
    if own_mail(message, mailbox, folder_role):
        same = content(message)
        if same:
            yield Evidence(Kind.COPY, 0, key("content", same), "")
