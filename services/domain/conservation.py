"""The balance of mail: what was taken is somewhere."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Balance:
    """
    Deliveries as the stores count them at one moment, each side by itself.

    ``decided`` counts current decisions by outcome; ``dead`` deliveries that only a dead letter tells of; ``in_flight``
    those without either; ``overdue`` is the part of them that has been so for too long.
    """

    fetched: int
    decided: Mapping[str, int]
    dead: int
    in_flight: int
    overdue: int

    @property
    def difference(self) -> int:
        """
        What does not add up: fetched less accepted, rejected, duplicate, dead and in flight. 0 is well.

        Negative: something was decided twice, or decided without having been fetched. What was lost on the way shows as
        in flight, and then as overdue.
        """
        return self.fetched - sum(self.decided.values()) - self.dead - self.in_flight
