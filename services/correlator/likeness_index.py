"""
The likeness index in Redis: hashes only, two round trips to ask and one to store, for any batch.

Mails and their keys are bounded by age; the counts of how often an address or a list was seen are not.
"""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
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


# One command per batch: every command of a pipeline costs the client as much as the hashing of a mail.
_KEEP = """
local at, expiry, slack = 3, ARGV[1], tonumber(ARGV[2])
local function rows(width, store)
  local count = tonumber(ARGV[at])
  at = at + 1
  for _ = 1, count do
    store(ARGV[at], ARGV[at + 1], ARGV[at + 2])
    at = at + width
  end
end
rows(2, function(name, entry) redis.call('SET', name, entry, 'EX', expiry) end)
rows(3, function(name, references, most)
  if redis.call('APPEND', name, references) > most * slack then
    redis.call('SET', name, redis.call('GETRANGE', name, -most, -1))
  end
  redis.call('EXPIRE', name, expiry)
end)
rows(2, function(person, count) redis.call('HINCRBY', KEYS[1], person, count) end)
rows(2, function(field, count) redis.call('HINCRBY', KEYS[2], field, count) end)
"""


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
        self._keep = client.register_script(_KEEP)

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
        entries: dict[bytes, Entry] = {}
        for one, data in zip(references, packed, strict=True):
            # An entry that cannot be read (damaged, or of another form) is like one that was forgotten.
            with suppress(ValueError):
                if data:
                    entries[one] = unpack_entry(data)
        return entries

    def keep(self, mails: Sequence[Kept]) -> None:
        """Store mails, all or none."""
        if not mails:
            return
        entries = [(b"mwe" + one.entry.message.bytes[:_REFERENCE], pack_entry(one.entry)) for one in mails]
        postings = [
            (b"mwk" + pack_key(key), references, most(key) * _REFERENCE) for key, references in _by_key(mails).items()
        ]
        seen = Counter(person for one in mails for person in one.entry.people)
        habits = Counter(f"{one.stream}{'+' if one.habit else '-'}" for one in mails if one.habit is not None)
        arguments: list[bytes | str | int] = [_EXPIRY, _SLACK]
        for group in (entries, postings, seen.items(), habits.items()):
            arguments += [len(group), *(value for row in group for value in row)]
        with world():
            self._keep(keys=[_SEEN, _HABITS], args=arguments)

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
