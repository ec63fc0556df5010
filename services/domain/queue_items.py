"""Which queues get an item for a message that is filed (domain rule 4.7)."""

from collections.abc import Iterable
from dataclasses import dataclass

from services.domain.acceptance import Candidate
from services.domain.directory import QUEUE, RecordRef


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueItems:
    """The switches."""

    per_recipient: bool = True
    for_polling: bool = True
    for_already_tracked: bool = False


def queues(accepting: Iterable[Candidate], switches: QueueItems, *, first: bool) -> frozenset[RecordRef]:
    """
    Return the queues that get an item by one accepted incoming delivery; ``accepting`` are those whose filter takes it.

    A queue that the header does not name is the one whose mailbox was read. It gets its item when the delivery is the
    ``first`` that made the message an activity, of a later one only by the switch. A queue gets one item in all.
    """
    polled = switches.for_polling and (first or switches.for_already_tracked)
    return frozenset(
        one.ref for one in accepting if one.ref.type == QUEUE and (switches.per_recipient if one.named else polled)
    )
