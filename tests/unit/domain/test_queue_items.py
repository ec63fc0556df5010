"""Which queues get an item for a message (domain rule 4.7)."""

import pytest

from services.domain.acceptance import UNNAMED_RANK, Candidate, FilterOption
from services.domain.directory import QUEUE, USER, RecordRef
from services.domain.queue_items import QueueItems, queues

NAMED = Candidate(RecordRef(QUEUE, "named"), FilterOption.ALL, 0, "named@own.example")
POLLED = Candidate(RecordRef(QUEUE, "polled"), FilterOption.ALL, UNNAMED_RANK, "polled@own.example")
ANNA = Candidate(RecordRef(USER, "anna"), FilterOption.ALL, 1, "anna@own.example")


@pytest.mark.parametrize(
    ("switches", "first", "expected"),
    [
        pytest.param({}, True, {"named", "polled"}, id="as delivered"),
        pytest.param({}, False, {"named"}, id="a later delivery of what is tracked"),
        pytest.param({"for_already_tracked": True}, False, {"named", "polled"}, id="and so switched on"),
        pytest.param({"per_recipient": False}, True, {"polled"}, id="not for recipients"),
        pytest.param({"for_polling": False}, True, {"named"}, id="not for who was read"),
        pytest.param({"for_polling": False, "for_already_tracked": True}, False, {"named"}, id="nor later"),
    ],
)
def test_queues_by_the_switches(switches, first, expected: set[str]):
    found = queues([NAMED, POLLED, ANNA], QueueItems(**switches), first=first)

    assert expected == {ref.id for ref in found}
