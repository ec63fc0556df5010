"""What `mailweave unresolved list` prints, and that it stays right whatever becomes of the parties."""

from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

import pytest
from psycopg.types.json import Jsonb

from tests.component.cli import rows

pytestmark = pytest.mark.component

KIM = [{"type": "contact", "id": "kim"}]


@pytest.fixture
def party(insert):
    """Put a party into an activity: ``party(activity, "kim@x.example", records)``."""

    def put(
        activity: UUID, address: str, records: Sequence[object] = (), *, role: str = "from", position: int = 0
    ) -> None:
        insert(
            "resolver.party", activity_id=activity, role=role, position=position, address=address, name="",
            records=Jsonb(list(records)),
        )  # fmt: skip

    return put


def mails(desk, insert, *minutes: int | None) -> list[UUID]:
    return [
        rows.whole_mail(
            desk, insert, f"m{n}@x", uid=n, subject=f"Mail {n}",
            sent_at=None if minute is None else rows.SENT + timedelta(minutes=minute),
        )
        for n, minute in enumerate(minutes, 1)
    ]  # fmt: skip


def listed(desk, *arguments: str) -> list[tuple[str, int, str | None]]:
    found = desk.json("unresolved", "list", *arguments)
    return [(one["address"], one["activities"], one["latest"] and one["latest"][11:16]) for one in found]


def test_addresses_of_the_newest_mail_come_first_with_how_many_activities_they_have(desk, insert, party):
    """Twice in one activity counts once; a known party and one without an address are not listed."""
    one, two, three, undated = mails(desk, insert, 1, 2, 3, None)
    party(one, "lee@x.example")
    party(two, "mia@x.example")
    party(three, "lee@x.example")
    party(three, "lee@x.example", role="to")
    party(three, "", role="to", position=1)
    party(three, "kim@x.example", KIM, role="to", position=2)
    party(undated, "old@x.example")

    assert [("lee@x.example", 2, "12:33"), ("mia@x.example", 1, "12:32"), ("old@x.example", 1, None)] == listed(desk)
    assert str(three) == desk.json("unresolved", "list")[0]["latest_activity_id"]
    assert [("lee@x.example", 2, "12:33")] == listed(desk, "--limit", "1")
    assert "There may be more" in desk.run("unresolved", "list", "--limit", "1").stdout
    words = desk.run("unresolved", "list").stdout
    assert ["address", "activities", "latest", "mail"] == words.splitlines()[0].split()
    assert "old@x.example  1           no date" in words
    assert words.endswith("3 unresolved addresses.\n")


def test_the_activities_of_an_address_are_listed_the_newest_first(desk, insert, party):
    """However the address is written."""
    one, two = mails(desk, insert, 1, 2)
    party(one, "lee@x.example")
    party(two, "lee@x.example", role="to")

    found = desk.json("unresolved", "list", "--address", " Lee@X.example ")

    assert [(str(two), "Mail 2"), (str(one), "Mail 1")] == [(f["activity_id"], f["subject"]) for f in found]
    words = desk.run("unresolved", "list", "--address", "lee@x.example").stdout.splitlines()
    assert [f"{two}  2026-03-01 12:32  incoming  Mail 2", "Unresolved in 2 activities."] == [words[0], words[-1]]


def test_what_is_no_address_is_refused(desk):
    refused = desk.run("unresolved", "list", "--address", "kim")

    assert (2, True) == (refused.exit_code, "is no address" in refused.stderr)


def test_where_one_address_floods_the_newest_mail_it_says_that_there_may_be_more(desk, insert, party):
    """A hundred activities are looked through for each address asked for; up to a thousand are counted."""
    (one,) = mails(desk, insert, 1)
    party(one, "lee@x.example")
    desk.owner.execute(
        "INSERT INTO resolver.taking_part SELECT '', 'flood@x.example', now(), gen_random_uuid()"
        " FROM generate_series(1, 1100)"
    )

    (flood,) = desk.json("unresolved", "list", "--limit", "11")
    words = desk.run("unresolved", "list", "--limit", "11").stdout

    assert ("flood@x.example", 1_000, True) == (flood["address"], flood["activities"], flood["more"])
    assert ["over", "1,000"] == words.splitlines()[1].split()[1:3]
    assert words.endswith("There may be more, of older mail: see --limit.\n")
    assert ["flood@x.example", "lee@x.example"] == [a for a, _, _ in listed(desk, "--limit", "12")]


def test_it_follows_the_parties_however_they_change(desk, insert, party):
    """Resolved, unresolved again, one of two parties gone, all gone: at each time what the parties say."""
    one, two = mails(desk, insert, 1, 2)
    party(one, "lee@x.example")
    party(two, "lee@x.example")
    party(two, "lee@x.example", role="to")

    def agreed() -> int:
        """Compare with what follows from the parties themselves; return how many addresses are listed."""
        owed = desk.owner.execute(
            "SELECT w.type, w.id, coalesce(a.sent_at, '-infinity')::text, a.id FROM resolver.party p"
            " JOIN resolver.activity a ON a.id = p.activity_id, resolver.who(p.address, p.records) w"
        )
        kept = desk.owner.execute("SELECT type, id, sent_at::text, activity_id FROM resolver.taking_part").fetchall()
        assert sorted(set(owed)) == sorted(kept)
        return len(listed(desk))

    counts = [agreed()]
    for change in (
        f'UPDATE resolver.party SET records = \'[{{"type": "contact", "id": "kim"}}]\' WHERE activity_id = \'{two}\'',
        'UPDATE resolver.party SET records = \'[{"type": "contact", "id": "kim"}]\'',
        "UPDATE resolver.party SET records = '[]'",
        f"DELETE FROM resolver.party WHERE activity_id = '{two}' AND role = 'to'",
        "UPDATE resolver.party SET name = 'Lee'",
        "DELETE FROM resolver.party",
    ):
        desk.owner.execute(change.encode())
        counts.append(agreed())

    assert [1, 1, 0, 1, 1, 1, 0] == counts
