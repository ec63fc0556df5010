"""What people do to conversations, on PostgreSQL: it sticks, it comes once, and the threads are the components."""

import random
import signal
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest

from services.contracts.codec import decode
from services.domain.identity import keyed_hash
from tests import forests
from tests.component.correlator.people import HASH_KEY, carry_out, command, doomed
from tests.component.correlator.writers import dump, groups, write
from tests.forests import Mail, grouping, key, random_mails

pytestmark = pytest.mark.component

THREAD = [("a@x", ()), ("b@x", ("a@x",)), ("c@x", ("a@x", "b@x")), ("d@x", ("a@x", "b@x", "c@x")), ("e@x", ("a@x",))]


@pytest.fixture(autouse=True)
def keys(monkeypatch):
    """The ids of the mails of these tests are hashed as the commands' are."""
    monkeypatch.setattr(forests, "_KEYS", Keys())


class Keys(dict[str, UUID]):
    """Hashes as they are asked for."""

    def __contains__(self, name: object) -> bool:
        return True

    def __missing__(self, name: str) -> UUID:
        self[name] = keyed_hash(HASH_KEY, "id", name)
        return self[name]


def rows(url: str, query: str) -> list[tuple[Any, ...]]:
    with psycopg.connect(url) as connection:
        return connection.execute(query.encode()).fetchall()


def answers(url: str) -> list[tuple[str, str]]:
    return [
        (kind, refused) for kind, refused in rows(url, "SELECT kind, refused FROM correlator.command ORDER BY applied")
    ]


def records(url: str) -> list[tuple[str, dict[str, Any]]]:
    return [decode(bytes(value)) for (value,) in rows(url, "SELECT value FROM correlator.outbox ORDER BY id")]


def together(*groups_: str) -> frozenset[frozenset[str]]:
    return frozenset(frozenset(f"{one}@x" for one in group) for group in groups_)


def components(url: str) -> frozenset[frozenset[str]]:
    """The grouping of a plain union-find over the edges that hold."""
    found = rows(
        url,
        "SELECT o.mid, t.mid FROM correlator.edge e JOIN correlator.message m ON m.message_key = e.child"
        " JOIN correlator.node o ON o.id = m.id_key JOIN correlator.node t ON t.id = e.target"
        " WHERE e.removed_by IS NULL",
    )
    label = {mid: mid for (mid,) in rows(url, "SELECT mid FROM correlator.node")}

    def root(mid: str) -> str:
        while label[mid] != mid:
            mid = label[mid]
        return mid

    for own, target in found:
        label[root(own)] = root(target)
    return grouping({mid: root(mid) for mid in label})


def test_an_unlinked_message_is_a_conversation_of_its_own_and_stays_so_when_it_comes_again(url):
    write(url, [[("a@x", ()), ("b@x", ("a@x",))]])
    carry_out(url, command("unlink", "b@x", "a@x"))
    assert together("a", "b") == groups(url)

    placed = write(url, [[("b@x", ("a@x",))]])
    assert together("a", "b") == groups(url) == components(url)
    assert [()] == [one.evidence for one in placed.values()]
    assert [("unlink", "")] == answers(url)


def test_a_link_that_others_back_up_is_removed_and_the_conversation_holds(url):
    write(url, [THREAD])
    carry_out(url, command("unlink", "d@x", "c@x"))

    assert together("abcde") == groups(url)
    ((_, told),) = records(url)
    assert [(str(key("message d@x")), str(key("c@x")), False)] == [
        (p["child"], p["target"], p["linked"]) for p in told["pairs"]
    ]


def test_a_split_takes_what_follows_along_and_no_later_answer_joins_the_two_again(url):
    """Its References name both sides; the nearest one counts. So it does when a reply comes late, or in a copy."""
    write(url, [THREAD])
    carry_out(url, command("split", "c@x"))
    assert together("abe", "cd") == groups(url)

    write(url, [[("f@x", ("a@x", "b@x", "c@x", "d@x"))], [("g@x", ("a@x", "e@x"))], [("c@x", ("z@x", "a@x"))]])
    assert together("abeg", "cdfz") == groups(url) == components(url)
    again = dump(url)
    write(url, [THREAD, [("f@x", ("a@x", "b@x", "c@x", "d@x"))]])
    assert again == dump(url)


def test_an_unseen_parent_that_comes_after_a_split_does_not_undo_it(url):
    write(url, [[("a@x", ()), ("c@x", ("a@x", "b@x")), ("d@x", ("a@x", "b@x", "c@x"))]])
    carry_out(url, command("split", "c@x"))
    write(url, [[("b@x", ("a@x",))]])

    assert together("ab", "cd") == groups(url) == components(url)


def test_messages_that_move_are_told_with_the_version_that_their_records_carry(url):
    write(url, [THREAD])
    carry_out(url, command("split", "c@x"))

    (name, told), (_, relinked) = records(url)
    placed = write(url, [[("c@x", ("a@x", "b@x"))], [("d@x", ("a@x", "b@x", "c@x"))]])
    assert "ThreadChanged" == name
    assert sorted(str(one) for one in placed) == sorted(told["change"]["messages"])
    assert {(told["change"]["thread"], told["version"])} == {(one.thread, one.version) for one in placed.values()}
    assert told["version"] == relinked["version"]


def test_merged_conversations_are_one_and_the_manual_link_is_the_nearest_evidence(url):
    write(url, [[("a@x", ()), ("b@x", ("z@x",))]])
    carry_out(url, command("merge", "b@x", "a@x"))
    placed = write(url, [[("b@x", ("z@x",))]])

    assert together("abz") == groups(url) == components(url)
    (one,) = placed.values()
    nearest = min(one.evidence, key=lambda piece: piece.position)
    assert ("manual", "a@x") == (nearest.kind, nearest.value)
    assert ["ThreadChanged", "Relinked"] == [name for name, _ in records(url)]


def test_a_relinked_message_leaves_one_conversation_for_another_with_its_followers(url):
    write(url, [[*THREAD, ("other@x", ())]])
    carry_out(url, command("unlink", "c@x", "a@x"), command("relink", "c@x", "b@x", "other@x"))

    assert groups(url) == components(url)
    found = {one for group in groups(url) if "c@x" in group for one in group}
    assert {"c@x", "other@x"} <= found


def test_what_was_parted_can_be_joined_again_and_parted_again(url):
    write(url, [[("a@x", ()), ("b@x", ("a@x",))]])
    for kind, expected in (("unlink", ("a", "b")), ("merge", ("ab",)), ("unlink", ("a", "b")), ("merge", ("ab",))):
        carry_out(url, command(kind, "b@x", "a@x"))
        assert together(*expected) == groups(url) == components(url)

    linked = [p["linked"] for name, told in records(url) if name == "Relinked" for p in told["pairs"]]
    assert [False, True, False, True] == linked


def test_a_command_that_comes_again_changes_nothing(url):
    write(url, [THREAD])
    value = command("split", "c@x")
    carry_out(url, value)
    before = dump(url)
    carry_out(url, value, value)

    assert before == dump(url)
    assert 1 == len(answers(url))


@pytest.mark.parametrize(
    ("value", "why"),
    [
        (command("split", "a@x"), "begins its conversation already"),
        (command("split", "nobody@x"), "no mail with the id of the message"),
        (command("merge", "a@x", "nobody@x"), "no mail with the id of the other message"),
        (command("merge", "c@x", "e@x"), "in one conversation already"),
        (command("merge", "a@x", "a@x"), "itself"),
        (command("relink", "b@x", "a@x", "d@x"), "follows from this one"),
    ],
    ids=["a start", "an unknown mail", "onto an unknown mail", "together already", "with itself", "under its answer"],
)
def test_what_makes_no_sense_is_refused_with_the_reason_and_changes_nothing(url, value, why):
    write(url, [THREAD])
    before = dump(url)
    carry_out(url, value)

    ((_, refused),) = answers(url)
    assert why in refused
    assert before == dump(url)


@pytest.mark.parametrize("kind", ["relink", "unlink"])
def test_another_name_of_a_message_is_not_parted_from_it(url, kind):
    """Else its thread would be merged into itself, which no reader of merges comes back from."""
    write(url, [[("a@x", ()), ("c@x", ("a@x",)), ("e@x", ("a@x",))]])
    with psycopg.connect(url) as connection:
        of_c = (
            "child IN (SELECT message_key FROM correlator.message JOIN correlator.node n ON n.id = id_key"
            " WHERE mid = 'c@x')"
        )
        connection.execute(f"DELETE FROM correlator.edge WHERE {of_c} AND kind = 'references'".encode())
        connection.execute(f"UPDATE correlator.edge SET kind = 'alias' WHERE {of_c}".encode())
    carry_out(url, command(kind, "c@x", "a@x", *(["e@x"] if kind == "relink" else [])))

    ((_, refused),) = answers(url)
    assert "are ids of one message" in refused
    assert [] == records(url)
    assert [] == rows(url, "SELECT * FROM correlator.cut")
    assert [] == rows(url, "SELECT * FROM correlator.merge WHERE loser = winner")
    assert together("ace") == groups(url) == components(url)


def test_what_is_no_command_is_rejected_and_what_is_for_others_is_left_alone(url):
    write(url, [THREAD])
    batch = carry_out(
        url, b"no record", command("test-mailbox", "x"), command("split", ""), command("split", "c@x", id_="7"),
        command("split", "c@x"),
    )  # fmt: skip

    assert [0, 2, 3] == [one.input.offset for one in batch.rejects]
    assert [("split", "")] == answers(url)


@pytest.mark.parametrize("seed", range(6))
def test_after_any_commands_and_mails_the_threads_are_the_components_of_the_links_that_hold(url, seed):
    """And the moves and merges that were told lead from what each message was first told to where it is."""
    chooser = random.Random(seed)
    mails = random_mails(seed, 60)
    names = sorted({name for name, _ in mails})
    told: dict[UUID, int] = {}
    for some in (mails[n : n + 12] for n in range(0, len(mails), 12)):
        told |= {message: one.thread for message, one in write(url, [some]).items()}
        for _ in range(4):
            kind = chooser.choice(["unlink", "split", "merge", "relink"])
            carry_out(url, command(kind, *chooser.sample(names, 3)))
            assert components(url) == groups(url)

    assert followed(url, told) == {message: today(url, thread) for message, thread in stored(url).items()}
    before = dump(url)
    write(url, [mails])
    assert before == dump(url)


def stored(url: str) -> dict[UUID, int]:
    return dict(rows(url, "SELECT message_key, thread FROM correlator.message"))


def today(url: str, thread: int) -> int:
    winner = dict(rows(url, "SELECT loser, winner FROM correlator.merge"))
    while thread in winner:
        thread = winner[thread]
    return thread


def followed(url: str, told: dict[UUID, int]) -> dict[UUID, int]:
    """What somebody knows of the threads who heard the first answers and all that was told since."""
    known = dict(told)
    for name, record in records(url):
        if name == "ThreadChanged" and "messages" in record["change"]:
            known |= {UUID(message): record["change"]["thread"] for message in record["change"]["messages"]}
    return {message: today(url, thread) for message, thread in known.items()}


@pytest.mark.parametrize(
    ("point", "stored_already"), [("correlator.graph_written", False), ("correlator.committed", True)]
)
def test_killed_in_the_middle_and_offered_again_it_ends_as_if_nothing_had_happened(url, point, stored_already):
    """Between commit and produce nothing is lost: what changed waits in the outbox."""
    write(url, [THREAD])
    id_ = str(uuid4())
    process = doomed(url, "split", "c@x", id_, point)
    assert -signal.SIGKILL == process.wait(60)
    assert stored_already == bool(records(url))

    carry_out(url, command("split", "c@x", id_=id_))
    assert together("abe", "cd") == groups(url)
    assert ["ThreadChanged", "Relinked"] == [name for name, _ in records(url)]
    assert [("split", "")] == answers(url)


def test_writers_and_people_at_once_end_in_components(url):
    mails: Sequence[Mail] = random_mails(3, 300)
    names = sorted({name for name, _ in mails})
    chooser = random.Random(3)
    wishes = [command(chooser.choice(["unlink", "split", "merge"]), *chooser.sample(names, 2)) for _ in range(60)]
    with ThreadPoolExecutor(3) as pool:
        work = [pool.submit(write, url, [mails[n : n + 10] for n in range(start, 300, 20)]) for start in (0, 10)]
        people = pool.submit(carry_out, url, *wishes)
        for one in work:
            one.result()
        people.result()

    assert components(url) == groups(url)
