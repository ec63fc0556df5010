"""When a server profile itself is likely to be what is wrong: most of its mailboxes fail (domain rule 1.4)."""

from collections import Counter
from collections.abc import Mapping
from datetime import datetime, timedelta

from services.domain.mailbox_state import Phase, State

WITHIN = timedelta(hours=1)
FEWEST = 2
FAILING = frozenset({Phase.BACKING_OFF, Phase.DISABLED})


def failing(
    profiles: Mapping[str, str], states: Mapping[str, State], before: frozenset[str], now: datetime
) -> frozenset[str]:
    """
    Return the profiles of which more than half of the mailboxes fail; ``profiles`` has the profile of each mailbox.

    It begins when more than half have come to fail within one hour, at least two, since the alert of one mailbox tells
    all of one; it lasts until no more than half of them fail.
    """
    of, failed, lately = Counter(profiles.values()), Counter[str](), Counter[str]()
    for mailbox, profile in profiles.items():
        state = states.get(mailbox)
        if state is not None and state.phase in FAILING:
            failed[profile] += 1
            lately[profile] += now - state.since <= WITHIN
    return frozenset(
        profile
        for profile, mailboxes in of.items()
        if (failed if profile in before else lately)[profile] * 2 > mailboxes and failed[profile] >= FEWEST
    )
