"""What the correlator needs from outside; the true ones are in :mod:`.store` and :mod:`.likeness`."""

from collections.abc import Mapping, Sequence
from typing import Protocol
from uuid import UUID

from services.domain.evidence import Evidence
from services.domain.likeness.finding import Shown
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


class Likeness(Protocol):
    """Which stored message a mail most probably answers where ids do not say, with the stored results."""

    def evidence(self, mails: Mapping[UUID, Shown]) -> Mapping[UUID, Evidence]:
        """
        Return what is found, by message key; nothing for mails that ids decide or that are like nothing stored.

        Mails come in the order in which they see each other. One that was asked about before gets the stored result.
        """
        ...
