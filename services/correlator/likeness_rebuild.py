"""Fills the likeness index anew from PostgreSQL after Redis has lost its memory, a piece per call."""

import time
from typing import TYPE_CHECKING

from services.correlator.likeness_index import DAYS_KEPT, EPOCH, IndexLost, LikenessIndex
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
_PROGRESS = b"mwl:progress"
_LOCK = b"mwl:rebuilding"
_LOCK_SECONDS = 60

_FIRST = "SELECT coalesce(max(number), 0) FROM correlator.likeness"
_ROWS = """
SELECT number, kept FROM correlator.likeness
WHERE number > %s AND stored > now() - make_interval(days => %s) ORDER BY number LIMIT %s"""


def rebuild(database: Database, client: "redis.Redis", index: LikenessIndex) -> None:
    """
    Go on with the rebuild; return when the index is whole.

    :class:`IndexLost`, a ``Retry``, while it is not: another replica is at it, or :data:`LONGEST` has passed. How far
    it has come is kept in Redis and only moved on while it is there, so that a loss in the middle starts it anew.
    """
    with world():
        if not client.set(_LOCK, b"1", nx=True, ex=_LOCK_SECONDS):
            raise IndexLost
    try:
        with world():
            whole = client.exists(EPOCH)  # another replica has been at it since the loss was seen
        if not whole:
            _go_on(database, client, index, until=time.monotonic() + LONGEST)
    finally:
        with world():
            client.delete(_LOCK)


def _go_on(database: Database, client: "redis.Redis", index: LikenessIndex, *, until: float) -> None:
    with database.transaction() as connection, world():
        (newest,) = connection.execute(_FIRST).fetchone() or (0,)
        client.set(_PROGRESS, max(0, newest - MOST_MAILS), nx=True)
    while True:
        with world():
            progress = client.get(_PROGRESS)
        if progress is None or time.monotonic() > until:
            raise IndexLost
        with database.transaction() as connection:
            rows = connection.execute(_ROWS, (int(progress), DAYS_KEPT, PIECE)).fetchall()
        index.keep([unpack_kept(bytes(kept)) for _, kept in rows])
        with world():
            if not rows:
                if not client.exists(_PROGRESS):
                    raise IndexLost
                client.rename(_PROGRESS, EPOCH)
                return
            if not client.set(_PROGRESS, rows[-1][0], xx=True):
                raise IndexLost
