"""The judge sees each anomaly: a clean run gets one thing wrong, and that is reported."""

from dataclasses import replace

import pytest

from tests.faults.anomalies import Kind
from tests.faults.clean_run import PLAN, appended, state
from tests.faults.history import Ended
from tests.faults.judge import judge
from tests.faults.spoilt_runs import SPOILT


def test_a_clean_run_is_clean():
    assert [] == judge(PLAN, appended(), state())


@pytest.mark.parametrize(("kind", "words", "spoil"), SPOILT.values(), ids=list(SPOILT))
def test_it_is_reported(kind, words, spoil):
    found = judge(PLAN, appended(), spoil(state()))

    assert [one for one in found if one.kind == kind and words in one.what], found


def test_each_kind_has_a_case():
    assert set(Kind) == {kind for kind, _, _ in SPOILT.values()}


def test_records_that_come_again_as_they_were_are_no_anomaly():
    clean = state()
    again = {
        name: [*records, *(replace(one, offset=one.offset + 100) for one in records if not one.poison)]
        for name, records in clean.topics.items()
    }
    after = replace(clean, topics=again, committed=dict.fromkeys(clean.committed, 1000))

    assert [] == judge(PLAN, appended(), after)


def test_an_append_of_unknown_outcome_may_have_happened():
    """Once or not at all: neither is a loss or a duplicate."""
    last = appended()[-2]
    unknown = replace(last, ended=Ended.INFO, place=None)
    clean = state()
    without = {
        name: [one for one in records if "d5" not in one.about or name.endswith("dead")]
        for name, records in clean.topics.items()
    }
    never = replace(
        clean,
        taken=clean.taken[:-1],
        stored=clean.stored[:-1],
        decisions=clean.decisions[:-1],
        threads=clean.threads[:-1],
        topics=without,
    )
    history = [one for one in appended() if one != last]

    assert "rejected" == last.mark
    assert [] == judge(PLAN, [*history, unknown], clean)
    assert [] == judge(PLAN, [*history, unknown], never)
