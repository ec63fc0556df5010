"""Tokens are drawn by several connections at once, and nobody gets one twice."""

from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

import pytest

from services.domain.directory import RecordRef
from services.domain.errors import Refused
from services.domain.tracking_token import Layout, key
from services.storage import tracking_tokens
from services.storage.postgres import Database

pytestmark = pytest.mark.component

ANNA, BEN, SUPPORT = RecordRef("user", "anna"), RecordRef("user", "ben"), RecordRef("queue", "support")
DRAWN = 150


@pytest.fixture(autouse=True)
def directory(as_role):
    connection = as_role("resolver")
    for ref, owner in ((ANNA, None), (BEN, None), (SUPPORT, BEN)):
        connection.execute(
            'INSERT INTO resolver.directory_record (type, id, name, owner_type, owner_id, active, partition, "offset")'
            " VALUES (%s, %s, '', %s, %s, true, 0, 0)",
            (ref.type, ref.id, owner and owner.type, owner and owner.id),
        )


def draw(database, *principals, counter_digits=3):
    layout = Layout(counter_digits=counter_digits)
    drawn = []
    for principal in principals:
        with database.transaction() as connection:
            drawn.append(tracking_tokens.draw(connection, principal, layout).text)
    return drawn


@pytest.mark.parametrize("roles", [("resolver", "resolver"), ("sender", "resolver")])
def test_two_connections_never_get_the_same_token(url, roles):
    def drawing(role):
        with closing(Database(url, role)) as database:
            return draw(database, *[ANNA, BEN] * DRAWN)

    with ThreadPoolExecutor(2) as pool:
        drawn = [token for tokens in pool.map(drawing, roles) for token in tokens]

    assert 4 * DRAWN == len(set(drawn))


def test_numbers_are_given_once_and_counters_count_for_each_user(database):
    drawn = draw(database("resolver"), BEN, ANNA, ANNA, BEN)

    assert ["CRM:0001001", "CRM:0002001", "CRM:0002002", "CRM:0001002"] == drawn


def test_a_queue_uses_the_counter_of_its_owner(database):
    assert ["CRM:0001001", "CRM:0001002"] == draw(database("resolver"), BEN, SUPPORT)


def test_a_counter_begins_again_after_its_digits_and_not_before(database):
    drawn = draw(database("resolver"), *[ANNA] * 11, counter_digits=1)

    assert drawn[0] == drawn[10]
    assert 10 == len(set(drawn))


def test_only_what_was_given_out_is_issued(database):
    resolver = database("resolver")
    (drawn,) = draw(resolver, ANNA)
    with resolver.transaction() as connection:
        assert {key(drawn)} == tracking_tokens.issued(connection, [key(drawn), "crm:0009999"])


def test_nobody_that_the_directory_does_not_have_gets_one(database):
    with pytest.raises(Refused, match="the directory has no user 'eve'"):
        draw(database("resolver"), RecordRef("user", "eve"))
