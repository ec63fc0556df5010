"""
A mail of a fault run and what must come of it, by rules that are written down here once more.

The rules are simpler than the product's, because these mails ask for little: queues take everything, users take what
answers a tracked mail (the defaults), and a message is tracked when one of its deliveries was accepted.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from tests.faults.rendering import Form, render

INBOX, SENT, MISSING = "INBOX", "Sent", "Nowhere"
USERS = tuple(f"{name}@own.example" for name in ("anna", "ben"))
QUEUES = tuple(f"{name}@own.example" for name in ("support", "sales"))
MAILBOXES = (*USERS, *QUEUES)
INCOMING, OUTGOING = "incoming", "outgoing"
ACCEPTED, DUPLICATE = "accepted", "Duplicate"


@dataclass(frozen=True)
class Mail:
    """A mail under a mark of its own. ``answers`` are marks of earlier mails, the nearest last."""

    mark: str
    form: Form
    sender: str
    to: tuple[str, ...]
    cc: tuple[str, ...] = ()
    answers: tuple["Mail", ...] = ()
    places: tuple[tuple[str, str], ...] = ()

    @property
    def refused(self) -> bool:
        """Whether the server refuses it, so that nothing of it may ever be seen."""
        return any(folder == MISSING for _, folder in self.places)

    @property
    def message_id(self) -> str | None:
        return None if self.form == Form.NO_ID else f"{self.mark}@faults.example"

    @property
    def raw(self) -> bytes:
        """The bytes on the wire; made anew each time, because there are many mails."""
        ids = [one.message_id for one in self.answers if one.message_id]
        return render(self.mark, self.form, self.message_id, sender=self.sender, to=self.to, cc=self.cc, ids=ids)

    @cached_property
    def sha256(self) -> str:
        return hashlib.sha256(self.raw).hexdigest()

    @cached_property
    def tracked(self) -> bool:
        return not self.refused and any(outcome == ACCEPTED for outcome in self.outcomes.values())

    @cached_property
    def outcomes(self) -> Mapping[tuple[str, str], str]:
        """What becomes of the first copy in each place; every other copy there is a duplicate."""
        return {place: self._outcome(*place) for place in dict.fromkeys(self.places)}

    @property
    def directions(self) -> frozenset[str]:
        """Which ways its activities go: one each."""
        return frozenset(
            OUTGOING if folder == SENT else INCOMING
            for (_, folder), outcome in self.outcomes.items()
            if outcome == ACCEPTED and not self.refused
        )

    def queues(self, direction: str) -> frozenset[str]:
        """
        Return the queues that are to work on its activity of this direction: those that an incoming mail names.

        A queue's mailbox is read only for mail that names it, so there are no others.
        """
        named = {one.partition("@")[0] for one in (*self.to, *self.cc) if one in QUEUES}
        return frozenset(named if direction == INCOMING else ())

    @property
    def parties(self) -> tuple[tuple[str, str], ...]:
        return (("from", self.sender), *(("to", one) for one in self.to), *(("cc", one) for one in self.cc))

    def _outcome(self, mailbox: str, folder: str) -> str:
        named = [] if folder == SENT else [one for one in (*self.to, *self.cc) if one in MAILBOXES]
        asked = {*named, mailbox}
        answers_tracked = any(one.tracked and one.message_id for one in self.answers)
        if asked & set(QUEUES) or answers_tracked:
            return ACCEPTED
        return "NoCorrelationMatch" if named or folder == SENT else "NoRecipientMatch"


@dataclass(frozen=True)
class Plan:
    """All mails, and the order in which they are appended: each mail once for each of its places."""

    seed: int
    mails: Sequence[Mail]
    appends: Sequence[tuple[Mail, str, str]]

    @cached_property
    def by_content(self) -> Mapping[str, Mail]:
        return {one.sha256: one for one in self.mails}

    def threads(self) -> Mapping[str, str]:
        """Return for each mark that of its thread: what names the same ids, stored or not, belongs together."""
        above: dict[str, str] = {}

        def top(mark: str) -> str:
            while above.setdefault(mark, mark) != mark:
                above[mark] = above[above[mark]]
                mark = above[mark]
            return mark

        for mail in self.mails:
            for other in mail.answers:
                if other.message_id:
                    above[top(mail.mark)] = top(other.mark)
        return {mail.mark: top(mail.mark) for mail in self.mails}
