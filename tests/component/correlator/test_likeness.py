"""Likeness on real PostgreSQL and Valkey: one index like the other, stored results, and a Redis that forgets."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from random import Random
from uuid import UUID

import pytest
import redis

from services.contracts.codec import decode
from services.correlator import likeness_index, likeness_rebuild, likeness_retention
from services.correlator.likeness import Likeness
from services.correlator.likeness_index import COUNTS, COUNTS_BEFORE, WHOLE, IndexLost, LikenessIndex
from services.domain.errors import Retry
from services.domain.evidence import Evidence, Kind
from services.domain.identity import keyed_hash
from services.domain.likeness.finding import Shown, find
from services.domain.likeness.hashing import hasher
from services.domain.likeness.index import Habit, Question
from services.domain.likeness.keys import Key
from services.domain.likeness.memory_index import MemoryIndex
from services.domain.message import Mailbox, Message
from services.storage.postgres import Database
from tests.messages import message

pytestmark = pytest.mark.component
HASHED = hasher(b"k")
START = datetime(2024, 5, 21, 8, 0, tzinfo=UTC)
PEOPLE = [Mailbox(f"Person{n} Name{n}", f"p{n}@x.example") for n in range(9)]
WORDS = [
    "ready",
    "steady",
    "garden",
    "hand",
    "delivery",
    "only",
    "every",
    "money",
    "wooden",
    "tables",
    "holiday",
    "big",
]


def mails(seed, count):
    """Random conversations: some mails answer an earlier one, with its subject, a quote, both or neither."""
    random = Random(seed)
    made: list[Message] = []
    for n in range(count):
        at, sender = START + timedelta(minutes=7 * n), random.choice(PEOPLE)
        text, subject, to = " ".join(random.choices(WORDS, k=40)), f"About {random.choice(WORDS)} {n}", PEOPLE[0]
        if made and random.random() < 0.6:
            parent = random.choice(made)
            to, subject = parent.from_[0], f"Re: {parent.subject.removeprefix('Re: ')}"
            text = f"Yes.\n\nOn {parent.date:%d %b %Y at %H:%M} +0000, {to.name} wrote:\n> {parent.body_text}"
        made.append(
            replace(
                message(message_id=f"{seed}.{n}@x", subject=subject, body_text=text[:4000]),
                from_=(sender,),
                to=(to,),
                date=at,
            )
        )
    return made


def shown(mail):
    own = keyed_hash(b"k", "id", mail.message_id)
    return Shown(own, mail, mail.date, own.int & 0xFFFF, ())


@pytest.fixture
def client(stack):
    """Valkey, emptied."""
    client = redis.Redis.from_url(stack.config.redis)
    client.flushdb()
    yield client
    client.flushdb()
    client.close()


@pytest.fixture(params=["memory", "redis"])
def index(request):
    if request.param == "memory":
        return MemoryIndex()
    client = request.getfixturevalue("client")
    client.hset(COUNTS, WHOLE, 1)
    return LikenessIndex(client)


def test_a_mail_is_found_under_its_keys(index):
    kept = _kept(3)
    index.keep(kept)
    one = kept[1]

    found = index.look_up(
        Question(keys=one.keys, people=one.entry.people, streams=[one.stream], messages=[one.entry.message])
    )

    assert all(one.entry in found.by_key[key] for key in one.keys)
    assert {one.entry.message: one.entry} == found.by_message
    assert all(count >= 1 for count in found.seen.values())


def test_habits_of_lists_are_counted(index):
    [first, *_] = _kept(1)
    index.keep([replace(first, stream=5, habit=True), replace(first, stream=5, habit=False), replace(first, stream=6)])

    assert {5: Habit(1, 1)} == index.look_up(Question(streams=[5, 6, 7])).habits


def test_under_one_key_the_latest_mails_are_found_oldest_first(index):
    key = Key("s", 2**64 - 1)
    kept = [replace(one, keys=(key,)) for one in _kept(120)]
    for start in range(0, 120, 10):
        index.keep(kept[start : start + 10])

    assert [one.entry for one in kept[-16:]] == list(index.look_up(Question(keys=[key])).by_key[key])


def test_nothing_is_asked_and_nothing_is_stored(index):
    index.keep([])
    found = index.look_up(Question())

    assert ({}, {}, {}, {}) == (found.by_key, found.seen, found.habits, found.by_message)


def _kept(count):
    return _kept_of(mails(1, count))


def _kept_of(made):
    class Remembering(MemoryIndex):
        def keep(self, mails):
            self.all = mails
            super().keep(mails)

    memory = Remembering()
    find([shown(mail) for mail in made], memory, HASHED)
    return list(memory.all)


@pytest.mark.parametrize("seed", [1, 2])
def test_the_engine_finds_the_same_in_both_whatever_the_batches(client, seed):
    client.hset(COUNTS, WHOLE, 1)
    stored, memory, random, answers = LikenessIndex(client), MemoryIndex(), Random(seed), []
    waiting = [shown(mail) for mail in mails(seed, 150)]
    expected = find(waiting, memory, HASHED)
    while waiting:
        size = random.randrange(1, 40)
        answers += find(waiting[:size], stored, HASHED)
        waiting = waiting[size:]

    assert expected == answers
    assert 50 < sum(one is not None and one.confidence > 0.9 for one in answers)


def test_what_is_found_is_stored_and_told_again(url, client):
    first, second = _likeness(url, client), _likeness(url, client)
    asked = {keyed_hash(b"k", "message", m.message_id): shown(m) for m in mails(3, 60)}

    told = first.evidence(asked)
    client.flushdb()

    assert told == second.evidence(asked)
    assert told
    assert {Kind.LIKENESS} == {one.kind for one in told.values()}
    assert all(0.5 <= float(one.value.split()[1]) < 1 for one in told.values())


def test_a_redis_that_loses_everything_in_mid_run_changes_nothing(url, client, monkeypatch):
    """Flushed before every third batch and in the middle of rebuilding, the index still finds what it would have."""
    monkeypatch.setattr(likeness_rebuild, "PIECE", 16)
    made = mails(4, 160)
    expected = find([shown(mail) for mail in made], MemoryIndex(), HASHED)
    likeness = _likeness(url, client)
    told: dict[UUID, Evidence] = {}
    for start in range(0, 160, 20):
        asked = {keyed_hash(b"k", "message", m.message_id): shown(m) for m in made[start : start + 20]}
        if start % 60 == 0:
            client.flushdb()
        while True:
            try:
                told |= likeness.evidence(asked)
                break
            except Retry:
                continue

    keys = [keyed_hash(b"k", "message", m.message_id) for m in made]
    assert [f and (f.target, f.value) for f in expected] == [
        (told[key].target, told[key].value) if key in told else None for key in keys
    ]


def test_while_another_replica_rebuilds_the_batch_is_offered_again(url, client):
    likeness = _likeness(url, client)
    client.set(likeness_rebuild.LOCK, 1)
    asked = {keyed_hash(b"k", "message", "a@x"): shown(mails(5, 1)[0])}

    with pytest.raises(IndexLost):
        likeness.evidence(asked)
    client.delete(likeness_rebuild.LOCK)
    assert {} == likeness.evidence(asked)


def test_a_replica_that_was_away_takes_the_lock_from_nobody(url, client, monkeypatch):
    """Its lock has expired in the middle of the rebuild, and another replica has taken it."""
    taken = LikenessIndex.whole

    def away(self):
        client.set(likeness_rebuild.LOCK, "another")
        return taken(self)

    monkeypatch.setattr(LikenessIndex, "whole", away)
    _likeness(url, client).evidence({keyed_hash(b"k", "message", "a@x"): shown(mails(5, 1)[0])})

    assert b"another" == client.get(likeness_rebuild.LOCK)


def test_a_replica_that_was_away_does_not_set_the_rebuild_back(url, client, monkeypatch):
    asked = {keyed_hash(b"k", "message", m.message_id): shown(m) for m in mails(7, 20)}
    _likeness(url, client).evidence(asked)
    client.flushdb()
    keep = LikenessIndex.keep

    def overtaken(self, kept):
        keep(self, kept)
        client.hset(COUNTS, likeness_rebuild.PROGRESS, 1_000)

    monkeypatch.setattr(LikenessIndex, "keep", overtaken)
    with pytest.raises(IndexLost):
        likeness_rebuild.rebuild(Database(url, "correlator"), client, LikenessIndex(client))

    assert [b"1000", None] == client.hmget(COUNTS, [likeness_rebuild.PROGRESS, WHOLE])


@pytest.mark.parametrize("lost", [COUNTS, COUNTS_BEFORE])
def test_counts_that_redis_alone_has_lost_are_noticed_and_counted_once(url, client, monkeypatch, lost):
    """Also after a generation has become the older one."""
    monkeypatch.setattr(likeness_index, "MOST_COUNTS", 8)
    likeness, index, made = _likeness(url, client), LikenessIndex(client), mails(8, 60)
    for start in range(0, 60, 10):
        likeness.evidence({keyed_hash(b"k", "message", m.message_id): shown(m) for m in made[start : start + 10]})
    monkeypatch.setattr(likeness_index, "MOST_COUNTS", 1_000)
    assert client.exists(COUNTS, COUNTS_BEFORE) == 2
    assert index.whole()

    client.delete(lost)
    assert not index.whole()
    with pytest.raises(IndexLost):
        index.look_up(Question())
    likeness.evidence({keyed_hash(b"k", "message", "new@x"): shown(mails(9, 1)[0])})

    people = [person for kept in _kept_of(made) for person in kept.entry.people]
    seen = index.look_up(Question(people=set(people))).seen
    new = _kept_of(mails(9, 1))[0].entry.people
    assert {one: people.count(one) + new.count(one) for one in set(people)} == seen


def test_what_is_counted_is_bounded_and_the_younger_half_stays(client, monkeypatch):
    monkeypatch.setattr(likeness_index, "MOST_COUNTS", 100)
    client.hset(COUNTS, WHOLE, 1)
    index, (one, *_) = LikenessIndex(client), _kept(1)
    for number in range(500):
        index.keep([replace(one, entry=replace(one.entry, people=(7, 1_000 + number)))])

    assert client.hlen(COUNTS) + client.hlen(COUNTS_BEFORE) <= 206
    assert index.whole()
    seen = index.look_up(Question(people=[7, 1_499, 1_000])).seen
    assert (1, 0) == (seen[1_499], seen[1_000])
    assert 97 <= seen[7] <= 200


@pytest.fixture
def full(client):
    """Valkey without room for anything more, while the block lasts."""
    before = client.config_get("maxmemory")["maxmemory"]

    def fill(*, full):
        client.config_set("maxmemory", 1 if full else before)

    yield fill
    fill(full=False)


@pytest.mark.parametrize("lost", [False, True])
def test_while_redis_has_no_room_mail_goes_on_without_likeness_and_it_is_told_once(url, client, full, lost):
    likeness, made = _likeness(url, client), mails(10, 60)

    def batch(start):
        return {keyed_hash(b"k", "message", m.message_id): shown(m) for m in made[start : start + 20]}

    likeness.evidence(batch(0))
    if lost:
        client.flushdb()
    full(full=True)
    for start in (20, 30):
        likeness.evidence(batch(start))
    full(full=False)
    likeness.evidence(batch(40))
    client.flushdb()

    assert ["cleared", "raised", "cleared"] == _told(url)
    rebuilt = LikenessIndex(client)
    likeness_rebuild.rebuild(Database(url, "correlator"), client, rebuilt)
    asked = Question(messages=[keyed_hash(b"k", "id", m.message_id) for m in made])
    assert len(made) == len(rebuilt.look_up(asked).by_message)


def test_what_is_too_old_for_the_index_is_forgotten_but_for_what_was_found(url, client):
    likeness, made, database = _likeness(url, client), mails(11, 60), Database(url, "correlator")
    asked = {keyed_hash(b"k", "message", m.message_id): shown(m) for m in made}
    told = likeness.evidence(asked)
    with database.transaction() as connection:
        connection.execute("UPDATE correlator.likeness SET stored = now() - interval '401 days' WHERE number <= 40")

    assert [40, 0] == [likeness_retention.forget(database) for _ in range(2)]

    with database.transaction() as connection:
        rows = connection.execute("SELECT message_key, number, kept <> '' FROM correlator.likeness").fetchall()
    old = {key for key, number, _ in rows if number <= 40}
    assert 0 < len(old) < 40
    assert old <= told.keys()
    assert {True} == {kept for _, number, kept in rows if number > 40}
    assert 20 == len(rows) - len(old)
    assert {False} == {kept for _, number, kept in rows if number <= 40}
    client.flushdb()
    again = {key: one for key, one in asked.items() if key in old}
    assert {key: told[key] for key in again} == likeness.evidence(again)


def _told(url):
    with Database(url, "correlator").transaction() as connection:
        rows = connection.execute("SELECT value FROM correlator.outbox WHERE topic = 'alert-signals' ORDER BY id")
        values = [decode(bytes(value))[1] for (value,) in rows]
    assert {("redis/likeness", "likeness_full")} == {(one["object"], one["code"]) for one in values}
    return [one["state"] for one in values]


def test_redis_that_is_away_is_a_retry(url):
    away = redis.Redis.from_url("redis://127.0.0.1:1/0")

    with pytest.raises(Retry):
        _likeness(url, away).evidence({keyed_hash(b"k", "message", "a@x"): shown(mails(6, 1)[0])})


def _likeness(url, client):
    return Likeness(Database(url, "correlator"), client, b"k")
