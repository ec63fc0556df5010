"""Under which keys a mail is kept, and under which ones the mails are sought that it may belong to."""

from collections.abc import Iterator
from typing import NamedTuple

from services.domain.likeness.attributions import Attribution
from services.domain.likeness.traits import Hash, Quoting, Traits, hashed_names

BUCKET = 4
"""Minutes that share one key of a sender."""
_MOST_SOUGHT = 3
"""How many attributions are looked up by sender and minute; the outermost names the nearest mail."""
_MOST_NAMES = 4


class Key(NamedTuple):
    """What mails are kept under: s(ubject), m(inute of a sender), n(umber), p(art of a series)."""

    kind: str
    what: int
    when: int = 0


def kept_under(traits: Traits) -> tuple[Key, ...]:
    """Return the keys of a mail that is stored."""
    keys = [Key("s", traits.subject)] if traits.key.text else []
    minutes = {traits.minute // BUCKET, (traits.minute + (traits.offset or 0)) // BUCKET}
    keys += [Key("m", one, minute) for one in traits.sender for minute in sorted(minutes)]
    keys += [Key("n", one) for one in traits.numbers]
    keys += [Key("p", traits.series)] if traits.part else []
    return tuple(keys)


def sought_under(traits: Traits, quoting: Quoting, hashed: Hash) -> tuple[Key, ...]:
    """Return the keys under which the mails may be kept that a mail belongs to."""
    keys = [Key("s", traits.subject)] if traits.key.text else []
    others = [traits.key.was, *(one.subject for one in quoting.named)]
    keys += [Key("s", hashed(f"s {one}")) for one in dict.fromkeys(others) if one and one != traits.key.text]
    keys += [Key("n", one) for one in traits.numbers]
    keys += [Key("p", traits.series)] if traits.part else []
    keys += _by_name(traits, quoting, hashed)
    return tuple(keys)


def _by_name(traits: Traits, quoting: Quoting, hashed: Hash) -> Iterator[Key]:
    """Yield the keys of the senders and minutes that the text names."""
    timed = [one for one in quoting.named if any(stated.exact for stated in one.stated)]
    for one in timed[:_MOST_SOUGHT]:
        names = sorted(hashed_names(one, hashed, most=_MOST_NAMES))
        buckets = {(minute + by) // BUCKET for minute in _instants(one, traits) for by in (-1, 1)}
        yield from (Key("m", name, bucket) for bucket in sorted(buckets) for name in names)


def _instants(attribution: Attribution, traits: Traits) -> Iterator[int]:
    """
    Yield the minutes, UTC or local to the named sender, that an attribution can mean and that lie before the mail.

    Without a stated zone: the replier's own, an hour more or less where summer time changed, UTC, or the sender's own.
    """
    own = traits.offset or 0
    for stated in attribution.stated:
        zones = dict.fromkeys([own, 0, own + 60, own - 60]) if stated.offset is None else [stated.offset]
        if stated.exact:
            yield from (m for m in (stated.local - zone for zone in zones) if m <= traits.minute + 14 * 60)
