"""Sender: exactly one record or none; recipients: all of them (domain rules 4.2 and 4.3)."""

from services.domain.directory import Record, RecordRef
from services.domain.parties import resolve_recipient, resolve_sender

BEN = RecordRef("user", "ben")


def record(kind: str, *, owner: RecordRef | None = None, active: bool = True, ordinal: int = 1) -> Record:
    return Record(RecordRef(kind, f"{kind}-{ordinal}"), kind, owner, active, ordinal)


def sender(
    *matches: Record, owner: RecordRef | None = BEN, cap: int = 100, unresolve: bool = False
) -> RecordRef | None:
    found = resolve_sender(matches, owner=owner, max_matches=cap, unresolve_on_multiple=unresolve)
    return found.ref if found else None


def test_the_only_record_is_the_sender_whatever_its_state():
    only = record("contact", active=False)

    assert only.ref == sender(only)


def test_a_record_owned_by_the_owner_of_the_mailbox_beats_the_others():
    """Domain case 15.11."""
    account = record("account", owner=BEN)

    assert account.ref == sender(record("contact"), account)


def test_nobody_owns_one_so_the_type_decides():
    """Domain case 15.11."""
    contact = record("contact")

    assert contact.ref == sender(record("account"), contact)


def test_a_user_beats_a_contact():
    """Domain case 15.11."""
    user = record("user")

    assert user.ref == sender(record("contact"), user)


def test_a_custom_type_comes_after_every_type_of_the_product():
    unit = record("business-unit")

    assert unit.ref == sender(record("asset"), unit)


def test_the_older_record_wins_inside_a_type():
    older = record("contact", ordinal=1)

    assert older.ref == sender(record("contact", ordinal=2), older)


def test_one_over_the_cap_stays_unresolved():
    """Domain case 15.12."""
    crowd = [record("contact", ordinal=n) for n in range(101)]

    assert sender(*crowd) is None
    assert crowd[0].ref == sender(*crowd[:100])


def test_several_stay_unresolved_when_the_switch_says_so():
    assert sender(record("contact"), record("account"), unresolve=True) is None
    assert sender(record("contact"), unresolve=True) is not None


def test_every_record_of_a_recipient_becomes_a_party():
    user, queue = record("user"), record("queue")

    assert (user.ref, queue.ref) == resolve_recipient([queue, user], unresolve_on_multiple=False)


def test_a_recipient_with_several_records_stays_unresolved_when_the_switch_says_so():
    assert () == resolve_recipient([record("user"), record("contact")], unresolve_on_multiple=True)


def test_a_disabled_user_never_resolves():
    contact = record("contact", active=False)

    assert (contact.ref,) == resolve_recipient([record("user", active=False), contact], unresolve_on_multiple=False)
