"""An index in memory, for dry runs and tests."""

from collections import Counter, defaultdict
from collections.abc import Sequence
from uuid import UUID

from services.domain.likeness.entries import Entry
from services.domain.likeness.index import MOST_PARTS, MOST_PER_KEY, Habit, Kept, Looked, Question
from services.domain.likeness.keys import Key


def most(key: Key) -> int:
    """Return how many mails are kept under a key."""
    return MOST_PARTS if key.kind == "p" else MOST_PER_KEY


class MemoryIndex:
    """See :class:`services.domain.likeness.index.Index`."""

    def __init__(self) -> None:
        self._postings: dict[Key, list[UUID]] = defaultdict(list)
        self._entries: dict[UUID, Entry] = {}
        self._seen: Counter[int] = Counter()
        self._habits: dict[int, Habit] = {}

    def look_up(self, question: Question) -> Looked:
        """Return what is stored."""
        entries = self._entries
        postings = {key: self._postings[key] for key in question.keys if key in self._postings}
        return Looked(
            {key: [entries[m] for m in dict.fromkeys(found) if m in entries] for key, found in postings.items()},
            {person: self._seen[person] for person in question.people},
            {stream: self._habits[stream] for stream in question.streams if stream in self._habits},
            {message: entries[message] for message in question.messages if message in entries},
        )

    def keep(self, mails: Sequence[Kept]) -> None:
        """Store mails."""
        for mail in mails:
            self._entries[mail.entry.message] = mail.entry
            self._seen.update(mail.entry.people)
            for key in mail.keys:
                found = self._postings[key]
                found.append(mail.entry.message)
                if len(found) > most(key):
                    del found[0]
            if mail.habit is not None:
                old = self._habits.get(mail.stream, Habit())
                self._habits[mail.stream] = Habit(old.marked + mail.habit, old.unmarked + (not mail.habit))
