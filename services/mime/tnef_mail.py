"""A message embedded in a TNEF stream, written anew as Internet mail."""

import hashlib
import re
from base64 import encodebytes
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

from services.mime import tnef
from services.mime.tnef import Attachment, Contents

DEEPEST = 5
SUBJECT = 0x0037
_TRANSPORT_HEADERS = 0x007D
_BODY, _HTML, _SUBMITTED, _DELIVERED = 0x1000, 0x1013, 0x0039, 0x0E06
_SENDER_NAME, _SENDER_ADDRESS, _SENDER_SMTP = 0x0C1A, 0x0C1F, 0x5D01
_TO, _CC = 0x0E04, 0x0E03
_IDS = (("Message-ID", 0x1035), ("In-Reply-To", 0x1042), ("References", 0x1039))
_FILETIME_BEGIN = datetime(1601, 1, 1, tzinfo=UTC)
# What says how the body is written is said anew.
_OF_THE_BODY = re.compile(
    r"^(?:content-[^:\n]*|mime-version)[ \t]*:[^\n]*\n(?:[ \t][^\n]*\n)*", re.IGNORECASE | re.MULTILINE
)


def mail(contents: Contents, depth: int = 1) -> bytes:
    """
    Return the message whose stream holds this, with messages embedded in it; empty when nothing says that it is one.

    Never raises; the same bytes give the same mail.
    """
    headers = _headers(contents)
    if not headers:
        return b""
    parts = [_text_part(contents)]
    for attachment in contents.attachments if depth < DEEPEST else ():
        inner = mail(tnef.read(attachment.embedded), depth + 1) if attachment.embedded is not None else b""
        parts.append(b"Content-Type: message/rfc822\n\n" + inner if inner else _file_part(attachment))
    head = headers.encode("utf-8", "replace") + b"MIME-Version: 1.0\n"
    if len(parts) == 1:
        return head + parts[0]
    # Made of the parts themselves, so that none of them can hold it.
    boundary = hashlib.sha256(b"\0".join(parts)).hexdigest().encode()
    middle = b"".join(b"\n--" + boundary + b"\n" + part for part in parts)
    return (
        head + b'Content-Type: multipart/mixed; boundary="' + boundary + b'"\n' + middle + b"\n--" + boundary + b"--\n"
    )


def _headers(contents: Contents) -> str:
    """Return the header lines: those that the message came with, else what its properties say."""
    came = contents.text(_TRANSPORT_HEADERS).replace("\r\n", "\n").replace("\r", "\n").strip("\n")
    if came:
        block, _, _ = came.partition("\n\n")
        return _OF_THE_BODY.sub("", block + "\n")
    sender = contents.text(_SENDER_SMTP) or contents.text(_SENDER_ADDRESS)
    fields = [(name, contents.text(number)) for name, number in _IDS]
    if "@" in sender:
        name = contents.text(_SENDER_NAME).replace('"', "")
        fields.append(("From", f'"{name}" <{sender}>'))
    fields += [("To", _addresses(contents.text(_TO))), ("Cc", _addresses(contents.text(_CC)))]
    if not any(value for _, value in fields):
        return ""
    fields += [("Subject", contents.text(SUBJECT)), ("Date", _date(contents))]
    return "".join(f"{name}: {' '.join(value.split())}\n" for name, value in fields if value.strip())


def _addresses(shown: str) -> str:
    """Return the addresses among the names that Outlook shows; a name alone names nobody."""
    return ", ".join(one.strip(" '\"") for one in shown.split(";") if "@" in one)


def _date(contents: Contents) -> str:
    for number in (_SUBMITTED, _DELIVERED):
        found = contents.properties.get(number)
        if found is not None and len(found.value) == 8:  # noqa: PLR2004 - FILETIME: tenths of a microsecond
            try:
                return format_datetime(
                    _FILETIME_BEGIN + timedelta(microseconds=int.from_bytes(found.value, "little") // 10)
                )
            except OverflowError:
                return ""
    return ""


def text(contents: Contents) -> tuple[str, str, bytes]:
    """Return the text of a message: its content type, its charset or "" where only the HTML says it, and the bytes."""
    html = contents.properties.get(_HTML)
    if html is not None and html.value:
        decoded = contents.text(_HTML).encode("utf-8", "replace")
        return "text/html", "utf-8" if decoded else "", decoded or html.value
    return "text/plain", "utf-8", contents.text(_BODY).encode("utf-8", "replace")


def _text_part(contents: Contents) -> bytes:
    kind, charset, content = text(contents)
    return _encoded((f"{kind}; charset={charset}" if charset else kind).encode(), content)


def _file_part(attachment: Attachment) -> bytes:
    name = re.sub(r'[\x00-\x1f"\\]', "", attachment.name).encode("utf-8", "replace")
    return _encoded(
        b"application/octet-stream", attachment.content, b'Content-Disposition: attachment; filename="' + name + b'"\n'
    )


def _encoded(kind: bytes, content: bytes, more: bytes = b"") -> bytes:
    return b"Content-Type: " + kind + b"\n" + more + b"Content-Transfer-Encoding: base64\n\n" + encodebytes(content)
