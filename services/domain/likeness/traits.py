"""What a mail shows of the conversation it belongs to: the cheap part from its header, the rest from its text."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from services.domain import own_token
from services.domain.likeness.attributions import Attribution, attributions
from services.domain.likeness.numbers import business_numbers
from services.domain.likeness.people import greeted, names, person, sender_of
from services.domain.likeness.quotes import LONGEST_TEXT, quoted_part
from services.domain.likeness.series import Part, part_of
from services.domain.likeness.shingles import MOST_SHINGLES, shingles
from services.domain.message import Message
from services.domain.subjects import SubjectKey, normalise_subject

MOST_PEOPLE = 24
"""How many addresses of a mail are compared."""
SHORT = 0xFFFFFFFF
"""Addresses and names are compared by 32 bits: a chance match alone decides nothing."""

Hash = Callable[[str], int]
"""A keyed hash of 64 bits."""

_ZONE = re.compile(r"([+-])(\d\d)(\d\d)\b")


@dataclass(frozen=True, slots=True)
class Traits:
    """
    The cheap part of a mail, by which every mail is kept.

    ``subject`` is the hash of the subject key, ``sender`` those of the sender's address and names, ``person`` that of
    the address, ``people`` those of all addresses, the sender's first. ``second`` is the Date; ``offset`` the zone of
    its writer in minutes, None where the Date does not state one. ``stream`` is the hash of the list tag, or 0.
    """

    key: SubjectKey
    subject: int
    second: int
    offset: int | None
    sender: tuple[int, ...]
    person: int
    recipients: frozenset[int]
    people: tuple[int, ...]
    numbers: tuple[int, ...]
    part: Part | None
    series: int
    stream: int

    @property
    def minute(self) -> int:
        """The Date in minutes since 1970."""
        return self.second // 60


@dataclass(frozen=True, slots=True)
class Quoting:
    """What the text of a mail says of the mails it answers: whom it names, quotes (a sample) and greets."""

    named: tuple[Attribution, ...]
    quote: frozenset[int]
    greeting: frozenset[int]


NOTHING_QUOTED = Quoting((), frozenset(), frozenset())
LONGEST_SAMPLED = 4_096
"""Characters of a text that a sample is taken of: as many as the mails had on which the rules were measured."""
_SHOWS_QUOTE = re.compile(r"^[ \t]{0,4}[>|]|\d[:.h]\d\d", re.MULTILINE)
"""A quote mark at the start of a line, or a time, without which no attribution and no header block is exact."""


def traits(mail: Message, received: datetime, hashed: Hash) -> Traits:
    """Return the cheap traits of a mail; ``received`` stands in for a missing Date."""
    key = normalise_subject(mail.subject)
    sender = sender_of(mail)
    own = hashed(person(sender)) & SHORT
    recipients = [hashed(person(one)) & SHORT for one in (*mail.to, *mail.cc)[:MOST_PEOPLE]]
    zone = _ZONE.search(mail.date_raw[:100])
    part = part_of(mail.subject)
    return Traits(
        key=key,
        subject=hashed(f"s {key.text}"),
        second=int((mail.date or received).timestamp()),
        offset=(int(zone[2]) * 60 + int(zone[3])) * (-1 if zone[1] == "-" else 1) if zone else None,
        sender=tuple(dict.fromkeys([own, *(hashed(name) & SHORT for name in names(sender))])),
        person=own,
        recipients=frozenset(recipients),
        people=tuple(dict.fromkeys([own, *recipients])),
        numbers=tuple(dict.fromkeys(hashed(f"n {one}") for one in business_numbers(own_token.without(mail.subject)))),
        part=part,
        series=hashed(f"p {part.label} {part.total} {own}") if part else 0,
        stream=hashed(f"t {key.tags[0].casefold()}") if key.tags else 0,
    )


def sample_of(text: str) -> tuple[int, ...]:
    """Return the sample of the beginning of a text that is kept."""
    return shingles(text[:LONGEST_SAMPLED].lower(), MOST_SHINGLES)


def quoting(key: SubjectKey, text: str, hashed: Hash) -> Quoting:
    """
    Return what a text quotes; nothing where neither subject nor text shows a mark of an answer.

    This costs more than everything else, so it is asked only where ids have not decided.
    """
    looked = text[:LONGEST_TEXT]
    if not key.prefixes and not _SHOWS_QUOTE.search(looked):
        return NOTHING_QUOTED
    named = attributions(looked)
    quote = shingles(quoted_part(looked, named).lower(), 4 * MOST_SHINGLES)
    return Quoting(named, frozenset(quote), frozenset(hashed(word) & SHORT for word in greeted(looked)))


def hashed_names(attribution: Attribution, hashed: Hash, *, most: int = 24) -> frozenset[int]:
    """Return the hashes of at most so many addresses and words that an attribution names, addresses first."""
    words = [*sorted(attribution.addresses), *sorted(attribution.words, key=lambda word: (-len(word), word))]
    return frozenset(hashed(word) & SHORT for word in words[:most])
