"""The numeric tracking token at the end of a subject, such as CRM:0001001 (domain rule 3.5)."""

import re
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Protocol, TypeVar

ONLINE = "0"
"""Composed in the CRM itself. 1 stood for mail composed in the Outlook client, which nothing here is."""
LONGEST_PREFIX = 20
MOST_LOOKED_AT = 10_000
"""So many characters at the end of a subject are searched: the token stands there, and a hostile one has no end."""
MOST_CANDIDATES = 8

_END = r"(?=$|[\s\)\],.;])"
# Possessive, and only from the beginning of a number on: a subject of digits alone costs one pass.
_NUMBER = re.compile(r"(?<![0-9])[0-9]{3}[0-9]*+" + _END)


@dataclass(frozen=True, slots=True)
class Layout:
    """How the tokens of an installation look: the settings ``tracking.token``."""

    prefix: str = "CRM:"
    base: int = 0
    user_digits: int = 3
    counter_digits: int = 3


@dataclass(frozen=True, slots=True)
class Generated:
    """A token. ``widened`` when the user's number needs more digits than the layout has: give it more."""

    text: str
    widened: bool


def generate(layout: Layout, *, user: int, count: int) -> Generated:
    """
    Return the token of the ``count``-th mail of a user.

    The count begins again after its digits are used up, so the same token may stand for two mails. The number of
    the user is never cut: it would be another user's.
    """
    number = str(layout.base + user)
    digits = str(count % 10**layout.counter_digits).zfill(layout.counter_digits)
    text = f"{layout.prefix}{ONLINE}{number.zfill(layout.user_digits)}{digits}"
    return Generated(text, widened=len(number) > layout.user_digits)


def with_token(subject: str, token: str, *, longest: int) -> str:
    """
    Return the subject with the token at its end, and there only, at most ``longest`` characters long.

    The subject is cut, never the token; a token that is too long by itself is left out.
    """
    text = " ".join(subject.split())
    if len(token) > longest:
        return text[:longest].rstrip()
    # An answer inherits the token of its thread; it must not stand there twice.
    text = " ".join(re.sub(_bounded(re.escape(token)), "", text, flags=re.IGNORECASE).split())
    room = longest - len(token) - 1
    return f"{text[:room].rstrip()} {token}" if room > 0 and text else token


def find(subject: str, prefixes: Sequence[str]) -> tuple[str, ...]:
    """
    Return the tokens in a subject that begin with one of these prefixes, as :func:`key` has them, the last one first.

    Linear in the length of the subject.
    """
    if not prefixes:
        return ()
    found = [match[1] for match in _pattern(tuple(prefixes)).finditer(subject[-MOST_LOOKED_AT:])]
    return tuple(dict.fromkeys(key(text) for text in reversed(found)))


def candidates(subject: str) -> tuple[str, ...]:
    """
    Return what may be tokens, whatever prefixes there are: the end of each with enough before it to hold a prefix.

    The last one first, at most :data:`MOST_CANDIDATES`; :func:`find` tells which are tokens. A number that stands
    by itself is none, since a prefix ends in something else than a blank.
    """
    text = subject[-MOST_LOOKED_AT:]
    found = [
        text[max(0, match.start() - LONGEST_PREFIX - 1) : match.end()]
        for match in _NUMBER.finditer(text)
        if match.start() and not text[match.start() - 1].isspace()
    ]
    return tuple(dict.fromkeys(reversed(found)))[:MOST_CANDIDATES]


def number(token: str) -> str:
    """Return the digits at the end of a token or candidate, by which it is looked up under any prefix."""
    return token[len(token.rstrip("0123456789")) :]


def key(token: str) -> str:
    """Return the form in which two tokens are compared: the prefix in any case is the same prefix."""
    return token.casefold()


class Dated(Protocol):
    """A mail that carries a token, with the date in its header."""

    @property
    def sent(self) -> datetime | None:
        """The instant, where the mail has one."""


T = TypeVar("T", bound=Dated)


def most_recent(carrying: Iterable[T], *, before: datetime | None, or_first: bool = True) -> T | None:
    """
    Return the mail that a token means: the most recent one that carries it.

    A token is used again when its digits are used up, and answers carry it on, so only mails up to the date of the
    mail that is looked at are meant; when clocks differ and all are later, the first of them, unless ``or_first`` is
    false: a mail that carries the token itself does not answer what came after it.
    """
    dated = sorted(carrying, key=lambda one: one.sent.timestamp() if one.sent else 0.0)
    earlier = [one for one in dated if _earlier(one.sent, before, strictly=not or_first)]
    if earlier:
        return earlier[-1]
    return dated[0] if dated and or_first else None


def _earlier(one: datetime | None, other: datetime | None, *, strictly: bool) -> bool:
    if one is None or other is None:
        return True
    return one < other or (one == other and not strictly)


def shared(sender: str, people: Collection[str], participants: Collection[str], own: Collection[str]) -> frozenset[str]:
    """
    Return the addresses by which a mail has a part in the thread that its token names.

    The product asks for none, so who guesses a number is filed with a stranger's mail. Addresses of our own
    mailboxes are in every mail that comes in and say nothing, unless one is the sender's.
    """
    common = set(people) & set(participants)
    return frozenset(one for one in common if one == sender or one not in own)


def _bounded(token: str) -> str:
    return rf"(?:(?<=[\s\(\[])|^){token}{_END}"


@lru_cache(maxsize=8)
def _pattern(prefixes: tuple[str, ...]) -> re.Pattern[str]:
    longest_first = sorted(prefixes, key=len, reverse=True)
    return re.compile(
        rf"(?:^|[\s\(\[])((?:{'|'.join(map(re.escape, longest_first))})[0-9]{{3,20}}){_END}", re.IGNORECASE
    )
