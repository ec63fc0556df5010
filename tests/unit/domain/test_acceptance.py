"""The five filter options, who is asked and in which order (domain rules 2.1 and 2.2)."""

import pytest

from services.domain.acceptance import UNNAMED_RANK, Candidate, FilterOption, Outcome, accept, effective_option
from services.domain.directory import RecordRef

ANNA = RecordRef("user", "anna")
BEN = RecordRef("user", "ben")
SUPPORT = RecordRef("queue", "support")


def candidate(ref: RecordRef, option: FilterOption, rank: int = 0) -> Candidate:
    return Candidate(ref, option, rank, f"{ref.id}@own.example")


@pytest.mark.parametrize(
    ("option", "correlated", "counterparts", "expected"),
    [
        (FilterOption.ALL, False, set(), True),
        (FilterOption.RESPONSES, False, {"contact"}, False),
        (FilterOption.RESPONSES, True, set(), True),
        (FilterOption.CUSTOMERS, True, set(), False),
        (FilterOption.CUSTOMERS, False, {"lead"}, True),
        (FilterOption.CUSTOMERS, False, {"user"}, False),
        (FilterOption.RECORDS, False, {"user"}, True),
        (FilterOption.RECORDS, True, set(), False),
        (FilterOption.NONE, True, {"contact"}, False),
    ],
)
def test_an_option_accepts_what_it_promises(option, correlated, counterparts, expected):
    outcome = accept([candidate(ANNA, option)], correlated=correlated, counterparts=frozenset(counterparts))

    assert expected is (outcome.outcome == Outcome.ACCEPTED)


def test_every_recipient_is_asked_and_the_first_that_accepts_is_the_acceptor():
    """Paul with "no messages" still sees the mail filed when a queue with "all messages" is on the To line."""
    outcome = accept(
        [
            candidate(SUPPORT, FilterOption.ALL, 2),
            candidate(ANNA, FilterOption.NONE, 0),
            candidate(BEN, FilterOption.ALL, 1),
        ],
        correlated=False,
        counterparts=frozenset(),
    )

    assert outcome.acceptor is not None
    assert BEN == outcome.acceptor.ref
    assert [ANNA, BEN, SUPPORT] == [a.candidate.ref for a in outcome.answers]


def test_nobody_named_and_the_mailbox_declines_is_no_recipient_match():
    outcome = accept(
        [candidate(ANNA, FilterOption.RESPONSES, UNNAMED_RANK)], correlated=False, counterparts=frozenset()
    )

    assert Outcome.NO_RECIPIENT_MATCH == outcome.outcome


def test_nobody_at_all_is_no_recipient_match():
    assert Outcome.NO_RECIPIENT_MATCH == accept([], correlated=True, counterparts=frozenset()).outcome


def test_named_but_declined_is_no_correlation_match():
    outcome = accept([candidate(ANNA, FilterOption.RESPONSES)], correlated=False, counterparts=frozenset())

    assert Outcome.NO_CORRELATION_MATCH == outcome.outcome


def test_bcc_is_accepted_for_a_mailbox_that_takes_everything():
    outcome = accept([candidate(ANNA, FilterOption.ALL, UNNAMED_RANK)], correlated=False, counterparts=frozenset())

    assert Outcome.ACCEPTED == outcome.outcome


@pytest.mark.parametrize(
    ("ref", "own", "force", "expected"),
    [
        (ANNA, None, -1, 1),
        (ANNA, 4, -1, 4),
        (ANNA, 4, 0, 0),
        (SUPPORT, None, -1, 0),
        (SUPPORT, None, 3, 0),  # forcing is for users only
        (SUPPORT, 2, 3, 2),
    ],
)
def test_the_option_in_force_is_the_forced_one_for_users_else_its_own_else_the_default(ref, own, force, expected):
    assert expected == effective_option(ref, own, force_users=force, user_default=1, queue_default=0)
