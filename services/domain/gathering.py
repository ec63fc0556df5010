"""All evidence of one copy of a message, of every kind. Each kind has a function that gathers it; this one asks all."""

from collections.abc import Callable
from uuid import UUID

from services.domain import aliases, thread_index
from services.domain.evidence import Gathered, gather, ordered
from services.domain.message import Message, MessageId


def gather_all(
    own: MessageId, message: Message, *, mailbox: str, folder_role: str, key: Callable[[str, str], UUID]
) -> Gathered:
    """
    Return everything that a message found in this mailbox points at, and its other names.

    ``key`` gives the keyed hash of a text by what it means ("id", "thread-index", "content").
    """
    ids = gather(own, message.in_reply_to, message.references, key=lambda mid: key("id", mid))
    more = (
        *thread_index.gather(message.thread_index, key=key),
        *aliases.gather(own, message, mailbox, folder_role, key=key),
    )
    return Gathered(ordered((*ids.evidence, *more)), ids.truncated) if more else ids
