"""
The likeness index in Redis: hashes only, two round trips to ask and one to store, for any batch.

Mails and their keys are bounded by age. The counts of how often an address or a list was seen are kept in two
generations: when the younger one is full it becomes the older one, whose counts are forgotten.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any

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

MOST_COUNTS = 1_000_000
"""Addresses and lists that a generation counts, in about 70 bytes each."""

COUNTS = b"mwl:counts"
"""The younger generation, and what tells that Redis has lost nothing of it: so none of it can be lost unseen."""
COUNTS_BEFORE = b"mwl:counts-before"
WHOLE = b"whole"  # a field, as is how far a rebuild has come; and in both generations, that there is an older one
OLDER = b"older"


# One command per batch: every command of a pipeline costs the client as much as the hashing of a mail.
_KEEP = """
local at, expiry, slack = 4, ARGV[1], tonumber(ARGV[2])
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
rows(2, function(field, count) redis.call('HINCRBY', KEYS[1], field, count) end)
if redis.call('HLEN', KEYS[1]) > tonumber(ARGV[3]) then
  local state = redis.call('HMGET', KEYS[1], 'whole', 'progress')
  redis.call('HSET', KEYS[1], 'older', 1)
  redis.call('UNLINK', KEYS[2])
  redis.call('RENAME', KEYS[1], KEYS[2])
  redis.call('HSET', KEYS[1], 'older', 1)
  if state[1] then redis.call('HSET', KEYS[1], 'whole', state[1]) end
  if state[2] then redis.call('HSET', KEYS[1], 'progress', state[2]) end
end
"""


class IndexLost(Retry):
    """Redis has lost its memory."""

    def __init__(self) -> None:
        super().__init__("the likeness index is empty: it is being rebuilt from PostgreSQL")


class LikenessIndex:
    """
    A :class:`services.domain.likeness.index.Index` for any number of replicas.

    Everything is a hash, so that a copy of Redis names nobody. ``Retry`` when Redis cannot be reached, and when the
    counts are missing: then Redis has lost its memory, and :mod:`services.correlator.likeness_rebuild` fills it anew.
    Mails or keys that Redis alone has lost are not found: that costs links, and makes no wrong one.
    """

    def __init__(self, client: "redis.Redis") -> None:
        self._redis = client
        self._keep = client.register_script(_KEEP)

    def look_up(self, question: Question) -> Looked:
        """Return what is stored."""
        keys, people, streams = list(question.keys), list(question.people), list(question.streams)
        pipe = self._redis.pipeline(transaction=False)
        pipe.mget([b"mwk" + pack_key(key) for key in keys] or [b"mwk"])
        fields = [*map(str, people), *(f"{stream}{sign}" for stream in streams for sign in "+-")]
        pipe.hmget(COUNTS, [WHOLE, OLDER, *fields])
        pipe.hmget(COUNTS_BEFORE, [OLDER, *fields])
        with world():
            postings, (whole, older, *young), (former, *old) = pipe.execute()
        if not whole or (older and not former):
            raise IndexLost
        counts = [int(new or 0) + int(former_ or 0) for new, former_ in zip(young, old, strict=True)]
        references = {key: _latest(key, packed) for key, packed in zip(keys, postings, strict=False) if packed}
        wanted = {one for found in references.values() for one in found} | {
            m.bytes[:_REFERENCE] for m in question.messages
        }
        entries = self._entries(sorted(wanted))
        habits = list(zip(counts[len(people) :: 2], counts[len(people) + 1 :: 2], strict=True))
        by_message = {m: entries.get(m.bytes[:_REFERENCE]) for m in question.messages}
        return Looked(
            {key: [entries[one] for one in found if one in entries] for key, found in references.items()},
            dict(zip(people, counts, strict=False)),
            {stream: Habit(*pair) for stream, pair in zip(streams, habits, strict=True) if any(pair)},
            {m: entry for m, entry in by_message.items() if entry is not None},
        )

    def whole(self) -> bool:
        """Whether Redis has lost nothing since the index was filled."""
        pipe = self._redis.pipeline(transaction=False)
        pipe.hmget(COUNTS, [WHOLE, OLDER])
        pipe.hexists(COUNTS_BEFORE, OLDER)
        with world():
            (whole, older), former = pipe.execute()
        return bool(whole) and (not older or former)

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
        """Store mails, all or none. ``OutOfMemory`` when Redis has no room for them."""
        if not mails:
            return
        entries = [(b"mwe" + one.entry.message.bytes[:_REFERENCE], pack_entry(one.entry)) for one in mails]
        postings = [
            (b"mwk" + pack_key(key), references, most(key) * _REFERENCE) for key, references in _by_key(mails).items()
        ]
        counts = Counter(str(person) for one in mails for person in one.entry.people)
        counts.update(f"{one.stream}{'+' if one.habit else '-'}" for one in mails if one.habit is not None)
        arguments: list[bytes | str | int] = [_EXPIRY, _SLACK, MOST_COUNTS]
        for group in (entries, postings, counts.items()):
            arguments += [len(group), *(value for row in group for value in row)]
        with world():
            self._keep(keys=[COUNTS, COUNTS_BEFORE], args=arguments)


def _latest(key: Key, packed: bytes) -> list[bytes]:
    found = [packed[at : at + _REFERENCE] for at in range(0, len(packed), _REFERENCE)]
    return list(dict.fromkeys(found[-most(key) :]))


def _by_key(mails: Sequence[Kept]) -> Mapping[Key, bytes]:
    found: dict[Key, bytes] = {}
    for mail in mails:
        for key in mail.keys:
            found[key] = found.get(key, b"") + mail.entry.message.bytes[:_REFERENCE]
    return found
