"""
Address headers as mailboxes (RFC 5322 section 3.4), in linear time.

The raw value is cut into mailboxes before encoded words are decoded: a decoded name may hold a comma or an
address, and neither must count as one.
"""

import re
from dataclasses import dataclass, field

from services.domain.message import Mailbox
from services.mime.characters import clean, shown
from services.mime.words import WORD, decode_words

_LONGEST_ADDRESS = 998
_LONGEST_NAME = 998

_ATOM = r"[^\s@<>\"(),;:\\\[\]]+"
_USUAL = re.compile(rf" *(?:(?:\"([^\"<>\\]*)\"|([^\"<>(),;:@\\]*)) *<({_ATOM}@{_ATOM})>|({_ATOM}@{_ATOM})) *(?:,|\Z)")
_TOKEN = re.compile(
    rf"(?P<word>{WORD.pattern})"
    r'|"(?P<quoted>(?:[^"\\]++|\\.)*+)"'
    r"|<(?P<angle>(?:\"[^\"<>]*\"|[^<>\"(])*+)>"
    r"|<(?P<open>[^<>,;\s\"]*)"
    r"|(?P<mark>[,;:(])"
    r"|(?P<atom>(?:[^\s\"(),:;<>\[\]=]|=(?!\?)|\[[^\s\[\]<>,]*\])+)"
    r"|(?P<space>\s+)"
    r"|(?P<junk>.)",
    re.DOTALL,
)
_UNQUOTED = re.compile(_TOKEN.pattern.replace(r"""|"(?P<quoted>""", r"""|(?!)(?P<quoted>"""), re.DOTALL)
_COMMENT_MARK = re.compile(r"[()]|\\.", re.DOTALL)
_ANGLE_MARK = re.compile(r"[(<>]|\"(?:[^\"\\]++|\\.)*+\"", re.DOTALL)
_BLANK = re.compile(r"[ \t\r\n]+")
_ESCAPED = re.compile(r"\\(.)", re.DOTALL)


@dataclass(slots=True)
class _Reading:
    """The mailbox being read: its name so far, addresses without brackets, the address in brackets."""

    phrase: list[str] = field(default_factory=list)
    bare: list[str] = field(default_factory=list)
    comment: str = ""
    angle: str = ""
    found: list[Mailbox] = field(default_factory=list)

    def flush(self) -> None:
        """Take what was read as one mailbox (or several, where commas were forgotten), and begin anew."""
        if self.angle:
            self._add("".join(self.phrase) or self.comment, self.angle)
        else:
            for text in self.bare:
                self._add(self.comment, text)
        self.begin()

    def begin(self) -> None:
        """Forget what was read since the last mailbox."""
        self.phrase, self.bare, self.comment, self.angle = [], [], "", ""

    def _add(self, name: str, written: str) -> None:
        address = _address(written)
        if address:
            self.found.append(Mailbox(_name(name), address))


def mailboxes(value: str, limit: int = 5_000) -> tuple[Mailbox, ...]:
    """
    Return the mailboxes of an unfolded header value, in order, groups flattened; at most ``limit``.

    What is no address ("undisclosed-recipients:;", a name alone) gives no mailbox; a word in brackets without a
    domain does ("<MAILER-DAEMON>"), because bounces are known by it.
    """
    if value.isprintable():
        usual = _usual(value, limit)
        if usual:
            return tuple(usual)
    found = _read(value, limit)
    if not found and "=?" in value and not WORD.sub("", value).strip(", \t"):
        # The whole header was put into encoded words, addresses too (RFC 2047 section 5 forbids it).
        found = _read(decode_words(value), limit)
    return tuple(found)


def _usual(value: str, limit: int) -> list[Mailbox]:
    """Read a list that is written as nearly all are, or return nothing."""
    found: list[Mailbox] = []
    at, end = 0, len(value)
    while at < end:
        match = _USUAL.match(value, at)
        if match is None or len(found) == limit:
            return found if match else []
        quoted, name, address, bare = match.groups()
        text = quoted or name
        found.append(Mailbox(clean(decode_words(text))[:_LONGEST_NAME] if text else "", address or bare))
        if len(found[-1].address) > _LONGEST_ADDRESS or "=?" in found[-1].address:
            return []
        at = match.end()
    return found


def _read(value: str, limit: int) -> list[Mailbox]:
    reading = _Reading()
    token, comments = _TOKEN, True
    at = 0
    while at < len(value) and len(reading.found) < limit:
        match = token.match(value, at)
        if match is None:
            break
        kind, text, start = match.lastgroup, match[0], at
        at = match.end()
        if kind == "mark" and text == "(":
            end = _comment_end(value, at) if comments else 0
            if end:
                reading.comment = value[at : end - 1]
                at = end
            comments = comments and bool(end)
        elif kind == "open" and comments and (end := _angle_end(value, start + 1)):
            _angle(reading, value[start + 1 : end - 1])
            at = end
        elif kind == "junk" and text == '"':
            token = _UNQUOTED  # no closing quote follows, so none is looked for again
        elif kind == "mark":
            _separate(reading, text)
        else:
            comments = comments and kind != "open"  # no bracket closes, so none is looked for again
            _take(reading, match, glued=start > 0 and value[start - 1] == '"')
    reading.flush()
    return reading.found[:limit]


def _separate(reading: _Reading, mark: str) -> None:
    if mark == ":" and not reading.angle:
        reading.begin()  # the name of a group
    else:
        reading.flush()


def _angle(reading: _Reading, text: str) -> None:
    if reading.angle:
        reading.flush()
    reading.angle = text


def _take(reading: _Reading, match: re.Match[str], *, glued: bool) -> None:
    kind = match.lastgroup
    text = match[0]
    if kind in ("angle", "open"):
        _angle(reading, match[kind])
    elif reading.angle:
        if kind == "atom" and "@" in text:
            reading.flush()
            reading.bare.append(text)
    elif kind == "atom" and "@" in text:
        if text.startswith("@") and glued and reading.phrase:
            text = reading.phrase[-1] + text  # a quoted local part
        reading.bare.append(text)
        reading.phrase.append(text)
    elif kind == "quoted":
        reading.phrase.append(f'"{match["quoted"]}"')
    elif text != "\\":
        reading.phrase.append(text)


def _comment_end(value: str, at: int) -> int:
    depth = 1
    for mark in _COMMENT_MARK.finditer(value, at):
        depth += {"(": 1, ")": -1}.get(mark[0], 0)
        if depth == 0:
            return mark.end()
    return 0


def _angle_end(value: str, at: int) -> int:
    """Return where brackets end that hold a comment, which may hold brackets of its own; 0 where they do not."""
    while mark := _ANGLE_MARK.search(value, at):
        at = mark.end()
        if mark[0] == "(":
            at = _comment_end(value, at)
            if not at:
                return 0
        elif mark[0] == ">":
            return at
        elif mark[0] == "<":
            return 0
    return 0


def _name(text: str) -> str:
    text = text.strip()
    if "\\" in text:
        text = _ESCAPED.sub(r"\1", text)
    return clean(decode_words(text.replace('"', "")))[:_LONGEST_NAME]


def _address(written: str) -> str:
    """
    Return the address without comments and white space.

    A mark that nobody sees is left out where it stands around the address, as pasting brings it there; inside, the
    address is another one than without it.
    """
    text = written.strip()
    if text.startswith("@") and ":" in text:
        text = text.rpartition(":")[2]  # RFC 5322 section 4.4: an obsolete route
    if text.lower().startswith("mailto:"):
        text = text[7:]
    if "=?" in text:
        text = decode_words(text)
    if not text.startswith('"'):
        text = _BLANK.sub("", _uncommented(text))
    text = shown(text).strip("<>,;")
    local, at, domain = text.rpartition("@")
    if len(text) > _LONGEST_ADDRESS or (at and not (local and domain)):
        return ""
    return text


def _uncommented(text: str) -> str:
    kept: list[str] = []
    at = 0
    while (begin := text.find("(", at)) >= 0:
        end = _comment_end(text, begin + 1)
        if not end:
            break
        kept.append(text[at:begin])
        at = end
    return "".join((*kept, text[at:]))
