"""What a kind of mail may do: nobody is asked, told or led to another matter by what a program has sent."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from services.domain.correlation import Correlation, Effect
from services.domain.kinds.rules import MailKind


@dataclass(frozen=True, slots=True, kw_only=True)
class Permits:
    """
    What mail of a kind may do beside being filed and linked.

    ``asks``: a decision about it may open a review. ``branches``: another subject makes it another matter.
    ``alerts``: a doubt about its sender or its token raises an alert.
    """

    asks: bool
    branches: bool
    alerts: bool


_ALL = Permits(asks=True, branches=True, alerts=True)
_NOTHING = Permits(asks=False, branches=False, alerts=False)

PERMITS: Mapping[MailKind, Permits] = {
    MailKind.ORDINARY: _ALL,
    MailKind.BOUNCE: _NOTHING,
    MailKind.RECEIPT: _NOTHING,
    MailKind.FEEDBACK: _NOTHING,
    MailKind.AUTO_REPLY: _NOTHING,
    MailKind.SPAM: _NOTHING,
    MailKind.INVITATION: _ALL,
    MailKind.LIST: Permits(asks=True, branches=True, alerts=False),
    MailKind.AUTOMATIC: _NOTHING,
}
REPORTS = frozenset({MailKind.BOUNCE, MailKind.RECEIPT, MailKind.FEEDBACK})
"""The kinds that tell of another mail: they belong to its activity and make none of their own."""


def permitted(correlation: Correlation, kind: MailKind) -> Correlation:
    """Return the correlation without what mail of this kind may not do."""
    permits = PERMITS[kind]
    reviews = correlation.reviews if permits.asks else ()
    if permits.branches or correlation.effect != Effect.BRANCHES:
        return replace(correlation, reviews=reviews) if reviews != correlation.reviews else correlation
    looked = tuple(one for one in correlation.looked if one.kind != "subject")
    return replace(correlation, reviews=reviews, effect=Effect.JOINS, looked=looked)
