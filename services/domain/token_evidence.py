"""What the tokens in a mail point at: numeric ones in its subject, our own in what it answers and where it was sent."""

from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from uuid import UUID

from services.domain import own_token, tracking_token
from services.domain.evidence import Evidence, Kind
from services.domain.message import Message
from services.domain.own_token import Keys, Verified

RECIPIENT_HEADERS = frozenset({"delivered-to", "x-original-to", "envelope-to", "x-envelope-to"})
"""Where servers write for whom a mail came, with what stands behind ``+``."""


def of_subject(subject: str, *, key: Callable[[str, str], UUID]) -> Iterator[Evidence]:
    """
    Yield what may be tracking tokens, the last one nearest, as the mail has them.

    Which prefixes there are is a setting, so the target is made of the digits alone.
    """
    numbers: dict[str, str] = {}
    for candidate in tracking_token.candidates(own_token.without(subject)):
        numbers.setdefault(tracking_token.number(candidate), candidate)
    for position, (number, candidate) in enumerate(numbers.items()):
        yield Evidence(Kind.TRACKING_TOKEN, position, key("token", number), candidate)


def verified(message: Message, keys: Keys, *, at: datetime) -> Verified:
    """Return our own tokens in the addresses of a mail, in the ids that it answers and in its subject."""
    ids = (*message.in_reply_to, *reversed(message.references))
    return own_token.verify(keys, recipients(message), ids, at=at, subject=message.subject)


def recipients(message: Message) -> Iterator[str]:
    """Yield the addresses for which a mail came, as they are written."""
    yield from (one.address for one in (*message.to, *message.cc))
    yield from (value.strip().strip("<>") for name, value in message.headers if name in RECIPIENT_HEADERS)


def of_own(found: Verified) -> Iterator[Evidence]:
    """Yield what our own tokens point at; the value names the token and leaves out its proof."""
    for kind, tokens in ((Kind.OWN_TOKEN, found.tokens), (Kind.OWN_SUBJECT_TOKEN, found.in_subject)):
        for position, token in enumerate(unique(tokens)):
            yield Evidence(kind, position, own_token.target(token.ref), f"{token.audience} {token.name}")


def unique(tokens: Iterable[own_token.Token]) -> Iterable[own_token.Token]:
    """Return the nearest token of each thread."""
    nearest: dict[str, own_token.Token] = {}
    for token in tokens:
        nearest.setdefault(token.ref, token)
    return nearest.values()
