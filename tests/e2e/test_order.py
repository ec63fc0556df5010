"""The order of arrival changes neither the conversations nor the decisions."""

from itertools import permutations

import pytest

from tests.e2e import store
from tests.e2e.conftest import ANNA, BEN, KIM, LEE, SUPPORT, Company
from tests.e2e.mails import mail
from tests.e2e.store import Decided

pytestmark = pytest.mark.e2e

ORDERS = tuple(permutations(range(5)))
NAMES = ("root", "reply", "other", "deep", "inside")


def tree(run: str, number: int) -> list[tuple[str, bytes]]:
    """
    One copy of the tree: five mails with the mailbox each of them comes to.

    Only the root is filed for its own sake (the queue takes all). Anna takes responses to tracked mail only,
    so whether a reply is filed depends on the mail before it, down to the leaves.
    """
    root, reply, other, deep, inside = (f"{name}-{number}@{run}.example" for name in NAMES)
    return [
        (SUPPORT, mail(root, from_=KIM, to=SUPPORT)),
        (ANNA, mail(reply, from_=KIM, to=ANNA, in_reply_to=root, references=[root], minute=1)),
        (ANNA, mail(other, from_=LEE, to=ANNA, in_reply_to=root, references=[root], minute=2)),
        (ANNA, mail(deep, from_=KIM, to=ANNA, references=[root, reply], minute=3)),
        (ANNA, mail(inside, from_=BEN, to=ANNA, in_reply_to=other, references=[root, other], minute=4)),
    ]


def wanted(run: str, number: int) -> dict[str, list[Decided]]:
    root, reply, other, deep, inside = (f"{name}-{number}@{run}.example" for name in NAMES)
    anna = "user:anna"
    return {
        root: [Decided(SUPPORT, "accepted", "queue:support", "None", "", "", "")],
        reply: [Decided(ANNA, "accepted", anna, "InReplyTo", root, root, root)],
        other: [Decided(ANNA, "accepted", anna, "InReplyTo", root, root, root)],
        deep: [Decided(ANNA, "accepted", anna, "References", reply, reply, "")],
        inside: [Decided(ANNA, "accepted", anna, "InReplyTo", other, other, other)],
    }


def append(company: Company, run: str, *, position: int) -> None:
    """Append that mail of each copy whose turn it is in the copy's own order."""
    found: dict[str, list[bytes]] = {}
    for number, order in enumerate(ORDERS):
        address, raw = tree(run, number)[order[position]]
        found.setdefault(address, []).append(raw)
    for address, raws in found.items():
        company.pipeline.append(address, *raws)


def check(company: Company, run: str) -> None:
    found = store.decisions(company.postgres, f"%@{run}.example")
    threads = set()
    for number, order in enumerate(ORDERS):
        expected = wanted(run, number)
        decided = {message_id: found[message_id][1] for message_id in expected if message_id in found}
        assert expected == decided, f"in the order {[NAMES[i] for i in order]}"
        together = {found[message_id][0] for message_id in expected}
        assert 1 == len(together), f"torn apart in the order {[NAMES[i] for i in order]}"
        threads |= together
    assert len(ORDERS) == len(threads), "different copies were thrown together"


def test_one_after_the_other_in_every_order(company: Company):
    """120 copies, one per order: position k of all is put in when position k-1 has been waited for."""
    for position in range(len(NAMES)):
        append(company, "stepwise", position=position)
        company.pipeline.wait()

    check(company, "stepwise")
    # A reply that came before the root was not filed at first: in 120 orders 240 replies do.
    first = """SELECT count(*) FROM resolver.decision d JOIN resolver.delivery v ON v.id = d.delivery_id
                 JOIN resolver.message m USING (message_key)
                WHERE m.message_id LIKE %s AND d.version = 1 AND d.outcome = 'NoCorrelationMatch'"""
    assert [(sum(order.index(0) for order in ORDERS),)] == store.rows(company.postgres, first, "%@stepwise.example")


def test_everything_at_once(company: Company):
    for position in range(len(NAMES)):
        append(company, "at-once", position=position)
    company.pipeline.wait()

    check(company, "at-once")
