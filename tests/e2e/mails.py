"""Mails for the end-to-end tests, as bytes that a client would put on the wire."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from email.utils import format_datetime

FIRST = datetime(2026, 5, 4, 8, 0, tzinfo=UTC)


def mail(
    message_id: str,
    *,
    from_: str,
    to: str,
    cc: str = "",
    subject: str = "Order 4711",
    in_reply_to: str = "",
    references: Sequence[str] = (),
    minute: int = 0,
    text: str = "Hello.\n",
    attachment: bytes = b"",
    above: str = "",
) -> bytes:
    """Return a mail with these fields; ids come without brackets. ``above`` is what a server has written on top."""
    made = EmailMessage()
    made["From"] = from_
    made["To"] = to
    if cc:
        made["Cc"] = cc
    made["Subject"] = subject
    made["Date"] = format_datetime(FIRST + timedelta(minutes=minute))
    made["Message-ID"] = f"<{message_id}>"
    if in_reply_to:
        made["In-Reply-To"] = f"<{in_reply_to}>"
    if references:
        made["References"] = " ".join(f"<{one}>" for one in references)
    made.set_content(text)
    if attachment:
        made.add_attachment(attachment, maintype="application", subtype="octet-stream", filename="big.bin")
    return (above.encode() + made.as_bytes()).replace(b"\n", b"\r\n")
