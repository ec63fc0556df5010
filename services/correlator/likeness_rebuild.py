"""Fills the likeness index anew from PostgreSQL after Redis has lost its memory, a piece per call."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING
from uuid import uuid4

from services.correlator.likeness_index import COUNTS, COUNTS_BEFORE, DAYS_KEPT, IndexLost, LikenessIndex
from services.domain.likeness.packing import unpack_kept
from services.storage.cache import world
from services.storage.postgres import Database

if TYPE_CHECKING:
    import redis

MOST_MAILS = 2_000_000
"""How many of the latest mails the index holds at most after a rebuild."""
PIECE = 1_000
LONGEST = 10.0
"""Seconds of one call: a stage that is busy for much longer is taken for dead."""
PROGRESS = "progress"
LOCK = b"mwl:rebuilding"
_LOCK_SECONDS = 60

_FIRST = "SELECT coalesce(max(number), 0) FROM correlator.likeness"
_ROWS = """
SELECT number, kept FROM correlator.likeness
WHERE number > %s AND stored > now() - make_interval(days => %s) ORDER BY number LIMIT %s"""

# Whoever was away for longer than the lock holds finds it another's, and the progress where that one has left it.
_RELEASE = "if redis.call('GET', KEYS[1]) == ARGV[1] then redis.call('DEL', KEYS[1]) end"
_GO_ON = """
if redis.call('HGET', KEYS[1], 'progress') ~= ARGV[1] then return 0 end
if ARGV[2] == '' then
  redis.call('HDEL', KEYS[1], 'progress')
  redis.call('HSET', KEYS[1], 'whole', 1)
else
  redis.call('HSET', KEYS[1], 'progress', ARGV[2])
end
return 1"""


def rebuild(database: Database, client: "redis.Redis", index: LikenessIndex) -> None:
    """
    Go on with the rebuild; return when the index is whole.

    :class:`IndexLost`, a ``Retry``, while it is not: another replica is at it, or :data:`LONGEST` has passed. How far
    it has come is kept with the counts, so that a loss in the middle starts it anew. ``OutOfMemory`` when Redis has no
    room for it.
    """
    with _locked(client):
        if not index.whole():  # another replica may have been at it since the loss was seen
            _go_on(database, client, index, until=time.monotonic() + LONGEST)


@contextmanager
def _locked(client: "redis.Redis") -> Iterator[None]:
    owner = uuid4().hex
    with world():
        if not client.set(LOCK, owner, nx=True, ex=_LOCK_SECONDS):
            raise IndexLost
    try:
        yield
    finally:
        with world():
            client.eval(_RELEASE, 1, LOCK, owner)


def _go_on(database: Database, client: "redis.Redis", index: LikenessIndex, *, until: float) -> None:
    with database.transaction() as connection, world():
        (newest,) = connection.execute(_FIRST).fetchone() or (0,)
        if not client.hexists(COUNTS, PROGRESS):
            client.unlink(COUNTS, COUNTS_BEFORE)  # what is left of them would be counted twice
            client.hset(COUNTS, PROGRESS, max(0, newest - MOST_MAILS))
    while True:
        with world():
            progress = client.hget(COUNTS, PROGRESS)
        if progress is None or time.monotonic() > until:
            raise IndexLost
        with database.transaction() as connection:
            rows = connection.execute(_ROWS, (int(progress), DAYS_KEPT, PIECE)).fetchall()
        index.keep([unpack_kept(bytes(kept)) for _, kept in rows])
        with world():
            if not client.eval(_GO_ON, 1, COUNTS, progress, rows[-1][0] if rows else ""):
                raise IndexLost
        if not rows:
            return
