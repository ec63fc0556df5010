"""Who is given a mailbox by the template, and who is not."""

from hypothesis import given
from hypothesis import strategies as st

from services.domain.default_mailbox import NewMailbox, PrincipalAddresses, missing
from services.domain.directory import RecordRef

ANNA, SUPPORT = RecordRef("user", "anna"), RecordRef("queue", "support")
refs = st.sampled_from([ANNA, SUPPORT, RecordRef("user", "ben"), RecordRef("user", "support")])
addresses = st.lists(st.sampled_from("abcdef").map(lambda name: f"{name}@own.example"), max_size=3, unique=True)
principals = st.lists(st.builds(PrincipalAddresses, refs, addresses), max_size=6)


def test_a_principal_without_a_mailbox_gets_one_under_its_first_address():
    anna = PrincipalAddresses(ANNA, ["b@own.example", "a@own.example"])

    assert [NewMailbox("a@own.example", ANNA)] == list(missing([anna], owners=(), addresses=()))


def test_one_that_owns_a_mailbox_or_whose_address_has_had_one_gets_none():
    anna, nobody = PrincipalAddresses(ANNA, ["a@own.example"]), PrincipalAddresses(SUPPORT, [])

    assert [] == list(missing([anna, nobody], owners=[ANNA], addresses=()))
    assert [] == list(missing([anna], owners=(), addresses=["a@own.example"]))


def test_a_second_address_of_one_is_the_mailbox_of_another():
    anna = PrincipalAddresses(ANNA, ["a@own.example", "b@own.example"])
    support = PrincipalAddresses(SUPPORT, ["b@own.example"])

    made = list(missing([anna, support], owners=(), addresses=()))

    assert [NewMailbox("a@own.example", ANNA), NewMailbox("b@own.example", SUPPORT)] == made


@given(principals, st.sets(refs), st.sets(st.sampled_from(["a@own.example", "d@own.example"])))
def test_once_more_makes_nothing_and_nothing_that_is_there_is_made(given_principals, owners, taken):
    first = list(missing(given_principals, owners=owners, addresses=taken))
    owning, having = {*owners, *(one.owner for one in first)}, {*taken, *(one.address for one in first)}

    assert len(first) == len({one.owner for one in first}) == len({one.address for one in first})
    assert not {one.owner for one in first} & owners
    assert not {one.address for one in first} & taken
    assert [] == list(missing(given_principals, owners=owning, addresses=having))
