from datetime import UTC, datetime, timedelta, timezone

import pytest

from services.domain.start_date import is_before, start_of

MONDAY, TUESDAY = datetime(2026, 5, 4, tzinfo=UTC), datetime(2026, 5, 5, tzinfo=UTC)


@pytest.mark.parametrize(
    ("profile", "mailbox", "start"),
    [
        (None, None, None),
        (MONDAY, None, MONDAY),
        (None, MONDAY, MONDAY),
        (MONDAY, TUESDAY, TUESDAY),
        (TUESDAY, MONDAY, TUESDAY),
    ],
)
def test_the_later_of_the_two_dates_counts(profile, mailbox, start):
    """Domain case 15.23."""
    assert start == start_of(profile, mailbox)


def test_what_came_at_the_date_itself_is_read_whatever_the_zone():
    same = MONDAY.astimezone(timezone(timedelta(hours=9)))

    assert not is_before(same, MONDAY)
    assert is_before(same - timedelta(seconds=1), MONDAY)


@pytest.mark.parametrize(("received", "start"), [(None, MONDAY), (MONDAY, None), (None, None)])
def test_without_one_of_the_dates_nothing_is_passed_over(received, start):
    assert not is_before(received, start)
