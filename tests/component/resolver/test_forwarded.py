"""A message from a forward mailbox is decided for whoever forwarded it, and decided again from what is stored."""

from dataclasses import replace

from services.domain.directory import RecordRef
from tests.component.resolver.conftest import Resolver, mail

ANNA, BEN, COLLECTOR = "anna@own.example", "ben@own.example", "collect@own.example"
LIST = "list@elsewhere.example"


def test_what_two_have_forwarded_is_one_activity_and_what_one_forwards_twice_is_a_duplicate(resolver: Resolver):
    owners = {ANNA: RecordRef("queue", "anna"), BEN: RecordRef("queue", "ben")}
    resolver.settings = replace(resolver.settings, mailbox_owners=owners, forwarding=frozenset(owners))
    inner = mail("a", to=LIST)
    places = [(1, ANNA), (2, BEN), (3, ANNA)]
    for uid, who in places:
        resolver.resolve(resolver.record(inner, mailbox=COLLECTOR, uid=uid, around=mail(f"o{uid}", From=who)))

    decided = resolver.rows(
        "SELECT v.uid, v.mailbox, d.receiving, d.outcome FROM resolver.decision d"
        " JOIN resolver.delivery v ON v.id = d.delivery_id WHERE d.current ORDER BY 1"
    )
    assert [
        (1, COLLECTOR, ANNA, "accepted"), (2, COLLECTOR, BEN, "accepted"), (3, COLLECTOR, ANNA, "Duplicate"),
    ] == decided  # fmt: skip
    assert [(1,)] == resolver.rows("SELECT count(*) FROM resolver.activity")


def test_a_forwarded_message_is_decided_again_from_the_blobs(resolver: Resolver):
    """It was forwarded for nobody who receives so; who forwarded it is read from the mail around it."""
    outer = mail("outer", From=ANNA)
    resolver.resolve(resolver.record(mail("a", to=LIST), mailbox=COLLECTOR, uid=1, around=outer))
    owners = {ANNA: RecordRef("queue", "anna")}
    resolver.settings = replace(resolver.settings, mailbox_owners=owners, forwarding=frozenset(owners))
    resolver.rows(
        "INSERT INTO resolver.job (targets, messages, cause)"
        " SELECT '{}', array_agg(message_key), 'test' FROM resolver.message RETURNING 1"
    )
    resolver.jobs()

    assert [(1, None, "ForwardOwnerUnknown"), (2, ANNA, "accepted")] == resolver.rows(
        "SELECT version, receiving, outcome FROM resolver.decision ORDER BY version"
    )
