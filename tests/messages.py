"""Messages for tests: a plain one, with whatever a test cares about replaced."""

from datetime import UTC, datetime
from typing import Any

from services.domain.message import Mailbox, Message, MessageId, ParseOutcome

PLAIN: dict[str, Any] = {
    "message_id": MessageId("plain@customer.example"),
    "in_reply_to": (),
    "references": (),
    "from_": (Mailbox("Kim", "kim@customer.example"),),
    "sender": (),
    "reply_to": (),
    "to": (Mailbox("", "anna@own.example"),),
    "cc": (),
    "bcc": (),
    "subject": "Hello",
    "date": datetime(2026, 5, 4, 10, 0, tzinfo=UTC),
    "date_raw": "Mon, 4 May 2026 10:00:00 +0000",
    "thread_index": "",
    "thread_topic": "",
    "headers": (),
    "parts": (),
    "body_text": "Hello",
    "body_truncated": False,
    "has_html": False,
    "repairs": (),
    "outcome": ParseOutcome.FULL,
}


def message(**fields: Any) -> Message:
    """Return a plain message from a customer to Anna, with these fields replaced."""
    return Message(**{**PLAIN, **fields})
