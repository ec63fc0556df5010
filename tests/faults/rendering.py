"""The bytes of a marked mail: plain, with HTML or an attachment, without an id, or as broken as mail comes."""

import base64
from collections.abc import Sequence
from enum import StrEnum


class Form(StrEnum):
    """What a mail looks like. Every form names its sender and recipients, and none holds a NUL (RFC 9051: literal)."""

    PLAIN = "plain"
    HTML = "html"
    ATTACHMENT = "attachment"
    NO_ID = "no-id"
    BAD_CHARSET = "bad-charset"
    BAD_DATE = "bad-date"
    MISSING_BOUNDARY = "missing-boundary"
    TRUNCATED_BASE64 = "truncated-base64"
    LONG = "long"


def render(
    mark: str,
    form: Form,
    message_id: str | None,
    *,
    sender: str,
    to: Sequence[str],
    cc: Sequence[str],
    ids: Sequence[str],
) -> bytes:
    """Return the mail. ``ids`` is what it answers, the nearest last; the same arguments give the same bytes."""
    second = sum(map(ord, mark)) % 60
    date = f"Mon, 4 May 2026 10:00:{second:02} +0000" if form != Form.BAD_DATE else "yesterday, after lunch"
    lines = [f"From: {sender}", f"To: {', '.join(to)}", f"Subject: Order [{mark}]", f"Date: {date}"]
    if cc:
        lines.append(f"Cc: {', '.join(cc)}")
    if message_id:
        lines.append(f"Message-ID: <{message_id}>")
    if ids:
        lines += [f"In-Reply-To: <{ids[-1]}>", "References: " + "\n ".join(f"<{one}>" for one in ids)]
    lines += ["MIME-Version: 1.0", *_content(mark, form)]
    return "\r\n".join("\n".join(lines).split("\n")).encode("latin-1") + b"\r\n"


def _content(mark: str, form: Form) -> list[str]:
    text = f"This is {mark}.\nGreetings"
    plain = "Content-Type: text/plain; charset=utf-8"
    attached = base64.b64encode(mark.encode() * 30).decode()
    match form:
        case Form.HTML:
            return ["Content-Type: text/html; charset=utf-8", "", f"<p>This is <b>{mark}</b></p>"]
        case Form.BAD_CHARSET:
            return ["Content-Type: text/plain; charset=x-nonsense", "", f"Gr\xfc\xdfe von {mark}"]
        case Form.MISSING_BOUNDARY:
            return ["Content-Type: multipart/mixed; boundary=B", "", "--B", plain, "", text]
        case Form.ATTACHMENT | Form.TRUNCATED_BASE64:
            body = attached if form == Form.ATTACHMENT else attached[:-7]
            name = 'attachment; filename="order.bin"'
            part = ["--B", "Content-Type: application/octet-stream", f"Content-Disposition: {name}"]
            coded = ["Content-Transfer-Encoding: base64", "", body, "--B--"]
            return ["Content-Type: multipart/mixed; boundary=B", "", "--B", plain, "", text, *part, *coded]
        case Form.LONG:
            return [plain, "", text, *(f"Line {n} of {mark}." for n in range(400))]
        case _:
            return [plain, "", text]
