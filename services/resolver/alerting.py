"""What decisions tell people about: tokens and senders that are not believed."""

from collections.abc import Iterable
from datetime import datetime

from services.domain.alert_signals import of_token
from services.domain.alerts import Signal
from services.domain.evidence import Kind
from services.domain.judging import UNSHARED
from services.resolver.filing import DecisionRow


def doubts(decisions: Iterable[DecisionRow], *, at: datetime) -> list[Signal]:
    """Return a signal for each decision that doubts a token or a sender."""
    return [
        of_token(
            one.current.receiving or one.delivered.mailbox, code, detail=f"delivery {one.delivered.delivery_id}", at=at
        )
        for one in decisions
        if (code := _code(one))
    ]


def _code(one: DecisionRow) -> str:
    if one.correlation.target is not None and not one.correlation.verified:
        return "sender_unverified"
    guessed = any(x.kind == Kind.TRACKING_TOKEN and x.why == UNSHARED for x in one.looked)
    return "token_unshared" if guessed and one.correlation.target is None else ""
