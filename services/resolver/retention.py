"""
Forgets what rejections say, after the days that the settings give: what was looked at, and why it did not count.

Outcome, versions and times of each decision stay, and so does what a later decision needs: raw mail, evidence rows and
keyed hashes. A mail of which any delivery is accepted is left alone.
"""

import logging
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import NamedTuple
from uuid import UUID

from services.runtime.retention import AT_ONCE
from services.storage.postgres import Database

log = logging.getLogger(__name__)

DAY_SECONDS = 86_400.0

_NEXT = """
SELECT x.decided, x.delivery_id, x.version, d.message_key
FROM resolver.decision x JOIN resolver.delivery d ON d.id = x.delivery_id
WHERE x.outcome <> 'accepted' AND x.forgotten IS NULL AND x.decided < now() - make_interval(days => %(days)s)
    AND (x.decided, x.delivery_id, x.version) > (%(decided)s, %(delivery_id)s, %(version)s)
ORDER BY x.decided, x.delivery_id, x.version LIMIT %(at_once)s"""
# Whoever decides holds the message: it may be accepted at this moment.
_HOLD = """
SELECT message_key FROM resolver.message WHERE message_key = ANY(%b) ORDER BY message_key
FOR NO KEY UPDATE SKIP LOCKED"""
_FORGET = """
UPDATE resolver.decision x SET evidence = '[]', forgotten = now()
FROM resolver.delivery d
WHERE d.id = x.delivery_id AND d.message_key = ANY(%(held)b)
    AND x.outcome <> 'accepted' AND x.forgotten IS NULL AND x.decided < now() - make_interval(days => %(days)s)
    AND NOT EXISTS (
        SELECT FROM resolver.delivery o JOIN resolver.decision c ON c.delivery_id = o.id AND c.current
        WHERE o.message_key = d.message_key AND c.outcome = 'accepted')"""


class _Place(NamedTuple):
    """How far rejections were looked at, in the order of their time."""

    decided: datetime = datetime.min.replace(tzinfo=UTC)
    delivery_id: UUID = UUID(int=0)
    version: int = 0


class Retention:
    """
    Goes through old rejections in small steps; any number of replicas may do so at once.

    What was left alone (another holds it, or the mail is accepted) is looked at again within a day.
    """

    def __init__(
        self, database: Database, days: Callable[[], int], clock: Callable[[], float] = time.monotonic
    ) -> None:
        """``days`` is asked each time; 0 keeps everything."""
        self._database = database
        self._days = days
        self._clock = clock
        self._place = _Place()
        self._under = 0
        self._began = float("-inf")

    def forget(self) -> int:
        """Look at up to 1,000 rejections that are so old and forget what they say; return how many were looked at."""
        days = self._days()
        if days != self._under or self._clock() - self._began > DAY_SECONDS:
            self._place, self._under, self._began = _Place(), days, self._clock()
        if not days:
            return 0
        with self._database.transaction() as connection:
            given = {**self._place._asdict(), "days": days, "at_once": AT_ONCE}
            found = connection.execute(_NEXT, given).fetchall()
            if not found:
                return 0
            held = [key for (key,) in connection.execute(_HOLD, (sorted({row[3] for row in found}),))]
            forgotten = connection.execute(_FORGET, {"held": held, "days": days}).rowcount
        self._place = _Place(*found[-1][:3])
        if forgotten:
            log.info("what old rejections said is forgotten", extra={"decisions": forgotten})
        return len(found)
