"""What `mailweave activities` prints."""

from datetime import timedelta

import pytest
from psycopg.types.json import Jsonb

from tests.component.cli import rows

pytestmark = pytest.mark.component


def test_an_activity_has_the_fields_that_tools_rely_on(desk, insert):
    """The names and forms of the JSON are a promise."""
    first = rows.whole_mail(desk, insert, "a@x")
    second = rows.whole_mail(
        desk, insert, "b@x", uid=2, subject="Re: Hello", sent_at=rows.SENT + timedelta(hours=1), method="InReplyTo",
        correlated=first, parent=first, owner_type="user", owner_id="u1",
    )  # fmt: skip
    rows.hangs_off(desk, insert, second, "account/acme", "account/b")
    for role, position, address in (("to", 1, "c@x"), ("from", 0, "a@x"), ("to", 0, "b@x"), ("owner", 0, "o@x")):
        records = Jsonb([{"type": "contact", "id": "c1"}] if role == "from" else [])
        insert(
            "resolver.party",
            activity_id=second,
            role=role,
            position=position,
            address=address,
            name="N",
            records=records,
        )
    insert(
        "resolver.attachment", activity_id=second, path="2", name="f.pdf", type="application/pdf", size=9,
        sha256=b"\xab" * 32, content_id="", inline=False,
    )  # fmt: skip

    before, after = desk.json("activities")
    since = "2026-03-01T12:30:00.000000Z"

    assert str(first) == before["id"]
    marks = {"subject_changed": False, "branch": False, "verified": True}
    assert {"method": "None", "activity_id": None, "message_id": None, **marks} == before["correlation"]
    assert (None, None, None, [], []) == tuple(
        before[name] for name in ("parent_activity_id", "regarding", "owner", "parties", "attachments")
    )
    assert {
        "id": str(second),
        "direction": "incoming",
        "message_id": "b@x",
        "thread_id": "1",
        "parent_activity_id": str(first),
        "correlation": {"method": "InReplyTo", "activity_id": str(first), "message_id": "a@x", **marks},
        "subject": "Re: Hello",
        "sent_at": "2026-03-01T13:30:00Z",
        "parties": [
            {"role": "from", "address": "a@x", "name": "N", "records": [{"type": "contact", "id": "c1"}]},
            {"role": "to", "address": "b@x", "name": "N", "records": []},
            {"role": "to", "address": "c@x", "name": "N", "records": []},
            {"role": "owner", "address": "o@x", "name": "N", "records": []},
        ],
        "regarding": {"type": "account", "id": "acme", "source": "manual"},
        "regardings": [
            {"type": "account", "id": name, "source": "manual", "author": "mira", "why": "hers", "since": since}
            for name in ("acme", "b")
        ],
        "owner": {"type": "user", "id": "u1"},
        "accepted_by": {"type": "queue", "id": "q1"},
        "deliveries": [
            {"mailbox": "q@example.org", "folder": "INBOX", "uidvalidity": 7, "uid": 2, "receiving_mailbox": None}
        ],
        "attachments": [
            {
                "name": "f.pdf",
                "type": "application/pdf",
                "size": 9,
                "sha256": "ab" * 32,
                "inline": False,
                "content_id": "",
            }
        ],
        "dropped_attachments": [],
        "kind": "",
        "reports": [],
    } == after


def test_merged_threads_have_one_id(desk, insert):
    """The thread is resolved through every notice when it is read."""
    rows.whole_mail(desk, insert, "a@x", thread=5)
    rows.whole_mail(desk, insert, "b@x", uid=2, thread=9)
    insert("resolver.thread_merge", loser=9, winner=7, version=1)
    insert("resolver.thread_merge", loser=7, winner=5, version=2)

    assert ["5", "5"] == [a["thread_id"] for a in desk.json("activities")]


def test_only_accepted_deliveries_are_listed(desk, insert):
    activity = rows.whole_mail(desk, insert, "a@x")
    key = desk.owner.execute("SELECT message_key FROM resolver.activity").fetchone()[0]
    for uid, outcome, of in ((3, "accepted", activity), (4, "Duplicate", None)):
        delivery = rows.fetched(insert, uid=uid)
        rows.arrived(insert, delivery, key, uid=uid)
        rows.decided(insert, delivery, outcome, of)

    (found,) = desk.json("activities")

    assert [1, 3] == [d["uid"] for d in found["deliveries"]]


def test_the_order_is_time_then_id(desk, insert):
    late = rows.whole_mail(desk, insert, "a@x", sent_at=rows.SENT + timedelta(days=1))
    undated = rows.whole_mail(desk, insert, "b@x", uid=2, sent_at=None)
    equal = sorted(str(rows.whole_mail(desk, insert, f"{n}@x", uid=n)) for n in (3, 4, 5))

    assert [*equal, str(late), str(undated)] == [a["id"] for a in desk.json("activities")]


def test_people_see_conversations(desk, insert):
    first = rows.whole_mail(desk, insert, "a@x", thread=5)
    rows.whole_mail(desk, insert, "b@x", uid=2, thread=5, subject="Answer", method="InReplyTo", correlated=first)
    rows.whole_mail(desk, insert, "c@x", uid=3, thread=6)

    text = desk.run("activities").stdout

    assert "Conversation 5, 2 activities" in text
    assert "\n      ← 2026-03-01 12:30  (no sender): Answer\n" in text
    assert text.endswith("3 activities in 2 conversations.\n")


def test_an_empty_store_prints_nothing_as_json(desk):
    result = desk.run("activities", "--json")

    assert (0, "", "") == (result.exit_code, result.stdout, result.stderr)


def test_the_timeline_of_a_record_has_what_it_takes_part_in_and_what_regards_it_the_newest_first(desk, insert):
    """One activity is listed once, and one without a date last; the timeline of another record is another one."""
    kim = ("case/7", "contact/kim")  # the second of them counts, too
    undated = rows.whole_mail(desk, insert, "undated@x", sent_at=None)
    rows.hangs_off(desk, insert, undated, *kim)
    first, second, third, fourth = (
        rows.whole_mail(desk, insert, f"m{n}@x", uid=n, subject=f"Mail {n}", sent_at=rows.SENT + timedelta(hours=n))
        for n in range(2, 6)
    )
    for activity in (first, third):
        rows.hangs_off(desk, insert, activity, *kim)
    for activity, record in ((second, "kim"), (third, "kim"), (fourth, "lee")):
        insert(
            "resolver.party", activity_id=activity, role="from", position=0, address="a@x", name="N",
            records=Jsonb([{"type": "account", "id": "acme"}, {"type": "contact", "id": record}]),
        )  # fmt: skip

    def of(*arguments: str) -> list[str]:
        return [one["id"] for one in desk.json("activities", "--of", *arguments)]

    assert [str(one) for one in (third, second, first, undated)] == of("contact/kim")
    assert [str(third), str(second)] == of("contact/kim", "--limit", "2")
    assert [str(fourth), str(third), str(second)] == of("account/acme")
    assert [] == of("contact/nobody")
    assert desk.json("activities", "--of", "contact/lee") == [
        one for one in desk.json("activities") if one["id"] == str(fourth)
    ]
    words = desk.run("activities", "--of", "contact/kim").stdout.splitlines()
    assert words[0].endswith("N [account acme]: Mail 4")
    assert "4 activities of contact kim." == words[-1]
    assert "More than 2: see --limit.\n" == desk.run("activities", "--of", "contact/kim", "--limit", "2").stdout[-26:]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [(("--of", "kim"), "TYPE/ID"), (("--limit", "5"), "--of")],
    ids=["no record", "limit alone"],
)
def test_a_timeline_that_cannot_be_meant_is_refused(desk, arguments, said):
    refused = desk.run("activities", *arguments)

    assert (2, True) == (refused.exit_code, said in refused.stderr)
