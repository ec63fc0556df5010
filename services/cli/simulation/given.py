"""The mails of a dry run: files as the import reads them, or JSON lines of fields that were parsed before."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from services import mime
from services.domain.branches import LOOKED_AT
from services.domain.errors import Refused
from services.domain.forwarding import Wrapper, wrapper_of
from services.domain.identity import canonical_id, canonical_ids, identity
from services.domain.likeness.quotes import LONGEST_TEXT
from services.domain.message import Mailbox, Message, ParseOutcome
from services.fetcher import sources
from services.fetcher.sources import OnDisk, Unreadable, Whole

UNDATED = datetime.fromtimestamp(0, UTC)


@dataclass(frozen=True, slots=True)
class Given:
    """A mail under the id by which the answer names it, the time by which mails are put in order, and its bytes."""

    label: str
    message: Message
    received: datetime
    size: int
    wrapper: Wrapper | None = None


def read(path: Path, unreadable: list[str], *, unwrap: bool = False, texts: bool = False) -> Iterator[Given]:
    """
    Yield the mails of an mbox, a Maildir, a folder of .eml files, one .eml file or a .jsonl file.

    What cannot be read is added to ``unreadable`` in words. ``Refused`` when the path does not exist or a line
    of a .jsonl file is broken. With ``unwrap`` the messages in the mails are yielded, as a forward mailbox takes them.
    With ``texts`` they keep as much of their text as likeness looks at.
    """
    for mail in _mails(path, unreadable, unwrap=unwrap):
        yield replace(mail, message=_with_text(mail.message) if texts else without_text(mail.message))


def _mails(path: Path, unreadable: list[str], *, unwrap: bool) -> Iterator[Given]:
    if path.suffix == ".jsonl" and path.is_file():
        yield from _lines(path)
        return
    for found in sources.mails(path):
        match found:
            case Whole(content, received):
                messages = mime.enclosed(content) if unwrap else ()
                yield from _given(mime.parse(content), received, len(content), messages, unwrap=unwrap)
            case OnDisk(file, size, received):
                with TemporaryDirectory(prefix="mailweave-simulate-") as room:
                    files = mime.enclosed_file(file, Path(room)) if unwrap else ()
                    messages = tuple(one.read_bytes() for one in files)
                yield from _given(mime.parse_file(file), received, size, messages, unwrap=unwrap)
            case Unreadable(file, reason):
                unreadable.append(f"{file}: {reason}")


def without_text(message: Message) -> Message:
    """
    Return a message without the text that nothing decides by; mail without an id is known by its text.

    Whether an answer quotes, and whether it shows a mail that it forwards, is told by the beginning of its own.
    """
    if not message.message_id:
        return message
    answers = message.in_reply_to or message.references or message.thread_index
    return replace(message, body_text=message.body_text[:LOOKED_AT] if answers else "")


def _with_text(message: Message) -> Message:
    return replace(message, body_text=message.body_text[:LONGEST_TEXT]) if message.message_id else message


def _given(
    mail: Message, received: datetime | None, size: int, messages: Sequence[bytes], *, unwrap: bool
) -> Iterator[Given]:
    wrapper = wrapper_of(mail, messages=len(messages), blob_sha256="") if unwrap else None
    if not messages:
        yield replace(_parsed(mail, received, size), wrapper=wrapper)
    for one in messages:
        yield replace(_parsed(mime.parse(one), received or mail.date, len(one)), wrapper=wrapper)


def _parsed(message: Message, received: datetime | None, size: int) -> Given:
    label = identity(message).message_id
    return Given(label, message, received or message.date or UNDATED, size)


def _lines(path: Path) -> Iterator[Given]:
    with path.open("rb") as file:
        for number, line in enumerate(file, start=1):
            if line.strip():
                try:
                    value = json.loads(line)
                    yield _fields(value)
                except (ValueError, TypeError, KeyError, AttributeError, RecursionError, OverflowError) as error:
                    raise Refused(
                        f"{path}, line {number}: no mail ({type(error).__name__}: {error}): expected an object with "
                        "message_id, from, to, cc ([{name, addr}]), subject, date and, as far as they are known, "
                        "in_reply_to, references, thread_index, body_text"
                    ) from None


def _fields(value: Mapping[str, Any]) -> Given:
    label = str(value["message_id"])
    json.dumps(value, ensure_ascii=False).encode()  # half a character is an error here and not later
    date = datetime.fromisoformat(value["date"]) if value.get("date") else None
    if date is not None and date.tzinfo is None:
        date = date.replace(tzinfo=UTC)
    message = Message(
        message_id=canonical_id(label),
        in_reply_to=canonical_ids(_bracketed(value.get("in_reply_to") or ())),
        references=canonical_ids(_bracketed(value.get("references") or ())),
        from_=_mailboxes(value.get("from")),
        sender=(),
        reply_to=_mailboxes(value.get("reply_to")),
        to=_mailboxes(value.get("to")),
        cc=_mailboxes(value.get("cc")),
        bcc=(),
        subject=str(value.get("subject") or ""),
        date=date.astimezone(UTC) if date else None,
        date_raw=str(value.get("date_raw") or ""),
        thread_index=str(value.get("thread_index") or ""),
        thread_topic=str(value.get("thread_topic") or ""),
        headers=(),
        parts=(),
        body_text=str(value.get("body_text") or ""),
        body_truncated=False,
        has_html=bool(value.get("has_html")),
        repairs=(),
        outcome=ParseOutcome.FULL,
    )
    return Given(label, message, message.date or UNDATED, len(message.body_text))


def _bracketed(ids: Any) -> list[str]:  # noqa: ANN401 - from JSON
    if isinstance(ids, str):
        raise TypeError("ids must be a list")
    return [one if one.startswith("<") else f"<{one}>" for one in ids]


def _mailboxes(value: Any) -> tuple[Mailbox, ...]:  # noqa: ANN401 - from JSON
    return tuple(Mailbox(str(one.get("name") or ""), str(one["addr"])) for one in value or ())
