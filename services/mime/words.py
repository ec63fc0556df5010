"""Encoded words in headers (RFC 2047), also the ones that clients get wrong."""

import binascii
import re

from services.mime.characters import decode, undeclared

WORD = re.compile(r"=\?([^?\s]{1,64})\?([bBqQ])\?([^?]*)\?=")


def decode_words(text: str) -> str:
    """
    Return the text with its encoded words decoded, never raising and in linear time.

    White space between two encoded words goes (section 6.2). Neighbours of one charset are joined as bytes
    first, because clients cut in the middle of a character. What does not decode stays as written.
    """
    if "=?" not in text:
        return text
    out: list[str] = []
    held, held_charset = b"", ""
    at = 0
    for word in WORD.finditer(text):
        gap = text[at : word.start()]
        charset = word[1].partition("*")[0].lower()  # RFC 2231 section 5: a language may follow
        if held_charset and (charset != held_charset or (gap and not gap.isspace())):
            out.append(decode(held, held_charset)[0])
            held, held_charset = b"", ""
        if gap and not (gap.isspace() and at):
            out.append(gap)
        held, held_charset = _joined(held, _payload(word)), charset
        at = word.end()
    if held_charset:
        out.append(decode(held, held_charset)[0])
    out.append(text[at:])
    return "".join(out)


def _joined(first: bytes, second: bytes) -> bytes:
    return first + second if first else second


def _payload(word: re.Match[str]) -> bytes:
    data = word[3].encode("utf-8", "replace")
    if word[2] in "qQ":
        return binascii.a2b_qp(data.replace(b" ", b"_"), header=True)
    return lenient_base64(data)


def lenient_base64(data: bytes) -> bytes:
    """Return what the base64 text holds: foreign characters are skipped, a missing end is cut."""
    for tail in (b"==", b"=", b"", b"A=="):
        try:
            return binascii.a2b_base64(data + tail)
        except binascii.Error:
            continue
    return data


def header_text(value: bytes) -> str:
    """Return a raw header value as text: unfolded, 8-bit bytes decoded, encoded words left as they are."""
    value = value.strip()
    if b"\n" in value:
        value = value.replace(b"\r", b"").replace(b"\n", b"")
    if not value.isascii():
        return undeclared(value)
    if b"\x1b$" in value:
        return decode(value, "iso-2022-jp")[0]  # a habit of old Japanese clients
    return value.decode("ascii")
