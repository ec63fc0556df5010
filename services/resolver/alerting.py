"""What decisions tell people about: tokens and senders that are not believed."""

from collections.abc import Iterable
from datetime import datetime

from services.domain.alert_signals import of_token
from services.domain.alerts import Signal
from services.domain.evidence import Kind
from services.domain.judging import UNSHARED
from services.domain.kinds.effects import PERMITS
from services.resolver.changes import DecisionRow


def doubts(decisions: Iterable[DecisionRow], *, at: datetime) -> list[Signal]:
    """Return a signal for each mailbox and kind of doubt: of several decisions of a batch it names the last."""
    last = {
        (one.current.receiving or one.delivered.mailbox, code): one.delivered.delivery_id
        for one in decisions
        if (code := _code(one))
    }
    return [of_token(mailbox, code, detail=f"delivery {id_}", at=at) for (mailbox, code), id_ in last.items()]


def _code(one: DecisionRow) -> str:
    if not PERMITS[one.kind].alerts:
        return ""
    if one.correlation.target is not None and not one.correlation.verified:
        return "sender_unverified"
    guessed = any(x.kind == Kind.TRACKING_TOKEN and x.why == UNSHARED for x in one.looked)
    return "token_unshared" if guessed and one.correlation.target is None else ""
