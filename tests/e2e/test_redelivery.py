"""At least once between the stages, once in the store: what comes again changes nothing."""

import pytest

from tests.e2e import store, topics
from tests.e2e.conftest import ANNA, KIM, SUPPORT, Company
from tests.e2e.mails import mail

pytestmark = pytest.mark.e2e


def test_after_a_merge_a_redelivery_of_every_record_changes_no_row(company: Company):
    """Two conversations meet in a third mail; then every record of both stages comes once more."""
    left, right, bridge = (f"{name}@redelivered.example" for name in ("left", "right", "bridge"))
    company.pipeline.append(SUPPORT, mail(left, from_=KIM, to=SUPPORT), mail(right, from_=KIM, to=SUPPORT, minute=1))
    company.pipeline.wait()
    apart = {store.thread_of(company.postgres, one) for one in (left, right)}
    company.pipeline.append(ANNA, mail(bridge, from_=KIM, to=ANNA, references=[left, right], minute=2))
    company.pipeline.wait()
    topics.caught_up(company.kafka)
    before = store.dump(company.postgres, ["correlator", "resolver"])

    assert 2 == len(apart)
    assert 1 == len({store.thread_of(company.postgres, one) for one in (left, right, bridge)})

    again = [topics.again(company.kafka, topic) for topic in ("mail-received", "mail-correlated")]
    topics.caught_up(company.kafka)
    company.pipeline.wait()

    assert all(count >= 3 for count in again)
    after = store.dump(company.postgres, ["correlator", "resolver"])
    assert before.keys() == after.keys()
    for table, rows in before.items():
        assert rows == after[table], table
    company.pipeline.mailweave("verify")
