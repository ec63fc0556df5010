"""Bytes to text that every store accepts: charset labels as mail writes them, and nothing invisible."""

import codecs
import re

_LABELS = {
    "ansi": "cp1252", "ascii": "us-ascii", "cp-850": "cp850", "euc-kr": "cp949",
    "gb2312": "gb18030", "gbk": "gb18030",
    "iso-2022-jp": "iso2022_jp_ext", "iso-8859-1": "cp1252", "iso-8859-6-i": "iso8859-6",
    "iso-8859-8-e": "iso8859-8", "iso-8859-8-i": "iso8859-8", "iso_8859-1": "cp1252",
    "ks_c_5601-1987": "cp949", "latin1": "cp1252", "macintosh": "mac-roman", "sjis": "cp932",
    "shift-jis": "cp932", "shift_jis": "cp932", "unicode-1-1-utf-7": "utf-7", "utf8mb4": "utf-8",
    "windows-31j": "cp932", "windows-874": "cp874", "x-gbk": "gb18030", "x-mac-roman": "mac-roman",
    "x-sjis": "cp932",
}  # fmt: skip
# Codecs of Python that are no charset of mail; two of them need quadratic time.
_NOT_CHARSETS = {"idna", "mbcs", "oem", "punycode", "raw-unicode-escape", "undefined", "unicode-escape"}
_ASCII_IS_ASCII = re.compile(r"(?!utf-?(?:7|16|32)|hz|iso-?2022)")

# Controls, and what changes the direction of the text around it (a name must not rewrite its address).
_UNWANTED = re.compile("[\x00-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2028\u2029\u2066-\u2069\ufeff]")
_SURROGATES = re.compile("[\ud800-\udfff]")
_BODY_CONTROLS = bytes([*range(9), *range(11, 32), 127])
_SPACES = re.compile(r"[\t\r\n ]+")


def decode(data: bytes, charset: str) -> tuple[str, bool]:
    """
    Return the text, and whether another charset than the one named had to be used.

    Never raises; the text never holds a lone surrogate.
    """
    label = charset.strip(" \t\"'").lower()
    if data.isascii() and _ASCII_IS_ASCII.match(label):
        return data.decode("ascii"), False
    codec = _codec(label)
    if codec:
        text = _declared(data, codec)
        if text is not None:
            return text, False
    return undeclared(data), bool(label)


def undeclared(data: bytes) -> str:
    """Return 8-bit bytes without a (true) label as text: UTF-8, else cp1252, else latin-1."""
    for codec in ("utf-8", "cp1252"):
        try:
            return data.decode(codec)
        except UnicodeDecodeError:
            continue
    return data.decode("latin-1")


def _codec(label: str) -> str:
    label = _LABELS.get(label, label)
    if not label or label == "us-ascii" or not label.isascii():
        return ""
    try:
        info = codecs.lookup(label)
    except (LookupError, ValueError):
        return ""
    is_text: bool = getattr(info, "_is_text_encoding", True)
    return info.name if is_text and info.name.replace("_", "-") not in _NOT_CHARSETS else ""


def _declared(data: bytes, codec: str) -> str | None:
    try:
        text = data.decode(codec)
    except (UnicodeError, ValueError):
        # A few broken characters do not make the label a lie; many do.
        try:
            text = data.decode(codec, "replace")
        except (UnicodeError, ValueError):
            return None
        foreign = len(text) - len(text.encode("ascii", "ignore"))
        if text.count("\ufffd") * 4 > foreign:
            return None
    return storable(text)


def storable(text: str) -> str:
    """Return the text without lone surrogates, so that it can be encoded as UTF-8."""
    return text if text.isascii() else _SURROGATES.sub("\ufffd", text)


def clean(text: str) -> str:
    """Return one line of text: white space collapsed, controls and direction marks dropped, trimmed."""
    if text.isprintable() and "  " not in text:
        return text.strip()
    return storable(_UNWANTED.sub("", _SPACES.sub(" ", text))).strip()


def shown(text: str) -> str:
    """Return text in which each control and direction mark is seen, but for those around it, which go."""
    if text.isprintable():
        return text
    parts = [part for part in _UNWANTED.split(text) if part]
    return storable("\ufffd".join(parts)).strip()


def clean_body(text: str) -> str:
    """Return text of a body with LF line ends and without controls."""
    if "\r" in text:
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    if text.isascii():
        return text.encode("ascii").translate(None, _BODY_CONTROLS).decode("ascii")
    # No byte of a character beyond ASCII is a control in UTF-8, so the same fast table does.
    data = text.replace("\ufeff", "").encode("utf-8", "replace")
    return data.translate(None, _BODY_CONTROLS).decode("utf-8")
