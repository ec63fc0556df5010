"""When folders that are gone are forgotten: after a time in which they may come back, and never at a first look."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from services.domain.forgetting import KEPT, absences

NOW = datetime(2026, 11, 28, 12, tzinfo=UTC)
FOLDERS = "abcde"

folders = st.frozensets(st.sampled_from(FOLDERS))
looks = st.lists(st.tuples(folders, st.integers(0, 60)), max_size=12)


@given(looks)
def test_what_is_forgotten_was_missed_at_every_look_of_ninety_days_and_what_was_is_forgotten(looks):
    known, now = set(FOLDERS), NOW
    gone: dict[str, datetime] = {}
    missed_since: dict[str, datetime] = {}
    for there, days in looks:
        now += timedelta(days=days)
        found = absences(known, gone, there, now)
        for one in known & there:
            missed_since.pop(one, None)
        for one in known - there:
            missed_since.setdefault(one, now)
        assert found.forgotten == {one for one, since in missed_since.items() if now - since >= KEPT}
        assert bool(found) == bool(found.gone | found.back | found.forgotten)

        gone |= dict.fromkeys(found.gone, now)
        for one in found.back | found.forgotten:
            del gone[one]
        for one in found.forgotten:
            del missed_since[one]
        known -= found.forgotten
        assert gone == missed_since


@given(folders, folders)
def test_nothing_changes_while_what_is_known_is_there(known, there):
    assert not absences(known, {}, known | there, NOW)


def test_a_clock_that_was_set_back_forgets_nothing():
    assert not absences({"a"}, {"a": NOW + KEPT}, set(), NOW)
