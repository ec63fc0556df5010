"""History and state, looked up the ways the judge asks for."""

from collections import Counter
from collections.abc import Mapping, Sequence
from functools import cached_property

from tests.faults.history import Append, Ended
from tests.faults.mails import Mail, Plan
from tests.faults.state import Decided, State


class Evidence:
    """Everything the judge knows, by mark, by delivery and by message."""

    def __init__(self, plan: Plan, history: Sequence[Append], state: State) -> None:
        self.plan = plan
        self.history = history
        self.state = state

    @cached_property
    def mails(self) -> Mapping[str, Mail]:
        return {one.mark: one for one in self.plan.mails}

    @cached_property
    def appended(self) -> frozenset[str]:
        """The marks of mails of which at least one copy is on the server for sure."""
        return frozenset(one.mark for one in self.history if one.ended == Ended.OK)

    @cached_property
    def current(self) -> Mapping[str, list[Decided]]:
        found: dict[str, list[Decided]] = {}
        for one in self.state.decisions:
            if one.current:
                found.setdefault(one.delivery, []).append(one)
        return found

    @cached_property
    def copies(self) -> Counter[tuple[str, str, str]]:
        """How many deliveries of a mail were taken from each folder."""
        return Counter((self.mark(one.sha256), one.place.mailbox, one.place.folder) for one in self.state.taken)

    @cached_property
    def possible(self) -> Counter[tuple[str, str, str]]:
        """How many copies of a mail may be in each folder: one for each append that did not fail."""
        return Counter((one.mark, one.mailbox, one.folder) for one in self.history if one.ended != Ended.FAIL)

    @cached_property
    def mark_of_message(self) -> Mapping[str, str]:
        return {one.message: self.mark(one.sha256) for one in self.state.stored}

    def mark(self, sha256: str) -> str:
        mail = self.plan.by_content.get(sha256)
        return mail.mark if mail else "an unknown mail"

    def expected(self, mark: str, mailbox: str, folder: str) -> str | None:
        """Return the rules' answer to the first copy of a mail in a folder; none for what should not be there."""
        mail = self.mails.get(mark)
        return mail.outcomes.get((mailbox, folder)) if mail else None
