"""What is kept of a mail so that a later one can be found to belong to it: hashes, moments and nothing to read."""

from dataclasses import dataclass
from uuid import UUID


@dataclass(frozen=True, slots=True)
class Entry:
    """
    One stored mail. ``message`` is the keyed hash of its canonical id; ``conversation`` a label that the mails of one
    conversation share.

    ``second`` is its Date and ``offset`` the zone of its writer in minutes. ``subject``, ``sender``, ``people`` and
    ``numbers`` are hashes as in :class:`services.domain.likeness.traits.Traits`; ``series`` is 0 or the hash of the
    series of which this is part ``number``. ``sample`` is the sample of its text.
    """

    message: UUID
    conversation: int
    second: int
    offset: int
    subject: int
    sender: tuple[int, ...]
    people: tuple[int, ...]
    numbers: tuple[int, ...]
    series: int
    number: int
    sample: tuple[int, ...]

    @property
    def minute(self) -> int:
        """The Date in minutes since 1970."""
        return self.second // 60
