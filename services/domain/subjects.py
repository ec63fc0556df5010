"""
What a subject says once the marks that mail programs and lists put around it are taken off (RFC 5322 section 3.6.5).

The key of a subject is the same for a mail, its answers and its forwards, whatever language their programs speak.
"""

import re
import unicodedata
from dataclasses import dataclass
from enum import StrEnum

from services.domain import own_token

LONGEST_SUBJECT = 1_000
"""Characters of a subject that are looked at: a hostile header must not cost like a thousand mails."""


class Prefix(StrEnum):
    """What a mark before a subject says."""

    REPLY = "reply"
    FORWARD = "forward"
    EITHER = "either"  # Finnish programs answer with the letters with which Danish ones forward


@dataclass(frozen=True, slots=True)
class SubjectKey:
    """
    A normalised subject.

    ``text`` has the words and numbers in lower case, one space between them; ``prefixes`` are the marks of replies and
    forwards, outermost first; ``tags`` the list tags that were taken off, without brackets; ``was`` the key of the
    former subject that some people name behind a new one ("New (was: Old)"), else empty.
    """

    text: str
    prefixes: tuple[Prefix, ...] = ()
    tags: tuple[str, ...] = ()
    was: str = ""

    @property
    def reply(self) -> bool:
        """Whether a mark of a reply is there."""
        return any(prefix in (Prefix.REPLY, Prefix.EITHER) for prefix in self.prefixes)

    @property
    def forward(self) -> bool:
        """Whether the outermost mark says that the mail was forwarded; an answer to a forwarded mail is an answer."""
        return self.prefixes[:1] == (Prefix.FORWARD,)


_MARKS = {
    Prefix.REPLY: (
        "re res resp reply aw antw antwort sv odp ynt atb rif bls vá vast ats отв ответ απ"
        " 回复 回覆 答复 答覆 回信 返信 回答 회신 답장 תגובה השב رد ตอบ"
    ),
    Prefix.FORWARD: (
        "fw fwd wg tr rv enc vb vl pd doorst i̇lt ilt trs tov továbbítás yml edasi πρθ"
        " пересл переслано 转发 轉寄 轉發 转寄 転送 전달 הועבר"
    ),
    Prefix.EITHER: "vs",
}
_PREFIX_OF = {word: prefix for prefix, words in _MARKS.items() for word in words.split()}
_SINGLE = {"R": Prefix.REPLY, "I": Prefix.FORWARD}
"""The Italian ones: being so short they count in capitals only."""

_MARK = re.compile(r"\s*([^\s:()\[\]^*]{1,20})\s?(?:[\[(^*]\d{1,4}[\])]?)?\s?:")
_TAG = re.compile(r"\s*\[([^\[\]]{1,80})\]")
_KEPT_TAG = re.compile(r"\s*(?:(?:git\s+)?pull|patch|rfc)\b|.*\d{3}", re.IGNORECASE)
"""What stands in brackets and is no list tag: the number of a patch, of a ticket."""
_GATEWAY = re.compile(
    r"\s*(?:(?:external|extern|externe|externo|esterno|ext|caution|suspicious|spam)\s?:"
    r"|\*{2,5}\s?[^\W\d_][^*]{0,40}\*{2,5})",
    re.IGNORECASE,
)
"""What gateways write before the subject of mail from outside; an answer to it may come back with it or without."""
_FORWARDED = re.compile(r"[(\[]\s*fwd?\s*[)\]]\s*$", re.IGNORECASE)
_WAS = re.compile(r"[(\[]\s*(?:was|war|ehemals|fue|était)\b\s*:?([^()\[\]]+)[)\]]?\s*$", re.IGNORECASE)
_WORD = re.compile(r"[^\W_]+")


def normalise_subject(text: str) -> SubjectKey:
    """
    Return the key of a subject, decoded and unfolded.

    Marks of replies and forwards go, with counters ("Re[2]:") and with colons of any width, and so do list tags and
    what gateways write ("EXTERNAL:", "***SPAM***"), wherever they stand before the first word, and tokens of our own;
    what stands in brackets and has a number of three digits or is a patch stays. A subject of nothing else keeps it.
    What :data:`LONGEST_SUBJECT` cuts off counts for nothing. Linear.
    """
    rest = unicodedata.normalize("NFKC", own_token.without(text[:LONGEST_SUBJECT])).strip()
    prefixes: list[Prefix] = []
    tags: list[str] = []
    while True:
        if rest.startswith("[") and rest.endswith("]") and _mark(rest[1:]) is not None:
            rest = rest[1:-1]  # "[Fwd: Offer]"
        found = _mark(rest)
        if found is not None:
            prefix, end = found
            prefixes.append(prefix)
        else:
            taken = _GATEWAY.match(rest) or _list_tag(rest)
            if taken is None or not _WORD.search(rest, taken.end()):
                break
            tags += [taken[1].strip()] if taken.re is _TAG else []
            end = taken.end()
        rest = rest[end:].lstrip()
    forwarded = _FORWARDED.search(rest)
    if forwarded:
        prefixes.append(Prefix.FORWARD)
        rest = rest[: forwarded.start()]
    was = _WAS.search(rest)
    former = normalise_subject(was[1]).text if was else ""
    return SubjectKey(_words(rest[: was.start()] if was else rest), tuple(prefixes), tuple(tags), former)


def _mark(text: str) -> tuple[Prefix, int] | None:
    """Return the mark at the start of a text, and where it ends."""
    found = _MARK.match(text)
    if found is None:
        return None
    prefix = _SINGLE.get(found[1]) or _PREFIX_OF.get(found[1].rstrip("0123456789").casefold())
    return None if prefix is None else (prefix, found.end())


def _list_tag(text: str) -> re.Match[str] | None:
    tag = _TAG.match(text)
    return None if tag is None or _KEPT_TAG.match(tag[1]) else tag


def _words(text: str) -> str:
    folded = unicodedata.normalize("NFKC", text.casefold())
    return " ".join(_WORD.findall(folded))
