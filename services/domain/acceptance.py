"""Whether a delivery is filed, and for whom: the five filter options (domain rules 2.1 and 2.2)."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum, StrEnum

from services.domain.directory import CUSTOMERS, USER, RecordRef


class FilterOption(IntEnum):
    """What a user or queue wants filed."""

    ALL = 0
    RESPONSES = 1
    CUSTOMERS = 2  # from leads, contacts and accounts
    RECORDS = 3  # from any record with an address
    NONE = 4


class Outcome(StrEnum):
    """What became of a delivery. Everything but ACCEPTED is a reason code (domain rule 2.5)."""

    ACCEPTED = "accepted"
    NO_RECIPIENT_MATCH = "NoRecipientMatch"
    NO_CORRELATION_MATCH = "NoCorrelationMatch"
    DUPLICATE = "Duplicate"
    INTERNAL_IGNORED = "InternalIgnored"
    TOO_LARGE = "TooLarge"
    CONTENT_GONE = "ContentGone"
    FORWARD_NOT_WRAPPED = "ForwardNotWrapped"
    FORWARD_OWNER_UNKNOWN = "ForwardOwnerUnknown"
    REPORT = "Report"  # it tells of another mail, and belongs to that one's activity


class Scope(StrEnum):
    """Whose filter is asked."""

    ALL_RECIPIENTS = "allRecipients"
    POLLING_MAILBOX = "pollingMailbox"


RESPONSES_ONLY = "takes only responses to tracked mail, and this is none"
CUSTOMERS_ONLY = "takes only mail of leads, contacts and accounts"
RECORDS_ONLY = "takes only mail of known records"
NOTHING = "takes no messages"
"""What a filter says that does not take a mail: these four, and nothing else."""

UNNAMED_RANK = 1_000_000
CC_RANK = 10_000  # above the parser's limit for one list


@dataclass(frozen=True, slots=True)
class Candidate:
    """
    A user or queue whose filter is asked.

    ``rank`` is its place: position in To, then in Cc, then :data:`UNNAMED_RANK` for the polled mailbox that the
    header does not name. Over all accepted deliveries of a message the least rank is the acceptor.
    ``alias``: the header names it by an address that only a person has confirmed.
    """

    ref: RecordRef
    option: FilterOption
    rank: int
    address: str
    alias: bool = False

    @property
    def named(self) -> bool:
        """Whether the header names it."""
        return self.rank < UNNAMED_RANK


@dataclass(frozen=True, slots=True)
class Answer:
    """What one filter said, for the explanation."""

    candidate: Candidate
    accepts: bool
    why: str


@dataclass(frozen=True, slots=True)
class Acceptance:
    """The outcome, the acceptor when there is one, and every answer that was heard."""

    outcome: Outcome
    acceptor: Candidate | None
    answers: tuple[Answer, ...]


def effective_option(
    ref: RecordRef, own: int | None, *, force_users: int, user_default: int, queue_default: int
) -> FilterOption:
    """Return the option in force: forced for all users (-1: not), else its own, else the default of its kind."""
    if ref.type == USER:
        if force_users >= 0:
            return FilterOption(force_users)
        return FilterOption(user_default if own is None else own)
    return FilterOption(queue_default if own is None else own)


def ask(candidate: Candidate, *, correlated: bool, counterparts: frozenset[str]) -> Answer:
    """
    Ask one filter. ``counterparts`` are the record types that the other side resolves to: the sender's for
    incoming mail, the recipients' for outgoing.
    """
    match candidate.option:
        case FilterOption.ALL:
            return Answer(candidate, True, "takes all messages")
        case FilterOption.RESPONSES if correlated:
            return Answer(candidate, True, "takes responses to tracked mail, and this is one")
        case FilterOption.RESPONSES:
            return Answer(candidate, False, RESPONSES_ONLY)
        case FilterOption.CUSTOMERS:
            met = sorted(counterparts & CUSTOMERS)
            if met:
                return Answer(candidate, True, f"takes mail of leads, contacts and accounts: {', '.join(met)}")
            return Answer(candidate, False, CUSTOMERS_ONLY)
        case FilterOption.RECORDS:
            if counterparts:
                return Answer(candidate, True, f"takes mail of known records: {', '.join(sorted(counterparts))}")
            return Answer(candidate, False, RECORDS_ONLY)
        case FilterOption.NONE:
            return Answer(candidate, False, NOTHING)


def accept(candidates: Sequence[Candidate], *, correlated: bool, counterparts: frozenset[str]) -> Acceptance:
    """
    Ask every candidate in the order of rank; the first that accepts is the acceptor.

    Nobody accepts: ``NoRecipientMatch`` when the header names no user or queue, else ``NoCorrelationMatch``
    (domain rules 2.2.3 and 2.2.4). The polled mailbox is asked even when the header does not name it, so
    that Bcc and distribution lists work for options 0 to 3.
    """
    ordered = sorted(candidates, key=lambda c: (c.rank, c.address, c.ref))
    answers = tuple(ask(c, correlated=correlated, counterparts=counterparts) for c in ordered)
    for answer in answers:
        if answer.accepts:
            return Acceptance(Outcome.ACCEPTED, answer.candidate, answers)
    if any(c.named for c in ordered):
        return Acceptance(Outcome.NO_CORRELATION_MATCH, None, answers)
    return Acceptance(Outcome.NO_RECIPIENT_MATCH, None, answers)
