"""The alert of a server profile of which most mailboxes fail: raised once and cleared once, whichever replica looks."""

from collections.abc import Mapping
from datetime import datetime

from services.domain.alert_signals import of_profile
from services.domain.profile_failure import failing
from services.fetcher import mailbox_rows
from services.fetcher.deliveries import OWNER, Database
from services.runtime import signals

_LOCK = 0x6D77_3004


def note(database: Database, profiles: Mapping[str, str], at: datetime) -> None:
    """Compare with what was told before; ``profiles`` has the profile of each mailbox that may be read."""
    with database.transaction() as connection:
        connection.execute("SELECT pg_advisory_xact_lock(%s)", (_LOCK,))
        states = {mailbox: known.state for mailbox, known in mailbox_rows.all_known(connection).items()}
        before = frozenset(p for (p,) in connection.execute("SELECT profile FROM fetcher.failing_profile"))
        after = failing(profiles, states, before, at)
        if after == before:
            return
        connection.execute("DELETE FROM fetcher.failing_profile WHERE profile <> ALL(%s)", (list(after),))
        connection.execute(
            "INSERT INTO fetcher.failing_profile (profile, since) SELECT unnest(%s::text[]), %s ON CONFLICT DO NOTHING",
            (list(after), at),
        )
        said = [of_profile(profile, fails=profile in after, at=at) for profile in sorted(before ^ after)]
        signals.append(connection, OWNER, said)
