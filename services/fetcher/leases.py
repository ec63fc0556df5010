"""
Which replica reads which mailbox now: due times and leases in Redis.

Nothing here is a guarantee. Redis may be flushed or two replicas may hold one mailbox: the fencing number in
PostgreSQL decides who may write. A dead replica's mailboxes become due again when the lease ends, because the
claim sets the due time to that moment.
"""

from collections.abc import Callable, Collection, Iterable
from contextlib import AbstractContextManager, nullcontext
from typing import Any

from redis import Redis

DUE = "mailweave:fetcher:due"
NUDGED = "mailweave:fetcher:nudged"
LEASE = "mailweave:fetcher:lease:"
REPLICAS = "mailweave:fetcher:replicas"
TTL_SECONDS = 15.0
RENEWED_AT_ONCE = 500

_NOW = "local t = redis.call('TIME'); local now = t[1] + t[2] / 1000000;"

# KEYS due nudged; ARGV lease prefix, owner, ttl in ms, how many
_CLAIM = (
    _NOW
    + """
if redis.call('EXISTS', KEYS[1]) == 0 then return false end
local taken = {}
local due = redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', now, 'LIMIT', 0, tonumber(ARGV[4]) * 4 + 16)
for _, mailbox in ipairs(due) do
    if #taken >= tonumber(ARGV[4]) then break end
    if redis.call('SET', ARGV[1] .. mailbox, ARGV[2], 'NX', 'PX', ARGV[3]) then
        redis.call('SREM', KEYS[2], mailbox)
        taken[#taken + 1] = mailbox
    end
    local left = redis.call('PTTL', ARGV[1] .. mailbox)
    redis.call('ZADD', KEYS[1], string.format('%.6f', now + left / 1000), mailbox)
end
return taken
"""
)

# KEYS due; ARGV lease prefix, owner, ttl in ms, mailboxes
_RENEW = (
    _NOW
    + """
local lost = {}
local due = string.format('%.6f', now + ARGV[3] / 1000)
for i = 4, #ARGV do
    if redis.call('GET', ARGV[1] .. ARGV[i]) == ARGV[2] then
        redis.call('PEXPIRE', ARGV[1] .. ARGV[i], ARGV[3])
        redis.call('ZADD', KEYS[1], 'XX', due, ARGV[i])
    else
        lost[#lost + 1] = ARGV[i]
    end
end
return lost
"""
)

# KEYS replicas; ARGV owner, ttl in seconds
_COUNT = (
    _NOW
    + """
redis.call('ZADD', KEYS[1], now, ARGV[1])
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now - ARGV[2])
return redis.call('ZCARD', KEYS[1])
"""
)

# KEYS due nudged lease; ARGV owner, delay in seconds, mailbox
_RELEASE = (
    _NOW
    + """
if redis.call('GET', KEYS[3]) ~= ARGV[1] then return 0 end
redis.call('DEL', KEYS[3])
local next = now + tonumber(ARGV[2])
if redis.call('SREM', KEYS[2], ARGV[3]) == 1 then next = now end
redis.call('ZADD', KEYS[1], 'XX', string.format('%.6f', next), ARGV[3])
return 1
"""
)

# KEYS due nudged; ARGV lease prefix, mailboxes. Nothing is added: only a replica knows what may be read.
_NUDGE = """
local found = 0
for i = 2, #ARGV do
    if redis.call('EXISTS', ARGV[1] .. ARGV[i]) == 1 then
        redis.call('SADD', KEYS[2], ARGV[i])
        found = found + 1
    else
        found = found + redis.call('ZADD', KEYS[1], 'XX', 'CH', 0, ARGV[i])
    end
end
return found
"""


def _text(value: Any) -> str:  # noqa: ANN401 - the client gives bytes or text, as it was made
    return value.decode() if isinstance(value, bytes) else value


class Leases:
    """
    The leases of one replica; ``owner`` is unique to this run of the process.

    ``world`` turns the client's errors into ``Retry``.
    """

    def __init__(
        self,
        redis: Redis,
        owner: str,
        *,
        ttl: float = TTL_SECONDS,
        world: Callable[[], AbstractContextManager[None]] = nullcontext,
    ) -> None:
        self._redis = redis
        self._owner = owner
        self._world = world
        self.ttl = ttl

    def claim(self, count: int) -> list[str] | None:
        """
        Return up to ``count`` due mailboxes, now leased to this replica alone.

        None when there is no due time of any mailbox: Redis was flushed, or nothing may be read.
        """
        if count < 1:
            return []
        ttl = str(int(self.ttl * 1000))
        with self._world():
            taken = self._redis.eval(_CLAIM, 2, DUE, NUDGED, LEASE, self._owner, ttl, str(count))
        return [_text(m) for m in taken] if isinstance(taken, list) else None

    def renew(self, mailboxes: Iterable[str]) -> set[str]:
        """Prolong leases; return the mailboxes whose lease is lost: their work must stop."""
        ttl, wanted = str(int(self.ttl * 1000)), list(mailboxes)
        lost: set[str] = set()
        with self._world():
            for first in range(0, len(wanted), RENEWED_AT_ONCE):
                some = wanted[first : first + RENEWED_AT_ONCE]
                answer: Any = self._redis.eval(_RENEW, 1, DUE, LEASE, self._owner, ttl, *some)
                lost.update(map(_text, answer))
        return lost

    def replicas(self) -> int:
        """Say that this replica lives; return how many have said so within the time of a lease."""
        with self._world():
            return int(str(self._redis.eval(_COUNT, 1, REPLICAS, self._owner, str(self.ttl))))

    def nudged(self) -> set[str]:
        """Return the mailboxes that somebody wants checked while they are leased."""
        with self._world():
            return {_text(m) for m in self._redis.smembers(NUDGED)}

    def release(self, mailbox: str, delay: float) -> bool:
        """Give a mailbox back, due after ``delay`` seconds, or at once when it was nudged meanwhile."""
        with self._world():
            answer = self._redis.eval(_RELEASE, 3, DUE, NUDGED, LEASE + mailbox, self._owner, f"{delay:.3f}", mailbox)
        return bool(answer)

    def make_due(self, mailboxes: Collection[str]) -> None:
        """Have mailboxes checked now, whatever they waited for."""
        with self._world():
            make_due(self._redis, mailboxes)

    def match(self, readable: Collection[str]) -> None:
        """
        Make the set hold exactly the mailboxes that may be read; those that are missing are due at once.

        Every replica does it at start, each minute, after a settings change and when ``claim`` returned None: so
        a flushed Redis heals.
        """
        with self._world():
            present = {_text(m) for m in self._redis.zrange(DUE, 0, -1)}
            if gone := sorted(present - set(readable)):
                self._redis.zrem(DUE, *gone)
            if missing := set(readable) - present:
                self._redis.zadd(DUE, dict.fromkeys(missing, 0.0), nx=True)


def make_due(redis: Redis, mailboxes: Iterable[str]) -> int:
    """Have mailboxes checked now; return how many are known. One that is being read is read once more."""
    return int(str(redis.eval(_NUDGE, 2, DUE, NUDGED, LEASE, *mailboxes)))
