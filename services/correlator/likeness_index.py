"""The likeness index in Redis: hashes only, bounded by age, two round trips to ask and one to store, for any batch."""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Any
from uuid import UUID

from services.domain.errors import Retry
from services.domain.likeness.entries import Entry
from services.domain.likeness.index import Habit, Kept, Looked, Question
from services.domain.likeness.keys import Key
from services.domain.likeness.memory_index import most
from services.domain.likeness.packing import pack_entry, pack_key, unpack_entry
from services.storage.cache import world

if TYPE_CHECKING:
    import redis

DAYS_KEPT = 400
"""A mail is found for so many days after it was stored; what only older mails share is forgotten by Redis itself."""
_EXPIRY = DAYS_KEPT * 86_400
_REFERENCE = 8
"""Bytes of the hash of an id that postings name a mail by."""
_SLACK = 4
"""A posting list grows to so many times what is read of it before it is cut."""

EPOCH = b"mwl:epoch"
_SEEN = b"mwl:seen"
_HABITS = b"mwl:habits"


class IndexLost(Retry):
    """Redis has lost its memory."""

    def __init__(self) -> None:
        super().__init__("the likeness index is empty: it is being rebuilt from PostgreSQL")


class LikenessIndex:
    """
    A :class:`services.domain.likeness.index.Index` for any number of replicas.

    Everything is a hash, so that a copy of Redis names nobody. ``Retry`` when Redis cannot be reached, and when the
    epoch key is missing: then Redis has lost its memory, and :mod:`services.correlator.likeness_rebuild` fills it anew.
    """

    def __init__(self, client: "redis.Redis") -> None:
        self._redis = client

    def look_up(self, question: Question) -> Looked:
        """Return what is stored."""
        keys, people, streams = list(question.keys), list(question.people), list(question.streams)
        pipe = self._redis.pipeline(transaction=False)
        pipe.exists(EPOCH)
        pipe.mget([b"mwk" + pack_key(key) for key in keys] or [EPOCH])
        pipe.hmget(_SEEN, [str(person) for person in people] or ["-"])
        pipe.hmget(_HABITS, [f"{stream}{sign}" for stream in streams for sign in "+-"] or ["-"])
        with world():
            epoch, postings, seen, habits = pipe.execute()
        if not epoch:
            raise IndexLost
        references = {key: _latest(key, packed) for key, packed in zip(keys, postings, strict=False) if packed}
        wanted = {one for found in references.values() for one in found} | {
            m.bytes[:_REFERENCE] for m in question.messages
        }
        entries = self._entries(sorted(wanted))
        counts = [(int(habits[2 * n] or 0), int(habits[2 * n + 1] or 0)) for n in range(len(streams))]
        by_message = {m: entries.get(m.bytes[:_REFERENCE]) for m in question.messages}
        return Looked(
            {key: [entries[one] for one in found if one in entries] for key, found in references.items()},
            {person: int(count or 0) for person, count in zip(people, seen, strict=False)},
            {stream: Habit(*pair) for stream, pair in zip(streams, counts, strict=True) if any(pair)},
            {m: entry for m, entry in by_message.items() if entry is not None},
        )

    def _entries(self, references: Sequence[bytes]) -> Mapping[bytes, Entry]:
        if not references:
            return {}
        with world():
            packed: list[Any] = self._redis.mget([b"mwe" + one for one in references])
        return {one: unpack_entry(data) for one, data in zip(references, packed, strict=True) if data}

    def keep(self, mails: Sequence[Kept]) -> None:
        """Store mails. Killed in between, some of a batch may be stored; storing it again mends that."""
        if not mails:
            return
        pipe = self._redis.pipeline(transaction=False)
        appended: list[tuple[Key, bytes]] = []
        for mail in mails:
            reference = mail.entry.message.bytes[:_REFERENCE]
            pipe.set(b"mwe" + reference, pack_entry(mail.entry), ex=_EXPIRY)
        for key, references in _by_key(mails).items():
            name = b"mwk" + pack_key(key)
            pipe.append(name, references)
            pipe.expire(name, _EXPIRY)
            appended.append((key, name))
        _count(pipe, mails)
        with world():
            answers = pipe.execute()
            lengths = answers[len(mails) : len(mails) + 2 * len(appended) : 2]
            self._cut(
                [name_of for name_of, length in zip(appended, lengths, strict=True) if _too_long(name_of[0], length)]
            )

    def _cut(self, grown: Sequence[tuple[Key, bytes]]) -> None:
        """Shorten lists that have grown long. What another replica appends meanwhile may be lost from this one key."""
        for key, name in grown:
            found = self._redis.getrange(name, -most(key) * _REFERENCE, -1)
            self._redis.set(name, found, ex=_EXPIRY)

    def forget(self, messages: Collection[UUID]) -> None:
        """Drop mails; keys that name them lead nowhere."""
        if messages:
            with world():
                self._redis.unlink(*(b"mwe" + message.bytes[:_REFERENCE] for message in messages))


def _latest(key: Key, packed: bytes) -> list[bytes]:
    found = [packed[at : at + _REFERENCE] for at in range(0, len(packed), _REFERENCE)]
    return list(dict.fromkeys(found[-most(key) :]))


def _by_key(mails: Sequence[Kept]) -> Mapping[Key, bytes]:
    found: dict[Key, bytes] = {}
    for mail in mails:
        for key in mail.keys:
            found[key] = found.get(key, b"") + mail.entry.message.bytes[:_REFERENCE]
    return found


def _too_long(key: Key, length: int) -> bool:
    return length > most(key) * _REFERENCE * _SLACK


def _count(pipe: "redis.client.Pipeline", mails: Sequence[Kept]) -> None:
    seen = Counter(person for mail in mails for person in mail.entry.people)
    for person, count in seen.items():
        pipe.hincrby(_SEEN, str(person), count)
    habits = Counter(f"{mail.stream}{'+' if mail.habit else '-'}" for mail in mails if mail.habit is not None)
    for field, count in habits.items():
        pipe.hincrby(_HABITS, field, count)
