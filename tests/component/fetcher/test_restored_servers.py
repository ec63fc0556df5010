"""A server that was put back to an older state gives UIDs again, to other mails, under the same UIDVALIDITY."""

import pytest

from tests.component.fetcher.checking import check
from tests.component.fetcher.folder_server import mail, rows_of

pytestmark = pytest.mark.component

COUNT = 5


def told(outside):
    """Return each mail's number and delivery, in the order in which they were handed over."""
    return [(int(r["subject"].removeprefix("mail ")), r["delivery_id"]) for r in outside.records()]


@pytest.mark.parametrize("left", range(COUNT))
def test_what_is_new_is_taken_and_what_is_known_keeps_its_delivery(outside, hostile, left):
    """It has only its first mails; then another comes under the number of one that is lost."""
    server = hostile({n: mail(n) for n in range(1, COUNT + 1)})
    check(outside, server)
    before = dict(told(outside))

    server.mails = {n: mail(n) for n in range(1, left + 1)}
    server.uidnext = left + 1
    check(outside, server)
    server.mails[left + 1] = mail(6)
    server.uidnext = left + 2
    check(outside, server)
    check(outside, server)

    after = told(outside)
    assert [1, 2, 3, 4, 5, 6] == [number for number, _ in after], "nothing skipped, nothing twice"
    assert 6 == len({id_ for _, id_ in after})
    places = {str(id_): uid for id_, _, _, uid, _ in rows_of(outside) if uid is not None}
    assert {**{before[n]: n for n in range(1, left + 1)}, after[-1][1]: left + 1} == places


def test_a_mail_that_has_come_before_the_next_look_is_taken_as_well(outside, hostile):
    server = hostile({n: mail(n) for n in range(1, COUNT + 1)})
    check(outside, server)
    server.mails = {1: mail(1), 2: mail(6), 3: mail(7)}
    server.uidnext = 4
    check(outside, server)

    assert [1, 2, 3, 4, 5, 6, 7] == [number for number, _ in told(outside)]
    assert 7 == len({id_ for _, id_ in told(outside)})
