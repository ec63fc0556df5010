"""Finds for each mail of a batch the conversation it belongs to, in order, each seeing those before it."""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from services.domain.likeness.entries import Entry
from services.domain.likeness.index import Habit, Index, Kept, Looked, Question
from services.domain.likeness.judging import Candidate, judge
from services.domain.likeness.keys import Key, kept_under, sought_under
from services.domain.likeness.marks import Mark
from services.domain.likeness.rules import CERTAIN, LINK, SUGGEST
from services.domain.likeness.traits import NOTHING_QUOTED, Hash, Quoting, Traits, quoting, sample_of, traits
from services.domain.message import Message

_ENOUGH_REPLIES = 5
_MOST_MARKED = 0.1
MOST_LOSERS = 3
MOST_ANSWERS = 20
"""How many of the ids that a mail answers are looked at."""


@dataclass(frozen=True, slots=True)
class Shown:
    """
    A mail to be stored, and found a conversation for unless ids have decided.

    ``message`` is the keyed hash of its canonical id. ``thread`` labels its conversation as far as ids tell;
    ``answers`` are the mails that ids say it answers, nearest first: if one of them is stored, nothing is sought.
    """

    message: UUID
    mail: Message
    received: datetime
    thread: int
    answers: tuple[UUID, ...]


@dataclass(frozen=True, slots=True)
class Found:
    """The conversation a mail seems to belong to: ``target`` is the mail of it that it most likely answers."""

    target: UUID
    rule: str
    confidence: float
    losers: tuple[Candidate, ...]

    @property
    def value(self) -> str:
        """The rule and the confidence, as evidence carries them."""
        return f"{self.rule} {self.confidence:g}"


@dataclass(frozen=True, slots=True)
class _Asked:
    shown: Shown
    traits: Traits
    quoting: Quoting
    sought: tuple[Key, ...]


def find(mails: Sequence[Shown], index: Index, hashed: Hash) -> list[Found | None]:
    """
    Return what is found for each mail, None for those that ids decided or that belong to nothing stored; store all.

    Two mails of a batch see each other as if each had been stored before the next one came. At most two questions to
    the index and one order to store, whatever the number of mails.
    """
    named = {message for shown in mails for message in shown.answers[:MOST_ANSWERS]}
    stored = index.look_up(Question(messages=named)).by_message if named else {}
    known, asked = set(stored), []
    for shown in mails:
        asked.append(_ask(shown, hashed, decided=not known.isdisjoint(shown.answers[:MOST_ANSWERS])))
        known.add(shown.message)
    looked = index.look_up(
        Question(
            keys={key for one in asked for key in one.sought},
            people={person for one in asked if one.sought for person in one.traits.people},
            streams={one.traits.stream for one in asked if one.sought},
        )
    )
    batch = _Batch(looked, stored, hashed)
    found = [batch.take(one) for one in asked]
    index.keep(batch.kept)
    return found


def _ask(shown: Shown, hashed: Hash, *, decided: bool) -> _Asked:
    cheap = traits(shown.mail, shown.received, hashed)
    if decided:
        return _Asked(shown, cheap, NOTHING_QUOTED, ())
    said = quoting(cheap.key, shown.mail.body_text, hashed)
    return _Asked(shown, cheap, said, sought_under(cheap, said, hashed))


class _Batch:
    """What is stored, together with the mails of the batch that were taken before."""

    def __init__(self, looked: Looked, by_message: Mapping[UUID, Entry], hashed: Hash) -> None:
        self._looked = looked
        self._hashed = hashed
        self._by_key: dict[Key, list[Entry]] = defaultdict(list)
        self._by_message: dict[UUID, Entry] = dict(by_message)
        self._seen: Counter[int] = Counter(looked.seen)
        self._habits = dict(looked.habits)
        self.kept: list[Kept] = []

    def take(self, asked: _Asked) -> Found | None:
        candidates = self._judged(asked) if asked.sought else []
        best = candidates[0] if candidates and candidates[0].confidence >= SUGGEST else None
        self._store(asked, best)
        if best is None or best.rule is None:
            return None
        losers = tuple(candidates[1 : MOST_LOSERS + 1])
        return Found(best.entry.message, best.rule.name, best.confidence, losers)

    def _judged(self, asked: _Asked) -> list[Candidate]:
        entries: dict[UUID, Entry] = {}
        for key in asked.sought:
            for entry in (*self._looked.by_key.get(key, ()), *self._by_key.get(key, ())):
                entries[entry.message] = entry
        entries.pop(asked.shown.message, None)
        habit = self._habits.get(asked.traits.stream, Habit())
        known = habit.marked + habit.unmarked
        unmarked = habit.unmarked >= _ENOUGH_REPLIES and habit.marked <= _MOST_MARKED * known
        return judge(
            asked.traits,
            asked.quoting,
            entries.values(),
            hashed=self._hashed,
            frequency=self._seen.__getitem__,
            unmarked=unmarked,
        )

    def _store(self, asked: _Asked, best: Candidate | None) -> None:
        one, cheap = asked.shown, asked.traits
        certain = best is not None and best.confidence >= CERTAIN and Mark.SAME_SUBJECT in best.marks
        entry = Entry(
            message=one.message,
            conversation=self._conversation(one, best),
            second=cheap.second,
            offset=cheap.offset or 0,
            subject=cheap.subject,
            sender=cheap.sender,
            people=cheap.people,
            numbers=cheap.numbers,
            series=cheap.series,
            number=cheap.part.number if cheap.part else -1,
            sample=sample_of(one.mail.body_text),
        )
        kept = Kept(entry, kept_under(cheap), cheap.stream, cheap.key.reply if certain else None)
        self.kept.append(kept)
        self._by_message[entry.message] = entry
        self._seen.update(entry.people)
        for key in kept.keys:
            self._by_key[key].append(entry)
        if kept.habit is not None:
            old = self._habits.get(kept.stream, Habit())
            self._habits[kept.stream] = Habit(old.marked + kept.habit, old.unmarked + (not kept.habit))

    def _conversation(self, shown: Shown, best: Candidate | None) -> int:
        """A mail joins a conversation only where it would be linked: one wrong early link draws others."""
        for answer in shown.answers:
            if answer in self._by_message:
                return self._by_message[answer].conversation
        return best.entry.conversation if best is not None and best.confidence >= LINK else shown.thread
