"""Why a mail is not accepted for a user or queue."""

from collections.abc import Iterator, Mapping

from services.domain.acceptance import CUSTOMERS_ONLY, NOTHING, RECORDS_ONLY, RESPONSES_ONLY, Outcome, Scope
from services.domain.identity import Direction
from services.domain.internal import QUEUES_FILED, USERS_FILED, USERS_MAIL
from services.domain.why_not.evidence import answering
from services.domain.why_not.facts import Answer, Asked, Kept, Place, listed, named

BARRED: Mapping[Outcome, str] = {
    Outcome.DUPLICATE: "This copy would have had to be the first of its message in its folder; that one was decided.",
    Outcome.TOO_LARGE: "The mail would have had to be no larger than message.maxMb allows.",
    Outcome.CONTENT_GONE: "Its raw mail would have had to be stored still when it was decided again.",
    Outcome.FORWARD_NOT_WRAPPED: "The mail would have had to be forwarded to the forward mailbox as an attachment.",
    Outcome.FORWARD_OWNER_UNKNOWN: "The mail would have had to name somebody who receives by the forward mailbox.",
    Outcome.REPORT: "The mail would have had to be none that only reports what became of another.",
}
"""Outcomes before which nobody's filter is asked."""


def acceptor(kept: Kept, asked: Asked) -> Answer:
    """Return whether the mail is accepted for the record, or what would have had to be true for that."""
    who = named(asked.ref)
    if kept.filed is not None and kept.filed.acceptor == asked.ref:
        return Answer(Place.ACCEPTOR, True, (f"It is filed for {who}.",))
    if kept.acceptor == asked.ref:
        other = f"; the activity is {named(kept.filed.acceptor)}'s, whom another copy names first" if kept.filed else ""
        return Answer(Place.ACCEPTOR, True, (f"This copy is accepted for {who}{other}.",))
    return Answer(Place.ACCEPTOR, False, tuple(_lacking(kept, asked)))


def _lacking(kept: Kept, asked: Asked) -> Iterator[str]:
    who = named(asked.ref)
    if asked.active is None and not asked.mailboxes:
        yield f"The directory would have had to have {who}: it has no such record."
        return
    if asked.active is False:
        yield f"{who} would have had to be active: whoever is disabled is not asked."
    if kept.outcome in BARRED:
        yield BARRED[kept.outcome]
        return
    ref = f"{asked.ref.type}/{asked.ref.id}"
    heard = next((one for one in kept.looked if one.kind == "filter" and one.points_to == ref), None)
    if heard is None:
        yield _unasked(kept, asked)
    elif heard.why == RESPONSES_ONLY:
        yield f"The filter of {who} would have had to take more than responses (value 0), or the mail to be one."
        yield from answering(kept.looked, "tracked mail")
    elif heard.why in _REFUSED:
        yield _REFUSED[heard.why].format(who=who, others=_OTHERS[kept.direction])
    elif kept.acceptor is not None:
        yield (
            f"The filter of {who} took it as well, but {named(kept.acceptor)} was asked first: {who} would have had to"
            " stand before it in To and Cc, or its filter to refuse the mail."
        )


_OTHERS = {Direction.INCOMING: "the sender", Direction.OUTGOING: "a recipient"}
_REFUSED: Mapping[str, str] = {
    CUSTOMERS_ONLY: "The filter of {who} takes the mail of leads, contacts and accounts (value 2): {others} would have"
    " had to have an address that the directory gives to one.",
    RECORDS_ONLY: "The filter of {who} takes the mail of known records (value 3): {others} would have had to have an"
    " address that the directory gives to any record.",
    NOTHING: "The filter of {who} would have had to take anything: it takes no messages (value 4).",
    USERS_FILED: "The mail is a user's own and filed as outgoing: {who} would have been asked with"
    " internal.twoActivities on, or as a queue with internal.keepToQueues on.",
    USERS_MAIL: "The mail is a user's own: {who} would have been asked with internal.twoActivities or"
    " internal.detectOpposite on, or as a queue with internal.keepToQueues on.",
    QUEUES_FILED: "The mail is a queue's own and filed as outgoing: {who} would have been asked with"
    " internal.twoActivities on or internal.dropFromQueues off.",
}


def _unasked(kept: Kept, asked: Asked) -> str:
    who = named(asked.ref)
    own = f"it owns {listed(asked.mailboxes)}" if asked.mailboxes else "it owns none"
    lie = f"lie in a mailbox of {who}, and it lies in {kept.mailbox} ({own})"
    if kept.direction == Direction.OUTGOING:
        return f"Of sent mail only the owner of the mailbox is asked: it would have had to {lie}."
    if asked.scope == Scope.POLLING_MAILBOX:
        return (
            f"While filter.scope is pollingMailbox only the owner of the mailbox is asked: it would have had to {lie}."
        )
    if not asked.addresses:
        return f"{who} has no address in the directory that To or Cc could name: the mail would have had to {lie}."
    return (
        f"To or Cc would have had to name an address of {who} ({listed(asked.addresses)}), or the mail to {lie}; so it"
        " was not asked."
    )
