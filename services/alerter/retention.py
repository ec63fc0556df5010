"""Forgets resolved alerts after the days that the settings give."""

from collections.abc import Callable

from services.runtime.retention import AT_ONCE
from services.storage.postgres import Database

SIGNAL_DAYS = 8
"""Longer than `alert-signals` keeps a record: the newest alert of a key knows which signals were applied."""


class Retention:
    """Deletes in small steps; any number of replicas may do so at once."""

    def __init__(self, database: Database, days: Callable[[], int]) -> None:
        """``days`` is asked each time; 0 keeps everything."""
        self._database = database
        self._days = days

    def forget(self) -> int:
        """Delete up to 1,000 alerts that were resolved so long ago; return how many. Open ones stay."""
        days = self._days()
        if not days:
            return 0
        with self._database.transaction() as connection:
            return connection.execute(
                "DELETE FROM alerter.alert WHERE id IN ("
                " SELECT id FROM alerter.alert WHERE NOT open AND resolved_at < now() - make_interval(days => %s)"
                " AND (NOT latest OR observed < now() - make_interval(days => %s)) LIMIT %s FOR UPDATE SKIP LOCKED)",
                (days, SIGNAL_DAYS, AT_ONCE),
            ).rowcount
