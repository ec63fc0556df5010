"""Raw mails that are gone: asked for again where they lie, waited for, and given up when they are not to be had."""

from dataclasses import replace

import pytest

from services.domain.acceptance import FilterOption
from services.resolver import content_requests
from tests.component.resolver.conftest import Resolver, mail
from tests.component.resolver.test_late_resolution import late, taking
from tests.component.resolver.test_redecide import ask

pytestmark = pytest.mark.component

ANNA = "anna@own.example"
LIN = {"type": "contact", "id": "lin", "addresses": ["lin@new.example"]}
FROM_LIN = mail("root", to=ANNA, From="Lin <lin@new.example>")


@pytest.fixture
def purged(resolver: Resolver) -> Resolver:
    """A mail in two folders of Anna's was rejected because nobody knew its sender; its raw mail is gone."""
    resolver.settings = taking(FilterOption.RECORDS)
    for folder in ("INBOX", "Copy"):
        resolver.resolve(resolver.record(FROM_LIN, folder=folder))
    _lose(resolver)
    return resolver


def _lose(resolver: Resolver) -> None:
    for sha256 in resolver.blobs.all():
        resolver.blobs.path(sha256).unlink()


def outcomes(resolver: Resolver) -> set[str]:
    return {one for (one,) in resolver.rows("SELECT outcome FROM resolver.decision WHERE current")}


def test_a_mail_that_is_fetched_again_is_decided_again_and_not_before(purged: Resolver):
    purged.directory(LIN)
    late(purged)
    assert {"NoRecipientMatch"} == outcomes(purged) or {"NoCorrelationMatch"} == outcomes(purged)
    (delivery,) = purged.wanted()

    purged.blobs.put_many([FROM_LIN])
    purged.fetched(delivery)
    assert {"accepted"} == outcomes(purged)
    assert {"directory"} == {c for (c,) in purged.rows("SELECT cause FROM resolver.decision WHERE version > 1")}
    purged.fetched(delivery)
    assert [] == purged.wanted()


def test_one_place_after_the_other_is_asked_for_and_then_it_is_gone(purged: Resolver):
    purged.directory(LIN)
    late(purged)
    asked = []
    for _ in range(2):
        (delivery,) = purged.wanted()
        asked.append(delivery)
        assert "ContentGone" not in outcomes(purged)
        purged.fetched(delivery, why="it no longer lies there")

    assert 2 == len(set(asked))
    assert {"ContentGone"} == outcomes(purged)
    assert [] == purged.wanted()


def test_while_it_is_waited_for_nobody_is_asked_again(purged: Resolver):
    purged.directory(LIN)
    late(purged)
    purged.rows("INSERT INTO resolver.job (targets, messages, cause) SELECT '{}', array_agg(message_key), 'x'"
                " FROM resolver.message RETURNING id")  # fmt: skip
    purged.jobs()

    assert 1 == len(purged.wanted())


def test_what_nobody_answers_in_time_is_gone(purged: Resolver):
    purged.directory(LIN)
    late(purged)
    for _ in range(2):
        purged.rows("UPDATE resolver.content_request SET asked = asked - interval '1 day' RETURNING 1")
        purged.jobs()

    assert {"ContentGone"} == outcomes(purged)
    assert {(content_requests.UNANSWERED,)} == {*purged.rows("SELECT why FROM resolver.content_request")}


def test_what_is_stored_and_gone_once_more_is_asked_for_a_few_times_only(purged: Resolver):
    purged.directory(LIN)
    late(purged)
    for count in range(content_requests.MOST_TIMES * 2):
        (delivery,) = purged.wanted()
        assert "ContentGone" not in outcomes(purged), count
        purged.fetched(delivery)

    assert [] == purged.wanted()
    assert {"ContentGone"} == outcomes(purged)


def test_deciding_again_waits_for_it_too_and_withdraws_then(resolver: Resolver):
    resolver.resolve(resolver.record(mail("root")))
    _lose(resolver)
    resolver.settings = replace(resolver.settings, policy=replace(resolver.settings.policy, queue_default=4))
    ask(resolver)
    resolver.jobs()
    assert {"accepted"} == outcomes(resolver)

    (delivery,) = resolver.wanted()
    resolver.blobs.put_many([mail("root")])
    resolver.fetched(delivery)
    assert {"NoCorrelationMatch"} == outcomes(resolver)
    assert [("ann",)] == resolver.rows(
        "SELECT q.author FROM resolver.decision x JOIN resolver.redecision q ON q.id = x.redecision WHERE x.current"
    )


def test_mail_that_lies_on_no_server_is_gone_at_once(purged: Resolver):
    purged.rows("UPDATE resolver.delivery SET source = 'import', uid = NULL RETURNING 1")
    purged.directory(LIN)
    late(purged)

    assert [] == purged.wanted()
    assert {"ContentGone"} == outcomes(purged)


def test_an_answer_that_comes_after_it_was_given_up_counts_still(purged: Resolver):
    """A fetcher that was away for an hour has the mail stored then, and nobody would ask again."""
    purged.directory(LIN)
    late(purged)
    asked = []
    for _ in range(2):
        asked += purged.wanted()
        purged.rows("UPDATE resolver.content_request SET asked = asked - interval '1 day' RETURNING 1")
        purged.jobs()
    assert {"ContentGone"} == outcomes(purged)

    purged.blobs.put_many([FROM_LIN])
    purged.fetched(asked[0])
    assert {"accepted"} == outcomes(purged)


def test_what_is_not_to_be_had_is_asked_for_again_another_day(purged: Resolver):
    purged.directory(LIN)
    late(purged)
    for _ in range(2):
        purged.fetched(*purged.wanted(), why="its server cannot be read (timed_out)")
    assert {"ContentGone"} == outcomes(purged)
    again = (
        "INSERT INTO resolver.job (targets, messages, cause) SELECT '{}', array_agg(message_key), 'x'"
        " FROM resolver.message RETURNING id"
    )
    purged.rows(again)
    purged.jobs()
    assert [] == purged.wanted()

    purged.rows("UPDATE resolver.content_request SET answered = answered - interval '2 days' RETURNING 1")
    purged.rows(again)
    purged.jobs()
    (delivery,) = purged.wanted()
    purged.blobs.put_many([FROM_LIN])
    purged.fetched(delivery)
    assert {"accepted"} == outcomes(purged)
