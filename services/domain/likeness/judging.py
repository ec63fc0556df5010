"""Which conversation a mail belongs to: the best candidate by the rule table, and what speaks for the others."""

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from math import log

from services.domain.likeness.entries import Entry
from services.domain.likeness.marks import Mark
from services.domain.likeness.naming import MARK_OF, MINUTE, NOT, named
from services.domain.likeness.part_marks import series_marks
from services.domain.likeness.rules import TABLE, Rule
from services.domain.likeness.shingles import shared
from services.domain.likeness.stated_times import DAY
from services.domain.likeness.traits import Hash, Quoting, Traits, hashed_names

HIGH, STRONG, SOME = (0.5, 4), (0.3, 3), (0.15, 2)
"""How much of a quote, as a share and as hashes of the sample, makes it high, strong, some."""
_FEW = 3
_AS_MUCH = 0.8
_IN_COMMON = 0.25
_SHORT_SUBJECT = 3

Frequency = Callable[[int], int]
"""In how many mails a person has been seen."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A candidate conversation: its mail that most speaks for it, what speaks, the rule that holds, the confidence."""

    entry: Entry
    marks: Mark
    rule: Rule | None
    hits: int

    @property
    def confidence(self) -> float:
        """How sure the rule makes, 0 without one."""
        return self.rule.confidence if self.rule else 0.0


@dataclass(frozen=True, slots=True)
class _Seen:
    """One stored mail as the new one sees it: how exactly it is named, how much of the quote it has."""

    entry: Entry
    name: int
    looked: int
    hits: int


def judge(
    traits: Traits,
    quoting: Quoting,
    entries: Iterable[Entry],
    *,
    hashed: Hash,
    frequency: Frequency,
    unmarked: bool,
) -> list[Candidate]:
    """
    Return the candidate conversations, best first; the first one's rule decides.

    ``unmarked`` says that replies have no mark on this list. The answer depends on the arguments alone, entries in
    any order.
    """
    names = [(one, hashed_names(one, hashed)) for one in quoting.named]
    groups: dict[int, list[_Seen]] = defaultdict(list)
    for entry in entries:
        name = max((named(one, words, entry, traits.offset) for one, words in names), default=NOT)
        looked, hits = shared(quoting.quote, entry.sample) if quoting.quote else (0, 0)
        groups[entry.conversation].append(_Seen(entry, name, looked, hits))
    if not groups:
        return []
    common = _common_marks(traits, quoting, unmarked=unmarked)
    hits_of = {conversation: max(one.hits for one in group) for conversation, group in groups.items()}
    pointed = _pointed_at(traits, groups)
    subjects = {hashed(f"s {one.subject}") for one in quoting.named if one.subject}
    former = hashed(f"s {traits.key.was}") if traits.key.was else None
    found = []
    for conversation, group in groups.items():
        others = max((hits for one, hits in hits_of.items() if one != conversation), default=0)
        marks = common | _name_marks(group, twins=conversation in pointed and len(pointed) > 1, others=others)
        if pointed and conversation not in pointed:
            marks |= Mark.NAMED_ELSEWHERE
        marks |= _quote_marks(group, others) | _subject_marks(traits, group, subjects, former)
        marks |= _people_marks(traits, quoting, group, frequency) | _time_marks(traits, group)
        marks |= series_marks(traits, [one.entry for one in group])
        rule = next((r for r in TABLE if r.needs in marks and not r.forbids & marks), None)
        found.append(Candidate(_target(traits, group), marks, rule, hits_of[conversation]))
    return sorted(found, key=lambda c: (_rank(c.rule), -c.hits, -c.entry.second, c.entry.message))


def _rank(rule: Rule | None) -> int:
    return TABLE.index(rule) if rule else len(TABLE)


def _common_marks(traits: Traits, quoting: Quoting, *, unmarked: bool) -> Mark:
    marks = Mark(0)
    if traits.key.reply:
        marks |= Mark.REPLY_MARK
    if traits.key.forward:
        marks |= Mark.FORWARD_MARK
    if unmarked:
        marks |= Mark.UNMARKED_LIST
    if len(quoting.quote) >= _FEW:
        marks |= Mark.QUOTES
    if traits.key.text.count(" ") < _SHORT_SUBJECT - 1:
        marks |= Mark.SHORT_SUBJECT
    return marks


def _pointed_at(traits: Traits, groups: dict[int, list[_Seen]]) -> set[int]:
    """Return the conversations that are named by minute: those with the same subject, where there are any."""
    by_minute = {c: [s for s in group if s.name == MINUTE] for c, group in groups.items()}
    alike = {c for c, group in by_minute.items() if any(s.entry.subject == traits.subject for s in group)}
    return alike or {c for c, group in by_minute.items() if group}


def _name_marks(group: Sequence[_Seen], *, twins: bool, others: int) -> Mark:
    marks = MARK_OF[max(one.name for one in group)]
    if twins and others >= max(one.hits for one in group) * _AS_MUCH:
        marks |= Mark.TWIN
    return marks


def _quote_marks(group: Sequence[_Seen], others: int) -> Mark:
    marks = Mark(0)
    best = max(group, key=lambda one: one.hits)
    share = max(one.hits / one.looked if one.looked else 0.0 for one in group)
    for (least_share, least_hits), mark in (
        (HIGH, Mark.QUOTE_HIGH),
        (STRONG, Mark.QUOTE_STRONG),
        (SOME, Mark.QUOTE_SOME),
    ):
        if share >= least_share and best.hits >= least_hits:
            marks |= mark
    if not best.hits and max(one.looked for one in group) >= _FEW:
        marks |= Mark.QUOTE_FOREIGN
    if best.hits and others >= best.hits * _AS_MUCH:
        marks |= Mark.RIVAL
    return marks


def _subject_marks(traits: Traits, group: Sequence[_Seen], quoted: Collection[int], former: int | None) -> Mark:
    marks = Mark(0)
    subjects = {one.entry.subject for one in group}
    if traits.key.text and traits.subject in subjects:
        marks |= Mark.SAME_SUBJECT
    if former in subjects:
        marks |= Mark.FORMER_SUBJECT
    if not subjects.isdisjoint(quoted):
        marks |= Mark.QUOTED_SUBJECT
    return marks


def _people_marks(traits: Traits, quoting: Quoting, group: Sequence[_Seen], frequency: Frequency) -> Mark:
    marks = Mark(0)
    writers = {one.entry.people[0] for one in group}
    everybody = {person for one in group for person in one.entry.people}
    # List and staff addresses are in so many mails that they say nothing.
    if sum(1 / log(2 + frequency(one)) for one in everybody.intersection(traits.people)) >= _IN_COMMON:
        marks |= Mark.PEOPLE
    if writers == {traits.person}:
        marks |= Mark.SAME_SENDER
    if any(one in traits.recipients for one in writers - {traits.person}):
        marks |= Mark.ANSWERS_SENDER
    answered = [one.entry for one in group if one.entry.people[0] != traits.person]
    if any(traits.person in entry.people for entry in answered):
        marks |= Mark.WAS_RECIPIENT
    if any(one in quoting.greeting for entry in answered for one in entry.sender):
        marks |= Mark.GREETED
    if any(number in entry.numbers for number in traits.numbers for entry in (one.entry for one in group)):
        marks |= Mark.SAME_NUMBER
    return marks


def _time_marks(traits: Traits, group: Sequence[_Seen]) -> Mark:
    age = traits.minute - max(one.entry.minute for one in group)
    return (Mark.DAY if age <= DAY else Mark(0)) | (Mark.WEEK if age <= 7 * DAY else Mark(0))


def _target(traits: Traits, group: Sequence[_Seen]) -> Entry:
    """Return the mail of a conversation that is most likely the one answered; of a series, its root."""
    parts = [one.entry for one in group if one.entry.series and one.entry.series == traits.series]
    if parts:
        return min(parts, key=lambda one: (one.number, -one.second))
    return max(group, key=lambda one: (one.name, one.hits, one.entry.second)).entry
