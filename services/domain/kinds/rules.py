"""Which kind a mail is: one rule table, of which the first line that hits decides."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from services.domain.kinds import clues
from services.domain.message import Message


class MailKind(StrEnum):
    """The kinds of mail that are told apart, because they have effects of their own."""

    ORDINARY = "ordinary"
    BOUNCE = "bounce"
    RECEIPT = "receipt"  # read, or delivered
    FEEDBACK = "feedback"  # a complaint of a recipient
    AUTO_REPLY = "auto-reply"
    SPAM = "spam"  # as the server that received it has marked it
    INVITATION = "invitation"  # to a meeting; also its answer and its withdrawal
    LIST = "list"
    AUTOMATIC = "automatic"  # made by a program, and none of the others


@dataclass(frozen=True, slots=True)
class Classified:
    """The kind of a mail, and what made it that; ordinary mail needs no reason."""

    kind: MailKind
    why: str


RULES: Sequence[tuple[MailKind, Callable[[Message, clues.Headers], str]]] = (
    (MailKind.FEEDBACK, clues.feedback),
    (MailKind.RECEIPT, clues.receipt),
    (MailKind.BOUNCE, clues.bounce),  # before replies: many servers call their bounces "auto-replied"
    (MailKind.AUTO_REPLY, clues.auto_reply),
    (MailKind.SPAM, clues.spam),
    (MailKind.INVITATION, clues.invitation),
    (MailKind.LIST, clues.mailing_list),
    (MailKind.AUTOMATIC, clues.automatic),
)


def classify(message: Message) -> Classified:
    """
    Return the kind of a mail.

    Pure. It believes what the mail says of itself, which anybody may write: a kind only ever limits what a mail may
    do, and trusts it with nothing. Linear: of subject and text a bounded piece is looked at.
    """
    headers: dict[str, str] = {}
    for name, value in message.headers:
        headers.setdefault(name, value)
    for kind, clue in RULES:
        why = clue(message, headers)
        if why:
            return Classified(kind, why)
    return Classified(MailKind.ORDINARY, "")
