"""Folder names and roles: modified UTF-7 (RFC 3501 section 5.1.3), LIST answers, SPECIAL-USE (RFC 6154)."""

import re
from base64 import b64decode, b64encode
from binascii import Error as Base64Error
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

SENT_NAMES = frozenset({
    "sent", "sent items", "sent mail", "sent messages", "sent-mail", "[gmail]/sent mail", "[google mail]/sent mail",
    "gesendet", "gesendete elemente", "gesendete objekte", "envoyés", "éléments envoyés", "messages envoyés",
    "enviados", "elementos enviados", "posta inviata", "inviata", "verzonden", "verzonden items", "itens enviados",
    "wysłane", "elementy wysłane", "skickat", "skickade objekt", "отправленные", "已发送邮件", "送信済みアイテム",
})  # fmt: skip

_LIST = re.compile(rb'\((?P<flags>[^)]*)\)\s+(?P<sep>"(?:\\.|[^"\\])*"|NIL)\s+(?P<name>.*)', re.DOTALL | re.IGNORECASE)
_SHIFTED = re.compile(r"&([^-&]*)-")


@dataclass(frozen=True, slots=True, kw_only=True)
class Status:
    """Where a folder stands; ``modseq`` is 0 where the server does not count changes."""

    uidvalidity: int
    uidnext: int
    modseq: int = 0
    mailbox_id: str | None = None


@dataclass(frozen=True, slots=True)
class Folder:
    """One folder as LIST gives it: name in Unicode, delimiter, attributes in lower case, status where it has one."""

    name: str
    delimiter: str
    attributes: frozenset[str]
    status: Status | None = None


def decode_name(raw: bytes, *, utf8: bool = False) -> str:
    """
    Return the name in Unicode. A name that breaks the rules is returned as it can be read, never refused.

    With ``utf8`` (RFC 6855) nothing is encoded, and an ampersand is one.
    """
    text = raw.decode("utf-8", "replace")  # RFC 9051 servers send UTF-8 as it is
    if utf8:
        return text

    def shifted(match: re.Match[str]) -> str:
        body = match.group(1)
        if not body:
            return "&"
        try:
            data = b64decode(body.replace(",", "/") + "=" * (-len(body) % 4), validate=True)
            return data.decode("utf-16-be")
        except (Base64Error, UnicodeError, ValueError):
            return match.group(0)

    return _SHIFTED.sub(shifted, text)


def encode_name(name: str) -> str:
    """Return the name in modified UTF-7: ASCII that every IMAP4rev1 server understands."""
    out: list[str] = []
    waiting: list[str] = []

    def flush() -> None:
        if waiting:
            data = "".join(waiting).encode("utf-16-be", "surrogatepass")
            out.append("&" + b64encode(data).decode("ascii").rstrip("=").replace("/", ",") + "-")
            waiting.clear()

    for c in name:
        if " " <= c <= "~":
            flush()
            out.append("&-" if c == "&" else c)
        else:
            waiting.append(c)
    flush()
    return "".join(out)


def quoted(text: str) -> str:
    """Return the text as a quoted string (RFC 9051 section 4.3); a line break would start a new command."""
    if any(c in text for c in "\r\n\0"):
        raise ValueError("a line break cannot be part of an IMAP argument")
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def unquoted(raw: bytes) -> bytes:
    """Return what a quoted string or atom stands for."""
    if len(raw) > 1 and raw[:1] == b'"' and raw[-1:] == b'"':
        return re.sub(rb"\\(.)", rb"\1", raw[1:-1], flags=re.DOTALL)
    return raw


def parse_list(answers: Iterable[object], *, utf8: bool = False) -> list[Folder]:
    """Return the folders of LIST answers; names may come as literals, and an answer that is none is left out."""
    found: list[Folder] = []
    for answer in answers:
        name: bytes | None = None
        line = answer
        if isinstance(answer, tuple):
            line, name = answer[0], answer[1]
        match = _LIST.match(line) if isinstance(line, bytes) else None
        if match is None:
            continue
        flags = match["flags"].decode("ascii", "replace").lower().split()
        delimiter = "" if match["sep"].upper() == b"NIL" else unquoted(match["sep"]).decode("ascii", "replace")
        raw = unquoted(match["name"].strip()) if name is None else name
        found.append(Folder(decode_name(raw, utf8=utf8), delimiter, frozenset(flags)))
    return found


def role(name: str, folders: Sequence[Folder]) -> str:
    r"""
    Return "inbox", "sent" or "" for a folder.

    INBOX is named by the protocol in any case of letters. Where the server marks a folder ``\Sent`` its word
    counts and well-known names do not, so that a folder which somebody called "Sent" is none.
    """
    if name.upper() == "INBOX":
        return "inbox"
    marked = {f.name for f in folders if "\\sent" in f.attributes}
    if marked:
        return "sent" if name in marked else ""
    last = name.lower()
    for f in folders:
        if f.name == name and f.delimiter and last.startswith(f"inbox{f.delimiter}"):
            last = last[len("inbox") + len(f.delimiter) :]
    return "sent" if last in SENT_NAMES else ""


def folder_id(name: str, mailbox_id: str | None) -> str:
    """
    Return the id that stays the same for a folder: MAILBOXID (RFC 8474) survives a rename, else the name.

    INBOX is one folder however it is written.
    """
    if mailbox_id:
        return f"id:{mailbox_id}"
    return "INBOX" if name.upper() == "INBOX" else name
