"""
What servers that we trust have found out about the sender of a mail: Authentication-Results (RFC 8601).

Anybody can write this header, so only results under a trusted authserv-id count, and of several headers the topmost:
the last server writes on top, and what stands below may have come with the mail, also what the topmost says nothing
about (sections 5 and 7.1). Below it only a refusal counts, which nobody gains by forging: some servers write one header
per check.
"""

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from services.domain.addresses import domain_of

HEADER = "authentication-results"
LONGEST_HEADER = 20_000

# A quoted text, an escaped character, a mark, blanks, or a word; each piece is read once.
_PIECE = re.compile(r'"((?:[^"\\]|\\.)*+)"|\\.|[();=]|\s++|[^"\\();=\s]++|.', re.DOTALL)
_PUBLISHED = re.compile(r"\bp=(none|quarantine|reject)\b", re.IGNORECASE)
_STRICT = frozenset({"quarantine", "reject", "oreject"})
_POLICIES = ("policy.published-domain-policy", "policy.dmarc", "action")


@dataclass(frozen=True, slots=True)
class Result:
    """One resinfo: method and result in lower case, the properties (``header.d``), and what its comments say."""

    method: str
    result: str
    properties: Mapping[str, str] = field(default_factory=dict)
    comment: str = ""


class Authentication(StrEnum):
    """Whether the domain in From has been shown to be the sender's."""

    PASSED = "passed"
    UNKNOWN = "unknown"
    FAILED = "failed"  # and the domain asks that such mail be refused or set aside


def authenticated(sender: str, headers: Iterable[tuple[str, str]], trusted: Collection[str]) -> Authentication:
    """
    Return what the trusted servers say of the domain of the address in From.

    DMARC decides where it was evaluated; a failure under a policy of none says nothing. Else a signature or an
    envelope sender counts whose domain is that of From, one above it or one below it.
    """
    domain = domain_of(sender)
    if not trusted or not domain:
        return Authentication.UNKNOWN
    topmost, *below = _believed(headers, trusted) or [()]
    for one in topmost:
        if one.method == "dmarc" and one.result in ("pass", "fail"):
            if _refuses(one, domain):
                return Authentication.FAILED
            return Authentication.PASSED if one.result == "pass" and _of(one, domain) else Authentication.UNKNOWN
    if any(_refuses(one, domain) for results in below for one in results):
        return Authentication.FAILED
    if any(one.result == "pass" and related(_proven(one), domain) for one in topmost):
        return Authentication.PASSED
    return Authentication.UNKNOWN


def _believed(headers: Iterable[tuple[str, str]], trusted: Collection[str]) -> list[tuple[Result, ...]]:
    """Return the results of each header under a trusted authserv-id, the topmost first."""
    names = {one.lower() for one in trusted}
    found = (parse(value) for name, value in headers if name == HEADER)
    return [results for server, results in found if server in names]


def parse(value: str) -> tuple[str, tuple[Result, ...]]:
    """
    Return the authserv-id and the results of one header. Tolerant: what cannot be read is left out. Linear.

    A header longer than :data:`LONGEST_HEADER` says nothing: one that is cut could say the opposite.
    """
    if len(value) > LONGEST_HEADER:
        return "", ()
    (first, _), *rest = _clauses(value)
    server = first[0].lower() if first and "=" not in first else ""
    return server, tuple(found for words, comment in rest if (found := _result(words, comment)) is not None)


def related(one: str, other: str) -> bool:
    """Whether two domains are the same or one lies below the other; a top-level domain is nobody's."""
    if "." not in one or "." not in other:
        return False
    return one == other or one.endswith("." + other) or other.endswith("." + one)


def _clauses(value: str) -> list[tuple[list[str], str]]:
    clauses: list[tuple[list[str], list[str]]] = [([], [])]
    depth = 0
    for match in _PIECE.finditer(value):
        piece = match[0]
        words, comments = clauses[-1]
        if piece == "(":
            depth += 1
        elif piece == ")":
            depth = max(0, depth - 1)
        elif depth:
            comments.append(piece)
        elif piece == ";":
            clauses.append(([], []))
        elif not piece.isspace():
            words.append(piece if match[1] is None else match[1])
    return [(words, "".join(comments)) for words, comments in clauses]


def _result(words: list[str], comment: str) -> Result | None:
    if words[1:2] != ["="] or not words[2:] or "" in words[:3] or "=" in (words[0], words[2]):
        return None
    method, _, _ = words[0].lower().partition("/")  # with a version: dkim/1
    if not method:
        return None
    properties: dict[str, str] = {}
    for at in range(3, len(words) - 2):
        if words[at + 1] == "=" and words[at] != "=":
            properties.setdefault(words[at].lower(), words[at + 2].lower())
    return Result(method, words[2].lower(), properties, comment)


def _of(dmarc: Result, domain: str) -> bool:
    return dmarc.properties.get("header.from", domain).lower() == domain


def _refuses(one: Result, domain: str) -> bool:
    return one.method == "dmarc" and one.result == "fail" and _of(one, domain) and _strict(one)


def _strict(dmarc: Result) -> bool:
    """Whether the domain asks for more than reports; servers say so in a comment, a property or their action."""
    published = _PUBLISHED.search(dmarc.comment)
    said = [published[1]] if published else [dmarc.properties.get(name, "") for name in _POLICIES]
    return any(one.lower() in _STRICT for one in said)


def _proven(one: Result) -> str:
    if one.method == "dkim":
        return one.properties.get("header.d") or domain_of(one.properties.get("header.i", ""))
    if one.method == "spf":
        return one.properties.get("smtp.mailfrom", "").rpartition("@")[2]
    return ""
