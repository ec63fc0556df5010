"""What people say of conversations, as the resolver hears of it: whatever comes first, it counts and it stays."""

import itertools
from dataclasses import replace
from uuid import UUID, uuid4

import pytest

from services import contracts
from services.domain.correlation_rules import Switches
from services.domain.identity import keyed_hash
from tests.component.resolver.conftest import KEY, mail
from tests.component.resolver.test_stored_smart_matching import compatible, like

pytestmark = pytest.mark.component


def message(resolver, name):
    ((key,),) = resolver.rows("SELECT message_key FROM resolver.message WHERE message_id = %s", f"{name}@x.example")
    return key


def id_of(name):
    return keyed_hash(KEY, "id", f"{name}@x.example")


def relinked(child: UUID, target, *, linked, version, position=-1):
    pair = {
        "child": str(child), "target": str(id_of(target)), "linked": linked, "position": position if linked else 0,
        "value": f"{target}@x.example" if linked else "",
    }  # fmt: skip
    return contracts.encode("Relinked", {"pairs": [pair], "version": version, "cause": str(uuid4())})


def changed(change, version):
    return contracts.encode("ThreadChanged", {"change": change, "version": version, "cause": str(uuid4())})


def answers(resolver):
    rows = resolver.rows(
        "SELECT split_part(m.message_id, '@', 1), a.method, coalesce(split_part(t.message_id, '@', 1), ''),"
        " coalesce(a.regarding_id, '') FROM resolver.activity a JOIN resolver.message m USING (message_key)"
        " LEFT JOIN resolver.activity c ON c.id = a.correlated"
        " LEFT JOIN resolver.message t ON t.message_key = c.message_key"
    )
    return {name: rest for name, *rest in rows}


def threads(resolver):
    rows = resolver.rows(
        "SELECT split_part(m.message_id, '@', 1), t.thread, m.thread FROM resolver.message m"
        " JOIN resolver.message_thread t USING (message_key)"
    )
    assert all(seen == resolver.rows("SELECT resolver.root(%s)", stored)[0][0] for _, seen, stored in rows)
    return {name: seen for name, seen, _ in rows}


def filed_under(resolver, name, record):
    """A person files a mail under a record; what answers it follows."""
    resolver.regarding(f"case/{record}", name)
    resolver.jobs()


def decide_all_again(resolver):
    resolver.rows(
        "INSERT INTO resolver.job (targets, messages, cause)"
        " SELECT '{}', array_agg(message_key), 'x' FROM resolver.message RETURNING id"
    )
    resolver.jobs()


def test_what_is_unlinked_answers_nothing_any_more_and_those_who_answer_it_follow(resolver):
    for value in (mail("a"), mail("b", answers=["a"]), mail("c", answers=["b"])):
        resolver.resolve(resolver.record(value))
    filed_under(resolver, "a", "case-1")
    assert ["InReplyTo", "b", "case-1"] == answers(resolver)["c"]

    resolver.resolve(relinked(message(resolver, "b"), "a", linked=False, version=5))
    resolver.jobs()
    assert {"a": ["None", "", "case-1"], "b": ["None", "", ""], "c": ["InReplyTo", "b", ""]} == answers(resolver)
    assert "relink" in {cause for (cause,) in resolver.rows("SELECT cause FROM resolver.decision")}


def test_a_manual_link_counts_above_all_else_even_with_headers_switched_off(resolver):
    resolver.settings = replace(
        resolver.settings, policy=replace(resolver.settings.policy, switches=Switches(headers=False))
    )
    for value in (mail("a"), mail("other"), mail("b", answers=["a"])):
        resolver.resolve(resolver.record(value))
    filed_under(resolver, "other", "case-2")
    resolver.resolve(relinked(message(resolver, "b"), "other", linked=True, version=5))
    resolver.jobs()

    assert ["Manual", "other", "case-2"] == answers(resolver)["b"]


def test_neither_redelivery_nor_a_copy_nor_deciding_again_brings_a_removed_link_back(resolver):
    values = [resolver.record(mail("a")), resolver.record(mail("b", answers=["a"]))]
    resolver.resolve(*values)
    resolver.resolve(relinked(message(resolver, "b"), "a", linked=False, version=5))
    resolver.jobs()
    before = answers(resolver)
    resolver.resolve(*values, resolver.record(mail("b", answers=["a"]), uid=77))
    decide_all_again(resolver)

    assert before == answers(resolver)
    assert ["None", "", ""] == before["b"]


def test_redelivery_after_two_messages_were_parted_and_joined_again_changes_no_evidence(resolver):
    first, answer = mail("a"), mail("b", answers=["a"])
    for value in (first, answer):
        resolver.resolve(resolver.record(value))
    resolver.resolve(relinked(message(resolver, "b"), "a", linked=False, version=5))
    resolver.resolve(relinked(message(resolver, "b"), "a", linked=True, version=6))
    evidence = resolver.rows("SELECT * FROM resolver.evidence")

    resolver.resolve(resolver.record(answer))
    resolver.jobs()

    assert evidence == resolver.rows("SELECT * FROM resolver.evidence")
    assert ["Manual", "a"] == answers(resolver)["b"][:2]


def test_what_was_said_before_the_mail_arrives_counts_too(resolver):
    resolver.resolve(resolver.record(mail("a")))
    late = resolver.record(mail("b", answers=["a"]))
    child = UUID(contracts.decode(late)[1]["message_key"])
    resolver.resolve(relinked(child, "a", linked=False, version=5))
    resolver.jobs()
    resolver.resolve(late)
    resolver.jobs()

    assert ["None", "", ""] == answers(resolver)["b"]


@pytest.mark.parametrize("order", itertools.permutations(range(3)))
def test_the_latest_word_counts_whatever_order_they_come_in(resolver, order):
    resolver.resolve(resolver.record(mail("a")), resolver.record(mail("b", answers=["a"])))
    child = message(resolver, "b")
    said = [
        relinked(child, "a", linked=linked, version=version) for linked, version in ((False, 5), (True, 6), (False, 7))
    ]
    for place in order:
        resolver.resolve(said[place])
    resolver.jobs()
    resolver.resolve(*said)

    assert ["None", "", ""] == answers(resolver)["b"]
    assert 0 == resolver.jobs()


def test_a_circle_that_loses_an_edge_counts_again(resolver):
    for value in (mail("a", answers=["b"]), mail("b", answers=["a"])):
        resolver.resolve(resolver.record(value))
    resolver.jobs()
    assert {"a": ["None", "", ""], "b": ["None", "", ""]} == answers(resolver)
    resolver.resolve(relinked(message(resolver, "a"), "b", linked=False, version=5))
    resolver.jobs()

    assert {"a": ["None", "", ""], "b": ["InReplyTo", "a", ""]} == answers(resolver)


def test_what_likeness_had_found_is_not_found_again(resolver):
    resolver.settings = compatible("link")
    for value in (like("a"), like("b", minute=1)):
        resolver.resolve(resolver.record(value))
    assert ["SmartMatching", "a", ""] == answers(resolver)["b"]
    resolver.resolve(relinked(message(resolver, "b"), "a", linked=False, version=5))
    decide_all_again(resolver)

    assert ["None", "", ""] == answers(resolver)["b"]
    assert [] == resolver.rows("SELECT FROM resolver.evidence WHERE kind = 'smart_matching'")


NOTICES = ("moved", "merged", "record", "next")


@pytest.mark.parametrize(
    "order", itertools.permutations(range(4)), ids=lambda order: "-".join(NOTICES[n] for n in order)
)
def test_threads_end_alike_in_whatever_order_moves_merges_and_mails_come(resolver, order):
    """A message that has moved into a thread that has lost, and then another that has, is in the last one."""
    resolver.resolve(resolver.record(mail("a"), thread=7))
    late = resolver.record(mail("b", answers=["a"]), thread=7)
    child = contracts.decode(late)[1]["message_key"]
    values = [
        changed({"messages": [child], "thread": 40}, 5),
        changed({"loser": 40, "winner": 20}, 6),
        late,
        changed({"loser": 20, "winner": 10}, 7),
    ]
    for place in order:
        resolver.resolve(values[place])

    assert {"a": 7, "b": 10} == threads(resolver)
    events = [e["thread_id"] for e in resolver.events() if e["message_id"] == "b@x.example"]
    assert 10 == events[-1]
