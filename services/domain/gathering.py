"""All evidence of one copy of a message, of every kind. Each kind has a function that gathers it; this one asks all."""

from collections.abc import Callable, Iterable
from uuid import UUID

from services.domain import aliases, thread_index, token_evidence
from services.domain.evidence import Evidence, Gathered, Kind, gather, ordered
from services.domain.message import Message, MessageId


def gather_all(
    own: MessageId,
    message: Message,
    *,
    mailbox: str,
    folder_role: str,
    key: Callable[[str, str], UUID],
    own_tokens: Iterable[Evidence] = (),
) -> Gathered:
    """
    Return everything that a message found in this mailbox points at, and its other names.

    ``key`` gives the keyed hash of a text by what it means ("id", "thread-index", "content", "token"); ``own_tokens``
    are what only who has the token keys can verify.
    """
    ids = gather(own, message.in_reply_to, message.references, key=lambda mid: key("id", mid))
    more = (
        *thread_index.gather(message.thread_index, key=key),
        *aliases.gather(own, message, mailbox, folder_role, key=key),
        *token_evidence.of_subject(message.subject, key=key),
        *own_tokens,
        *_reported(message, key),
    )
    return Gathered(ordered((*ids.evidence, *more)), ids.truncated) if more else ids


def _reported(message: Message, key: Callable[[str, str], UUID]) -> Iterable[Evidence]:
    about = message.report.about if message.report is not None else ()
    return [Evidence(Kind.REPORT, place, key("id", one), one) for place, one in enumerate(about)]
