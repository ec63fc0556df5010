"""When a router that has mailboxes to read is missed."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

ANY = ""
"""Stands for all routers together: mailboxes that name none are read by whichever comes."""
PATIENCE = timedelta(minutes=10)


@dataclass(frozen=True, slots=True, kw_only=True)
class Presence:
    """
    A router: when it was last ``heard``, since when it is ``needed``, None when never or not.

    ``silent`` is whether it was said to be missed.
    """

    router: str
    heard: datetime | None = None
    needed: datetime | None = None
    silent: bool = False


def look(known: Mapping[str, Presence], needed: Iterable[str], now: datetime) -> list[Presence]:
    """
    Return what has changed about each router, now that mailboxes need these.

    One is missed when it was not heard for ten minutes, of which none counts before it was needed. One that nobody
    needs is not missed.
    """
    wanted = set(needed)
    latest = max((p.heard for p in known.values() if p.heard is not None), default=None)
    found = []
    for router in sorted(known.keys() | wanted):
        before = known.get(router, Presence(router=router))
        heard = latest if router == ANY else before.heard
        since = (before.needed or now) if router in wanted else None
        missed = since is not None and now - max(since, heard or since) > PATIENCE
        after = replace(before, needed=since, silent=missed)
        if after != before:
            found.append(after)
    return found
