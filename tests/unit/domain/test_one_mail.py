"""When two messages are one mail, and which activity stays."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import permutations
from uuid import UUID

import pytest

from services.domain.identity import Direction
from services.domain.one_mail import Shown, endings

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)
FIRST, SECOND, THIRD = (UUID(int=n) for n in (1, 2, 3))
ELDER = Shown(
    activity_id=UUID(int=11),
    message_key=FIRST,
    direction=Direction.INCOMING,
    created=NOON,
    author="kim@customer.example",
    sent=NOON,
    subject="Offer",
    recipients=frozenset({"anna@own.example"}),
    text="Hello",
    parts=(b"a", b"b"),
)
YOUNGER = replace(ELDER, activity_id=UUID(int=12), message_key=SECOND, created=NOON + timedelta(hours=1))
TIE = [{FIRST, SECOND}]


@pytest.mark.parametrize("order", list(permutations([ELDER, YOUNGER])))
def test_the_younger_ends_in_the_elder_whichever_is_named_first(order):
    (found,) = endings(order, TIE)

    assert (YOUNGER, ELDER) == (found.younger, found.elder)


@pytest.mark.parametrize(
    ("changes", "same"),
    [
        ({}, True),
        ({"subject": " Offer ", "text": "Hello\n"}, True),
        ({"parts": (b"b", b"a")}, True),
        ({"parts": (b"a",)}, False),
        ({"parts": (b"a", b"a")}, False),
        ({"text": "Hello Anna"}, False),
        ({"subject": "Re: Offer"}, False),
        ({"author": "eve@stranger.example"}, False),
        ({"sent": NOON + timedelta(seconds=1)}, False),
        ({"recipients": frozenset({"ben@own.example"})}, False),
        ({"direction": Direction.OUTGOING}, False),
    ],
)
def test_only_what_shows_the_same_is_one_mail(changes, same):
    assert same == bool(endings([ELDER, replace(YOUNGER, **changes)], TIE))


@pytest.mark.parametrize("nothing", [{"sent": None}, {"author": ""}, {"recipients": frozenset()}])
def test_what_too_little_tells_apart_stays_apart(nothing):
    assert not endings([replace(ELDER, **nothing), replace(YOUNGER, **nothing)], TIE)


def test_what_nothing_ties_stays_apart_and_ties_reach_over_others():
    third = replace(YOUNGER, activity_id=UUID(int=13), message_key=THIRD)

    assert not endings([ELDER, YOUNGER], [])
    assert not endings([ELDER, third], TIE)
    assert {ELDER} == {one.elder for one in endings([ELDER, YOUNGER, third], [*TIE, {SECOND, THIRD}])}


def test_of_three_with_another_between_the_eldest_stays():
    third = replace(YOUNGER, activity_id=UUID(int=13), message_key=THIRD, created=NOON + timedelta(hours=2))

    found = endings([third, YOUNGER, ELDER], [{FIRST, SECOND, THIRD}])

    assert [(YOUNGER, ELDER), (third, ELDER)] == [(one.younger, one.elder) for one in found]
