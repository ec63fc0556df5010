"""The alert of a server profile on a real store: once when most of its mailboxes fail, once when that is over."""

from datetime import UTC, datetime, timedelta
from uuid import uuid4

import psycopg
import pytest

from services.contracts import decode
from services.fetcher import profile_alerts

pytestmark = pytest.mark.component

NOW = datetime(2026, 11, 28, tzinfo=UTC)


def test_a_profile_is_told_of_once_and_cleared_once(outside):
    profile = f"p{uuid4().hex[:8]}"
    boxes = [f"{n}-{outside.mailbox}" for n in range(3)]

    def stand(mailbox, phase):
        with psycopg.connect(outside.url, options="-c role=mailweave_fetcher") as connection:
            connection.execute("INSERT INTO fetcher.mailbox (mailbox) VALUES (%s) ON CONFLICT DO NOTHING", (mailbox,))
            connection.execute(
                "INSERT INTO fetcher.mailbox_state (mailbox, direction, phase, cause, since, settings_version)"
                " VALUES (%s, 'incoming', %s, 'x', %s, 1) ON CONFLICT (mailbox, direction)"
                " DO UPDATE SET phase = excluded.phase",
                (mailbox, phase, NOW),
            )

    def told():
        profile_alerts.note(outside.ports.database, dict.fromkeys(boxes, profile), NOW + timedelta(minutes=1))
        rows = outside.rows("SELECT value FROM fetcher.outbox WHERE topic = 'alert-signals' ORDER BY id")
        found = [decode(value)[1] for (value,) in rows]
        return [s["state"] for s in found if s["object"] == f"server-profile/{profile}"]

    for box, phase in zip(boxes, ("enabled", "enabled", "disabled"), strict=True):
        stand(box, phase)
    assert [] == told()

    stand(boxes[0], "backing_off")
    assert ["raised"] == told()
    assert ["raised"] == told()

    stand(boxes[0], "enabled")
    assert ["raised", "cleared"] == told()
