"""How far a folder was handed over."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Position:
    """
    A cursor: every UID of this epoch up to ``uid`` was handed over or is not in the folder.

    ``last_error`` is why the folder could not be read; writing a position takes it back. UIDs below ``renumbered`` may
    be mail that is known under other numbers, or from the folder ``former_id`` before it was renamed.
    """

    folder_id: str
    folder: str
    uidvalidity: int
    uid: int
    uidnext: int
    last_error: str | None = None
    renumbered: int = 0
    former_id: str | None = None

    @property
    def recognises(self) -> bool:
        """Whether the next mails may be known from before."""
        return self.uid + 1 < self.renumbered
