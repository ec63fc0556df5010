"""What the correlator needs from outside: a graph. The true one is in :mod:`services.correlator.store`."""

from collections.abc import Mapping, Sequence
from typing import Protocol
from uuid import UUID

from services.domain.sightings import Placed, Sighting


class Graph(Protocol):
    """The thread graph with the stored results."""

    def place(self, sightings: Sequence[Sighting]) -> Mapping[UUID, Placed]:
        """
        Add what the sightings say and return the result for each message, by message key.

        All or nothing, durable on return. At most 1,024 messages at once. Sightings that say nothing new
        change nothing and get the stored result, its thread resolved through later merges. Every thread that
        is merged into an older one is announced exactly once.
        """
        ...
