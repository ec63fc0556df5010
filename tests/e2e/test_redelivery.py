"""At least once between the stages, once in the store: what comes again changes nothing."""

import random

import pytest

from services.contracts.topics import catalogue
from tests.e2e import store, topics
from tests.e2e.conftest import ANNA, KIM, LEE, SUPPORT, Company
from tests.e2e.mails import mail

pytestmark = pytest.mark.e2e

STAGES = ("correlator", "resolver")
READ = sorted(name for name, topic in catalogue().items() if set(STAGES) & set(topic.consumers))
TWICE = (1, 2)


def made(company: Company, domain: str) -> None:
    """
    Two conversations that meet in a third mail, and what else leaves rows.

    A queue's mail with a file, a rejected mail, one that comes before the mail it answers, and a person's relink.
    """
    left, right, bridge, late, first = (f"{name}@{domain}" for name in ("left", "right", "bridge", "late", "first"))
    company.pipeline.append(SUPPORT, mail(left, from_=KIM, to=SUPPORT), mail(right, from_=KIM, to=SUPPORT, minute=1))
    company.pipeline.append(ANNA, mail(late, from_=LEE, to=ANNA, in_reply_to=first, references=[first], minute=5))
    company.pipeline.append(ANNA, mail(f"alone@{domain}", from_=LEE, to=ANNA, minute=6))
    company.pipeline.wait()
    apart = {store.thread_of(company.postgres, one) for one in (left, right)}
    company.pipeline.append(ANNA, mail(bridge, from_=KIM, to=ANNA, references=[left, right], minute=2))
    company.pipeline.append(SUPPORT, mail(first, from_=LEE, to=SUPPORT, cc=ANNA, attachment=b"PDF", minute=4))
    company.pipeline.wait()
    company.pipeline.mailweave("relink", f"<{late}>", first, right, "--reason", "a test", "--wait")
    company.pipeline.wait()
    topics.caught_up(company.kafka)

    assert 2 == len(apart)
    assert 1 == len({store.thread_of(company.postgres, one) for one in (left, right, bridge)})


def test_every_record_again_in_random_order_twice_leaves_the_database_as_it_was_row_by_row(company: Company):
    """Of every topic that correlator and resolver read; times apart, and where a record of the directory stood."""
    made(company, "redelivered.example")
    before = store.dump(company.postgres, STAGES)

    for seed in TWICE:
        again = topics.again(company.kafka, READ, random.Random(seed))
        topics.caught_up(company.kafka)
        company.pipeline.wait()

        assert set(READ) == again.keys()
        assert again["mail-received"] >= 6
        after = store.dump(company.postgres, STAGES)
        assert before.keys() == after.keys()
        for table, rows in before.items():
            assert rows == after[table], f"{table}, seed {seed}"
    company.pipeline.mailweave("verify")
