"""Holds mail back at the start until the directory, as it stood then, is projected."""

import threading
from collections.abc import Mapping

from services.domain.errors import Retry
from services.storage.postgres import Database

POLL_SECONDS = 0.2


class DirectoryGate:
    """
    Opens once the projection, by whichever replica, has passed the ends that the topic had at the start.

    Else a replica that starts together with a backlog would decide mail before it knows anybody.
    """

    def __init__(self, database: Database, ends: Mapping[int, int]) -> None:
        """``ends`` maps the partitions of ``directory`` to the next offset they had at the start."""
        self._database = database
        self._ends = {partition: end for partition, end in ends.items() if end > 0}
        self._open = threading.Event()

    def is_open(self) -> bool:
        """Whether mail may be decided; answers from memory."""
        return self._open.is_set()

    def watch(self, stop: threading.Event) -> None:
        """Look until the gate is open or a stop is asked for."""
        while not stop.is_set():
            try:
                if self._projected():
                    self._open.set()
                    return
            except Retry:
                pass  # the store is away: the projection waits for it too, and says so
            stop.wait(POLL_SECONDS)

    def _projected(self) -> bool:
        with self._database.transaction() as connection:
            rows = connection.execute('SELECT partition, "offset" FROM resolver.directory_progress').fetchall()
        reached = dict(rows)
        return all(reached.get(partition, 0) >= end for partition, end in self._ends.items())
