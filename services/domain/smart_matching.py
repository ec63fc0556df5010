"""
The product's smart matching (domain rule 3.7): two mails are one conversation when subject and people are alike.

Nothing but hashes is compared, so that an index of them holds no text. Which words and addresses a mail has depends
on the parameters under which its hashes were made.
"""

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Generic, TypeVar

from services.domain.addresses import normalise
from services.domain.message import Mailbox, Message

Key = TypeVar("Key")

NOISE = r"^[\s]*([\w]+\s?:[\s]*)+"
"""The product's filter; its time grows with the square of the subject's length at worst."""
LONGEST_SUBJECT = 400
"""Of a longer subject the beginning is compared: what a filter costs grows with the length of what it is given."""
_WORD = re.compile(r"[^\W_]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameters:
    """The product's parameters. ``noise`` is what is taken out of a subject before its words are compared."""

    noise: str = NOISE
    max_count: int = 20
    delta_subject: int = 0
    min_address: int = 2
    lookback: timedelta = timedelta(days=90)


@dataclass(frozen=True, slots=True)
class Hashes:
    """The words of a subject and the addresses of a mail, each by a hash of 64 bits."""

    words: frozenset[int]
    addresses: frozenset[int]

    def subject_alike(self, other: "Hashes", delta: int) -> bool:
        """
        Whether the subjects have words in common, all but ``delta`` of the longer one.

        The counts of words then differ by ``delta`` at most, which the rule asks for too.
        """
        longer = max(len(self.words), len(other.words))
        return len(self.words & other.words) >= max(1, longer - delta)

    def shared(self, other: "Hashes") -> int:
        """How many addresses are the same."""
        return len(self.addresses & other.addresses)


@dataclass(frozen=True, slots=True)
class Indexed(Generic[Key]):
    """A mail that others may be compared with: what it is known by, when it was sent, its hashes."""

    key: Key
    sent: datetime
    hashes: Hashes


def strip(subject: str, noise: str) -> str:
    """Return the subject without any match of the filter."""
    return re.sub(noise, "", subject[:LONGEST_SUBJECT])


def words_of(stripped: str, max_count: int) -> list[str]:
    """Return the first distinct words of a stripped subject: runs of letters and digits, in one case."""
    return list(dict.fromkeys(_WORD.findall(stripped.casefold())))[:max_count]


def addresses_of(message: Message, max_count: int) -> list[str]:
    """Return the first distinct addresses of From, To, Cc and Bcc, normalised."""
    everybody: Sequence[Mailbox] = (*message.from_, *message.to, *message.cc, *message.bcc)
    distinct = dict.fromkeys(normalise(one.address) for one in everybody)
    distinct.pop("", None)
    return list(distinct)[:max_count]


def hashes_of(message: Message, stripped: str, max_count: int, *, key: bytes) -> Hashes:
    """Return the hashes of a message; ``stripped`` is its subject after :func:`strip`, ``key`` keeps them ours."""
    return Hashes(
        frozenset(_hash(key, b"word", word) for word in words_of(stripped, max_count)),
        frozenset(_hash(key, b"address", address) for address in addresses_of(message, max_count)),
    )


def _hash(key: bytes, kind: bytes, text: str) -> int:
    digest = hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8, key=key[:64], person=kind)
    return int.from_bytes(digest.digest(), signed=True)


def needed(hashes: Hashes, parameters: Parameters) -> int:
    """
    Return in how many words, the rarest ones, any match must be looked for; 0 when nothing can match.

    A match lacks at most ``delta_subject`` of the words, so it holds one of any ``delta_subject + 1`` of them.
    """
    if not hashes.words or len(hashes.addresses) < parameters.min_address:
        return 0
    return min(len(hashes.words), parameters.delta_subject + 1)


def rank(one: Indexed[Key], hashes: Hashes, sent: datetime, parameters: Parameters) -> tuple[datetime, int, str] | None:
    """
    Return how near a mail is to one with these hashes, sent at this time, or None when the two are not alike.

    The greatest is the one that is continued: the newest, of equally new ones that with most addresses in common.
    What was sent later, or before the days that are looked back, is not continued.
    """
    if not since(sent, parameters) <= one.sent <= sent:
        return None
    shared = one.hashes.shared(hashes)
    if shared < parameters.min_address or not one.hashes.subject_alike(hashes, parameters.delta_subject):
        return None
    return one.sent, shared, str(one.key)


def since(sent: datetime, parameters: Parameters) -> datetime:
    """Return the earliest time at which what a mail of this time continues can have been sent."""
    earliest = datetime.min.replace(tzinfo=sent.tzinfo)
    return sent - parameters.lookback if sent - earliest > parameters.lookback else earliest
