"""`mailweave verify` finds each kind of hole, and only holes."""

import os
import time
from datetime import UTC, datetime
from uuid import uuid4

import pytest

from services.storage.blobs import BlobFolder
from tests.component.cli import rows

pytestmark = pytest.mark.component


@pytest.fixture(autouse=True)
def nothing_on_its_way(monkeypatch):
    """What other tests leave on the topics, and no stage reads, is no mail on its way."""
    monkeypatch.setattr("services.cli.verify_commands.lag", lambda kafka, group: [])


def _problems(desk):
    return [(p["problem"], p["detail"]) for p in desk.json("verify") if "problem" in p]


def test_a_whole_store_is_well_and_says_how_much_was_checked(desk, insert):
    rows.whole_mail(desk, insert, "a@x")
    rejected = rows.fetched(insert, uid=2)
    rows.arrived(insert, rejected, rows.message(desk, insert, "b@x"), uid=2)
    rows.decided(insert, rejected, "NoRecipientMatch")

    result = desk.run("verify")

    assert 0 == result.exit_code
    assert "Checked 2 deliveries, 2 current decisions, 1 activity, 0 folder cursors; read and hashed 1 raw mail." in (
        result.stdout
    )
    (summary,) = desk.json("verify")
    assert {
        "checked": {"deliveries": 2, "decisions": 2, "activities": 1, "cursors": 0, "blobs": 1},
        "in_flight": 0,
        "problems": 0,
        "ok": True,
    } == summary


def test_a_mail_without_decision_is_found_and_ends_with_exit_code_1(desk, insert):
    rows.fetched(insert)
    rows.fetched(insert, uid=None)

    assert sorted([
        ("delivery without decision", "q@example.org INBOX UID 1: no current decision and no dead letter"),
        ("delivery without decision", "q@example.org INBOX (import): no current decision and no dead letter"),
    ]) == sorted(_problems(desk))  # fmt: skip
    assert 1 == desk.run("verify").exit_code


@pytest.mark.parametrize(("state", "holes"), [("open", 0), ("discarded", 0), ("replayed", 1)])
@pytest.mark.parametrize("stage", ["correlator", "resolver"])
def test_a_dead_letter_stands_for_a_decision_until_it_was_replayed(desk, insert, stage, state, holes):
    delivery = rows.fetched(insert)
    insert(
        f"{stage}.dead_letter", topic="t", partition=0, offset=0, code="c", detail="", delivery_id=delivery, state=state
    )

    assert holes == len(_problems(desk))


def test_a_missing_and_a_damaged_raw_mail_are_told_apart(desk, insert):
    blobs = BlobFolder(desk.config.blobs)
    for uid, name in enumerate(("a@x", "b@x", "c@x"), start=1):
        rows.whole_mail(desk, insert, name, uid=uid)
    shas = dict(
        desk.owner.execute(
            "SELECT m.message_id, encode(a.blob_sha256, 'hex') "
            "FROM resolver.activity a JOIN resolver.message m USING (message_key)"
        ).fetchall()
    )
    blobs.path(shas["a@x"]).unlink()
    damaged = blobs.path(shas["b@x"])
    damaged.chmod(0o600)
    damaged.write_bytes(b"other")

    assert ["blob damaged", "blob missing", "reference without blob"] == sorted(name for name, _ in _problems(desk))


def test_a_raw_mail_that_is_gone_as_the_decision_says_is_no_hole(desk, insert):
    gone, lost = (rows.fetched(insert, uid=uid) for uid in (1, 2))
    rows.arrived(insert, gone, rows.message(desk, insert, "a@x"), uid=1)
    rows.arrived(insert, lost, rows.message(desk, insert, "b@x"), uid=2)
    desk.owner.execute("UPDATE fetcher.delivery SET blob_sha256 = sha256(id::text::bytea)")
    rows.decided(insert, gone, "ContentGone")
    rows.decided(insert, lost, "NoRecipientMatch")

    (problem,) = [one for one in desk.json("verify") if "problem" in one]

    assert ("reference without blob", str(lost)) == (problem["problem"], problem["object"])


def test_an_activity_of_a_mail_too_large_to_store_needs_no_blob(desk, insert):
    rows.whole_mail(desk, insert, "a@x", parse_outcome="too_large")
    desk.owner.execute("UPDATE resolver.activity SET blob_sha256 = NULL")

    assert [] == _problems(desk)


def test_acceptance_and_activity_need_each_other(desk, insert):
    lonely = rows.filed(insert, rows.message(desk, insert, "a@x"), None, parse_outcome="too_large")
    delivery = rows.fetched(insert)
    rows.arrived(insert, delivery, rows.message(desk, insert, "b@x"))
    rows.decided(insert, delivery, "accepted", uuid4())

    found = {p["problem"]: p["object"] for p in desk.json("verify") if "problem" in p}

    assert {"accepted without activity": str(delivery), "activity without delivery": str(lonely)} == found


def test_deliveries_that_the_fetcher_does_not_know_or_lie_beyond_its_cursor_are_found(desk, insert):
    unknown = uuid4()
    rows.arrived(insert, unknown, rows.message(desk, insert, "a@x"))
    rows.decided(insert, unknown, "NoRecipientMatch")
    beyond = rows.fetched(insert, uid=9)
    rows.arrived(insert, beyond, rows.message(desk, insert, "b@x"), uid=9)
    rows.decided(insert, beyond, "NoRecipientMatch")
    insert("fetcher.mailbox", mailbox="q@example.org")
    insert("fetcher.cursor", mailbox="q@example.org", folder_id="INBOX", folder="INBOX", uidvalidity=7, uid=8)

    assert [
        ("delivery beyond its cursor", "q@example.org INBOX UID 9: the cursor stands at 8"),
        ("delivery nobody took", "q@example.org INBOX UID 1: stored by the resolver, but the fetcher has no row"),
    ] == _problems(desk)


def test_a_raw_mail_that_nothing_names_is_found_when_it_is_old(desk, insert):
    """A new one is about to be named: it is stored before the row."""
    rows.whole_mail(desk, insert, "a@x")
    blobs = BlobFolder(desk.config.blobs)
    old, _ = blobs.put_many([b"nobody's", b"not named yet"])
    long_ago = time.time() - 2 * 86_400
    os.utime(blobs.path(old), (long_ago, long_ago))

    assert [("blob without reference", "no delivery names this raw mail")] == _problems(desk)


def test_an_outbox_that_does_not_move_and_an_old_dead_letter_are_found(desk, insert):
    insert("resolver.outbox", topic="t", key=b"", value=b"", created=datetime(2026, 1, 1, tzinfo=UTC))
    insert("resolver.outbox", topic="t", key=b"", value=b"")
    insert(
        "correlator.dead_letter", topic="t", partition=1, offset=2, code="c", detail="", state="open",
        failed=datetime(2026, 1, 1, tzinfo=UTC),
    )  # fmt: skip

    assert ["dead letter expired", "outbox stuck"] == sorted(name for name, _ in _problems(desk))


def test_rows_that_belong_to_nothing_are_found(desk, insert):
    with desk.owner.transaction():
        desk.owner.execute("SET LOCAL session_replication_role = replica")
        desk.owner.execute(
            "INSERT INTO resolver.party (activity_id, role, position, address, name, records)"
            " VALUES (gen_random_uuid(), 'to', 0, '', '', '[]')"
        )
        desk.owner.execute(
            "INSERT INTO resolver.evidence (child, target, kind, cls, position)"
            " VALUES (gen_random_uuid(), gen_random_uuid(), 'references', 'H1', 0)"
        )

    assert ["evidence without message", "party without activity"] == sorted(name for name, _ in _problems(desk))


def test_a_look_needs_no_right_to_write(desk, insert):
    rows.whole_mail(desk, insert, "a@x")
    desk.owner.execute(f"ALTER DATABASE {desk.owner.info.dbname} SET default_transaction_read_only = on")

    assert 0 == desk.run("verify").exit_code
