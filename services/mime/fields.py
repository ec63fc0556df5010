"""The header fields of a message, decoded: ids, mailboxes, subject, date, and the headers kept for later."""

import re
from datetime import datetime
from typing import TypedDict

from services.domain.identity import canonical_id, canonical_ids
from services.domain.message import Mailbox, MessageId
from services.mime.addresses import mailboxes
from services.mime.characters import clean
from services.mime.dates import instant
from services.mime.headers import Block
from services.mime.limits import Limits
from services.mime.words import decode_words, header_text

_LONGEST_DATE = 200
_EMPTY_GROUP = re.compile(r"[^:@]*:[^@]*\Z")  # "undisclosed-recipients:;"


class Fields(TypedDict):
    """What the header block says, as arguments of :class:`services.domain.message.Message`."""

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


class Reader:
    """Reads one header block; notes what it mends in the block's repairs, which never quote the mail."""

    def __init__(self, block: Block, limits: Limits) -> None:
        self._block = block
        self._limits = limits

    def fields(self) -> Fields:
        """Return everything the header block says. Never raises."""
        date_raw = self._text("date")[:_LONGEST_DATE]
        date = instant(header_text(self._block.first("date"))) if date_raw else None
        if date_raw and date is None:
            self._mended("date-unparseable")
        return Fields(
            message_id=self._message_id(),
            in_reply_to=self._ids("in-reply-to"),
            references=self._ids("references"),
            from_=self._mailboxes("from"),
            sender=self._mailboxes("sender"),
            reply_to=self._mailboxes("reply-to"),
            to=self._mailboxes("to"),
            cc=self._mailboxes("cc"),
            bcc=self._mailboxes("bcc"),
            subject=self._text("subject"),
            date=date,
            date_raw=date_raw,
            thread_index="".join(self._text("thread-index").split()),
            thread_topic=self._text("thread-topic"),
            headers=tuple((name, self._line(name, value)) for name, value in self._block.kept),
        )

    def _mended(self, repair: str) -> None:
        if repair not in self._block.repairs:
            self._block.repairs.append(repair)

    def _text(self, name: str) -> str:
        value = self._block.first(name)
        return self._line(name, value) if value else ""

    def _line(self, name: str, value: bytes) -> str:
        limit = self._limits.header_value_chars
        text = header_text(value[: 4 * limit])
        text = clean(decode_words(text) if "=?" in text else text)
        if len(text) > limit or len(value) > 4 * limit:
            self._mended(f"header cut: {name}")
        return text[:limit]

    def _message_id(self) -> MessageId | None:
        for value in self._block.all("message-id"):
            found = canonical_id(header_text(value[: self._limits.header_value_chars]))
            if found is not None:
                return found
        if self._block.all("message-id"):
            self._mended("message-id unusable")
        return None

    def _ids(self, name: str) -> tuple[MessageId, ...]:
        values = self._block.all(name)
        if not values:
            return ()
        return canonical_ids([self._shortened(name, header_text(b" ".join(values)))])

    def _shortened(self, name: str, text: str) -> str:
        """Keep the oldest and the nearest ids of an endless list, and no half of one."""
        half = 2 * self._limits.header_value_chars
        if len(text) <= 2 * half:
            return text
        self._mended(f"header cut: {name}")
        head, tail = text[:half], text[-half:]
        head = head[: head.rfind(">") + 1]
        return head + tail[tail.find("<") :] if "<" in tail else head

    def _mailboxes(self, name: str) -> tuple[Mailbox, ...]:
        values = self._block.all(name)
        if not values:
            return ()
        found: list[Mailbox] = []
        room = self._limits.address_chars
        for value in values:
            text = header_text(value[:room]).strip()
            if len(value) > room or len(found) >= self._limits.mailboxes:
                self._mended(f"header cut: {name}")
                text = text[: text.rfind(",") + 1]
            room = max(0, room - len(value))
            read = mailboxes(text, self._limits.mailboxes - len(found)) if text else ()
            if text and not read and text != "<>" and not _EMPTY_GROUP.match(text):
                self._mended(f"address-unparseable: {name}")
            found.extend(read)
        return tuple(found)
