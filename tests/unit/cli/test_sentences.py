"""Decisions read as sentences."""

import pytest

from services.cli import sentences

FILTER = {"kind": "filter", "value": "to 1", "points_to": "queue/q1", "counts": True, "why": "takes all messages"}


def _decision(**changes):
    return {
        "outcome": "accepted",
        "accepted_by": {"type": "queue", "id": "q1"},
        "activity_id": None,
        "method": "None",
        "evidence": [FILTER],
        **changes,
    }


def test_an_acceptance_names_the_filter_that_decided():
    assert "Accepted for queue q1 because its filter takes all messages." == sentences.outcome(_decision())


@pytest.mark.parametrize("code", ["NoRecipientMatch", "NoCorrelationMatch", "Duplicate", "TooLarge", "SomethingNew"])
def test_a_rejection_says_its_reason_code(code):
    said = sentences.outcome(_decision(outcome=code, accepted_by=None))

    assert said.startswith("Not filed")
    assert code in said


def test_a_delivery_without_decision_is_on_its_way():
    assert "Not decided yet" in sentences.outcome(_decision(outcome=None, accepted_by=None, evidence=[]))


@pytest.mark.parametrize(
    ("piece", "said"),
    [
        pytest.param(FILTER, "queue q1 (in to 1): takes all messages.", id="filter"),
        pytest.param(
            {**FILTER, "value": "", "points_to": None, "counts": False, "why": "no user or queue is named"},
            "Nobody's filter was asked: no user or queue is named.",
            id="nobody",
        ),
        pytest.param(
            {"kind": "in_reply_to", "value": "a@x", "points_to": "a@x", "counts": True, "why": "it is tracked"},
            "In-Reply-To names <a@x>: it is tracked; it counted.",
            id="in-reply-to",
        ),
        pytest.param(
            {"kind": "references", "value": "a@x", "points_to": None, "counts": False, "why": "no such message"},
            "References names <a@x>: no such message; it did not count.",
            id="references",
        ),
        pytest.param(
            {"kind": "references", "value": None, "points_to": None, "counts": False, "why": "erased"},
            "References names: erased; it did not count.",
            id="erased",
        ),
        pytest.param(
            {"kind": "smart", "value": "x\x1b[2J", "points_to": None, "counts": False, "why": "y"},
            "smart x?[2J: y; it did not count.",
            id="unknown-kind-and-escape",
        ),
    ],
)
def test_what_was_looked_at_is_a_sentence(piece, said):
    assert said == sentences.piece(piece)
