"""Who owns an activity: the first list with an eligible recipient decides (domain rule 4.6)."""

from services.domain.directory import Record, RecordRef
from services.domain.ownership import choose_owner

ANNA, BEN, CLARA = (RecordRef("user", name) for name in ("anna", "ben", "clara"))


def user(ref: RecordRef, *, active: bool = True) -> Record:
    return Record(ref, ref.id, None, active, 1)


def queue(owner: RecordRef | None) -> Record:
    return Record(RecordRef("queue", "support"), "support", owner, True, 1)


def owner(*lists, correlated=None, sender=None, acceptor=None, records=()):
    return choose_owner(
        lists,
        correlated_owner=correlated,
        sender_owner=sender,
        acceptor=acceptor,
        records={record.ref: record for record in records},
    )


def test_the_first_eligible_recipient_owns():
    assert ANNA == owner([user(ANNA), user(BEN)])


def test_the_owner_of_the_correlated_mail_comes_first_when_it_is_a_recipient():
    assert BEN == owner([user(ANNA), user(BEN)], correlated=BEN, sender=ANNA)


def test_the_owner_of_the_sender_comes_next():
    assert BEN == owner([user(ANNA), user(BEN)], correlated=CLARA, sender=BEN)


def test_the_to_list_is_decided_before_the_cc_list():
    """Domain case 15.24: The correlated owner on Cc loses to another eligible one on To."""
    assert ANNA == owner([user(ANNA)], [user(BEN)], correlated=BEN)


def test_a_queue_is_owned_by_its_owner():
    assert CLARA == owner([queue(CLARA), user(ANNA)])


def test_a_disabled_user_is_not_eligible():
    assert BEN == owner([user(ANNA, active=False)], [user(BEN)])


def test_a_queue_whose_owner_is_disabled_is_not_eligible():
    gone, there = user(CLARA, active=False), user(BEN)

    assert BEN == owner([queue(CLARA), there], records=[gone, there])
    assert owner([queue(CLARA)], correlated=CLARA, acceptor=queue(CLARA), records=[gone]) is None


def test_nobody_named_so_the_acceptor_owns():
    assert ANNA == owner([], [], acceptor=user(ANNA))
    assert owner([queue(None)]) is None
