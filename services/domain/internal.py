"""Mail between users and queues of ours: for whom its incoming copy is not filed (domain rule 5.1)."""

from collections.abc import Iterable, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass

from services.domain.acceptance import Candidate
from services.domain.directory import QUEUE, USER

USERS_FILED = "it is a user's mail, and filed as outgoing already"
USERS_MAIL = "it is a user's mail, and the incoming copy of such mail is not filed"
QUEUES_FILED = "it is a queue's mail, and filed as outgoing already"


@dataclass(frozen=True, slots=True, kw_only=True)
class InternalMail:
    """The switches; each of the others acts only where one activity is made of a mail, not two."""

    two_activities: bool = True
    detect_opposite: bool = True
    keep_to_queues: bool = True
    drop_from_queues: bool = False


def left_out(
    candidates: Iterable[Candidate], switches: InternalMail, *, senders: AbstractSet[str], opposite: bool
) -> Mapping[Candidate, str]:
    """
    Return the candidates whose filter is not asked, as the mail is internal, and why.

    ``senders`` are the types of the users and queues behind the sender's address, ``opposite`` says whether the same
    message is filed as outgoing. Where the address is a user's and a queue's, either rule leaves a candidate out.
    """
    if switches.two_activities:
        return {}
    return {one: why for one in candidates if (why := _why(one.ref.type, switches, senders, opposite=opposite))}


def _why(recipient: str, switches: InternalMail, senders: AbstractSet[str], *, opposite: bool) -> str:
    to_queue = recipient == QUEUE and switches.keep_to_queues
    if USER in senders and not to_queue:
        if opposite:
            return USERS_FILED
        if not switches.detect_opposite:
            return USERS_MAIL
    if QUEUE in senders and switches.drop_from_queues and opposite:
        return QUEUES_FILED
    return ""
