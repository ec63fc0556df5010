"""The resolver on a real database: decisions, late answers, redelivery, threads."""

import hashlib
import random
import threading
from contextlib import closing
from dataclasses import replace
from itertools import permutations
from uuid import UUID

import psycopg
import pytest

from services import contracts, mime
from services.domain.acceptance import Scope
from services.domain.attachments import AttachmentLimits
from services.domain.directory import RecordRef
from services.domain.facts import Policy
from services.resolver import arrivals, intake, reading
from services.resolver.arrivals import Arrival
from services.resolver.events import activity_events
from services.resolver.handlers import project, resolve
from services.resolver.settings import Settings
from services.runtime.records import Batch, Input
from services.storage.postgres import Database
from tests.component.resolver.conftest import Resolver, mail

pytestmark = pytest.mark.component

ANNA = "anna@own.example"
# Root for the queue; the others only for Anna, who takes responses: whether they are filed depends on correlation.
TREE = {
    "root": mail("root"),
    "a": mail("a", answers=["root"], to=ANNA),
    "b": mail("b", answers=["root", "a"], to=ANNA),
    "c": mail("c", answers=["gone", "b"], to=ANNA),
}


def merged(loser: int, winner: int, version: int = 9) -> bytes:
    change = {"loser": loser, "winner": winner}
    return contracts.encode("ThreadChanged", {"change": change, "version": version, "cause": "x"})


def test_a_mail_for_a_queue_becomes_an_activity_with_parties_owner_and_event(resolver: Resolver):
    resolver.resolve(resolver.record(mail("root")))

    (event,) = resolver.events()
    assert (["created"], 1, "root@x.example") == (event["reasons"], event["version"], event["message_id"])
    assert {"type": "queue", "id": "support"} == event["accepted_by"]
    assert {"type": "user", "id": "ben"} == event["owner"]
    assert [("from", "kim"), ("to", "support"), ("owner", "ben")] == [
        (p["role"], p["records"][0]["id"]) for p in event["parties"]
    ]


@pytest.mark.parametrize("order", list(permutations(TREE))[::5], ids="-".join)
def test_the_order_of_arrival_changes_no_decision(resolver: Resolver, order):
    for name in order:
        resolver.resolve(resolver.record(TREE[name]))
        resolver.jobs()

    assert dict.fromkeys(TREE, "accepted") == resolver.outcomes()
    answers = dict(
        resolver.rows(
            "SELECT split_part(m.message_id, '@', 1), split_part(t.message_id, '@', 1) FROM resolver.activity a"
            " JOIN resolver.message m USING (message_key) LEFT JOIN resolver.activity c ON c.id = a.correlated"
            " LEFT JOIN resolver.message t ON t.message_key = c.message_key"
        )
    )
    assert {"root": None, "a": "root", "b": "a", "c": "b"} == answers


def test_one_batch_with_children_before_parents_ends_the_same(resolver: Resolver):
    resolver.resolve(*(resolver.record(TREE[name]) for name in ("c", "b", "a", "root")))
    resolver.jobs()

    assert dict.fromkeys(TREE, "accepted") == resolver.outcomes()


def test_what_was_decided_with_the_change_in_sight_is_not_read_again(resolver: Resolver, monkeypatch):
    read: list[object] = []
    monkeypatch.setattr("services.resolver.contents.mime.parse_file", read.append)

    resolver.resolve(resolver.record(TREE["root"], uid=1), resolver.record(TREE["a"], uid=2))
    resolver.resolve(resolver.record(TREE["b"], uid=3))
    resolver.jobs()

    assert [] == read


def test_what_a_backup_of_another_server_had_in_sight_counts_for_nothing(resolver: Resolver):
    resolver.resolve(resolver.record(TREE["a"]))
    with psycopg.connect(resolver.url) as connection:
        connection.execute("UPDATE resolver.decision SET seen = '9000000000:9000000000:', xact = '8999999999'")

    resolver.resolve(resolver.record(TREE["root"]))
    resolver.jobs()

    assert [("a", "InReplyTo")] == resolver.rows(
        "SELECT split_part(m.message_id, '@', 1), method FROM resolver.activity"
        " JOIN resolver.message m USING (message_key) WHERE method <> 'None'"
    )


def test_redelivery_in_any_order_changes_no_row_and_sends_nothing(resolver: Resolver):
    values = [resolver.record(raw, uid=n) for n, raw in enumerate(TREE.values())]
    values += [resolver.record(TREE["root"], mailbox="ben@own.example"), merged(70, 7)]
    resolver.resolve(*values)
    resolver.jobs()
    before, events = resolver.dump(), len(resolver.events())

    for seed in range(4):
        random.Random(seed).shuffle(values)
        resolver.resolve(*values[:3])
        resolver.resolve(*values[3:])
        resolver.jobs()

    assert before == resolver.dump()
    assert events == len(resolver.events())


def test_two_resolvers_and_two_job_workers_at_once_end_like_one(resolver: Resolver):
    chain = [mail("0")] + [mail(str(n), answers=[str(n - 1)], to=ANNA) for n in range(1, 60)]
    values = [resolver.record(raw) for raw in chain]
    random.Random(1).shuffle(values)
    batches = [values[n : n + 5] for n in range(0, len(values), 5)]

    def work(mine):
        with closing(Database(resolver.url, "resolver")) as database:
            for number, batch in enumerate(mine):
                inputs = [Input("mail-correlated", 0, number, b"", value, {}) for value in batch]
                resolve(Batch(inputs), database=database, settings=lambda: resolver.settings)
                resolver.jobs()

    threads = [threading.Thread(target=work, args=(batches[n::2],)) for n in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    resolver.jobs()

    assert {str(n): "accepted" for n in range(60)} == resolver.outcomes()
    assert [(60,)] == resolver.rows("SELECT count(*) FROM resolver.decision WHERE current")


def test_one_mail_that_two_mailboxes_bring_at_once_is_one_activity_with_a_decision_each(resolver: Resolver):
    """Domain case 15.15: two resolvers begin with it at the same moment, sixty times."""
    raws = [mail(str(n), to="support@own.example, ben@own.example") for n in range(60)]
    found = {box: [resolver.record(raw, mailbox=box) for raw in raws] for box in ("support@own.example", ANNA)}
    together = threading.Barrier(len(found))

    def work(values):
        with closing(Database(resolver.url, "resolver")) as database:
            for number, value in enumerate(values):
                batch = Batch([Input("mail-correlated", 0, number, b"", value, {})])
                together.wait(60)
                resolve(batch, database=database, settings=lambda: resolver.settings)

    threads = [threading.Thread(target=work, args=(values,)) for values in found.values()]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    counted = "SELECT count(*), count(DISTINCT message_key) FROM resolver.activity"
    assert [(60, 60)] == resolver.rows(counted)
    decided = (
        "SELECT count(*), count(DISTINCT delivery_id) FROM resolver.decision WHERE current AND outcome = 'accepted'"
    )
    assert [(120, 120)] == resolver.rows(decided)
    assert {(2,)} == set(resolver.rows("SELECT count(*) FROM resolver.decision WHERE current GROUP BY activity_id"))


WITH_FILES = mail("files", Content_Type="multipart/mixed; boundary=b", MIME_Version="1.0") + b"".join(
    f'\r\n--b\r\nContent-Type: {kind}\r\nContent-Disposition: attachment; filename="{name}"\r\n\r\n{name}\r\n'.encode()
    for kind, name in (
        ("text/plain", "b.txt"),
        ("application/pdf", "a.pdf"),
        ("image/png", "c.png"),
        ("text/plain", "d.bat"),
    )
)


def test_the_event_of_a_new_activity_says_what_was_stored(resolver: Resolver):
    """It is made from what was written, not read back; both must say the same."""
    limits = AttachmentLimits(blocked=frozenset({"bat"}))
    resolver.settings = replace(resolver.settings, policy=Policy(version=1, attachments=limits))
    resolver.resolve(resolver.record(TREE["root"]), resolver.record(WITH_FILES, mailbox="support@own.example"))
    resolver.resolve(
        resolver.record(TREE["a"]), resolver.record(TREE["a"], mailbox="ben@own.example"), resolver.record(TREE["b"])
    )
    events = {UUID(event["activity_id"]): event for event in resolver.events() if "created" in event["reasons"]}
    assert len(events) == 4

    with psycopg.connect(resolver.url) as connection:
        read = activity_events(connection, {activity: set(event["reasons"]) for activity, event in events.items()})
    stored = [contracts.decode(row.value or b"")[1] for row in read]
    assert sorted(events) == [UUID(event["activity_id"]) for event in stored]
    for event in stored:
        assert events[UUID(event["activity_id"])] == event
    (files,) = [event for event in stored if event["attachments"]]
    assert ["b.txt", "a.pdf", "c.png"] == [one["name"] for one in files["attachments"]]
    assert [("d.bat", "BlockedName")] == [(one["name"], one["reason"]) for one in files["dropped_attachments"]]


def test_what_was_left_out_stays_so_when_the_limits_change_and_a_copy_comes(resolver: Resolver):
    def files() -> list[tuple[str, str]]:
        return sorted(
            [("kept", name) for (name,) in resolver.rows("SELECT name FROM resolver.attachment")]
            + resolver.rows("SELECT reason, name FROM resolver.dropped_attachment")
        )

    for version, blocked in enumerate(("png", "bat pdf", ""), 1):
        limits = AttachmentLimits(blocked=frozenset(blocked.split()))
        policy = Policy(version=version, attachments=limits)
        resolver.settings = Settings(policy=policy, mailbox_owners={}, options={})
        mailbox = ("support@own.example", "ben@own.example", ANNA)[version - 1]
        resolver.resolve(resolver.record(WITH_FILES, mailbox=mailbox))
        resolver.jobs()

        assert [("BlockedName", "c.png"), ("kept", "a.pdf"), ("kept", "b.txt"), ("kept", "d.bat")] == files()
    assert ["c.png"] == [one["name"] for one in resolver.events()[-1]["dropped_attachments"]]


def test_the_same_mail_in_three_mailboxes_is_one_activity_with_three_deliveries(resolver: Resolver):
    for mailbox in ("support@own.example", "ben@own.example", ANNA):
        resolver.resolve(resolver.record(mail("root"), mailbox=mailbox))

    *_, last = resolver.events()
    assert [1, 2, 3] == [e["version"] for e in resolver.events()]
    assert [ANNA, "ben@own.example", "support@own.example"] == [d["mailbox"] for d in last["deliveries"]]


def test_the_acceptor_is_the_least_over_all_deliveries_whichever_came_first(resolver: Resolver):
    """To comes before Cc comes before a mailbox that the header does not name."""
    hidden = mail("root", to="list@elsewhere.example", Cc="support@own.example")
    resolver.settings = Settings(
        policy=Policy(version=1, scope=Scope.POLLING_MAILBOX, user_default=0), mailbox_owners={}, options={}
    )
    resolver.resolve(resolver.record(hidden, mailbox=ANNA))
    resolver.resolve(resolver.record(hidden, mailbox="support@own.example"))

    first, last = resolver.events()
    assert ("anna", "support") == (first["accepted_by"]["id"], last["accepted_by"]["id"])
    assert ["delivery-added", "parties", "queued"] == last["reasons"]


def test_a_copy_in_the_same_folder_is_a_duplicate_and_no_delivery_of_the_activity(resolver: Resolver):
    resolver.resolve(resolver.record(mail("root"), uid=1), resolver.record(mail("root"), uid=2))

    found = resolver.rows(
        "SELECT d.uid, x.outcome FROM resolver.decision x JOIN resolver.delivery d ON d.id = x.delivery_id ORDER BY 1"
    )
    assert [(1, "accepted"), (2, "Duplicate")] == found
    assert 1 == len(resolver.events()[-1]["deliveries"])


def test_a_copied_message_id_with_another_sender_is_a_second_flagged_message(resolver: Resolver):
    forged = mail("root", From="Mallory <mallory@evil.example>")
    resolver.resolve(resolver.record(mail("root")))
    assert [(False,)] == resolver.rows("SELECT flagged FROM resolver.message")

    resolver.resolve(resolver.record(forged, uid=2))

    assert [(True,), (True,)] == resolver.rows("SELECT flagged FROM resolver.message")
    assert 2 == len(resolver.events())


@pytest.mark.parametrize("order", [(0, 1), (1, 0)], ids=["forward", "backward"])
@pytest.mark.parametrize("together", [True, False], ids=["one batch", "one by one"])
def test_messages_that_answer_each_other_are_tracked_by_neither(resolver: Resolver, order, together):
    one = mail("one", answers=["two"], to=ANNA)
    two = mail("two", answers=["one"], to=f"{ANNA}, support@own.example")
    values = [resolver.record((one, two)[n]) for n in order]
    for batch in [values] if together else [values[:1], values[1:]]:
        resolver.resolve(*batch)
        resolver.jobs()

    assert "accepted" == resolver.outcomes()["two"]
    assert [("None",)] == resolver.rows("SELECT DISTINCT method FROM resolver.activity")


def test_a_circle_that_a_late_mail_closes_takes_back_what_was_inherited_but_no_acceptance(resolver: Resolver):
    resolver.resolve(resolver.record(mail("root", answers=["late"])))
    resolver.resolve(resolver.record(mail("kid", answers=["root"], to=ANNA)))
    resolver.resolve(resolver.record(mail("late", answers=["kid"], to=ANNA)))
    resolver.jobs()

    assert "accepted" == resolver.outcomes()["kid"]
    assert [("None",)] == resolver.rows("SELECT DISTINCT method FROM resolver.activity")


def test_a_manual_regarding_stays_and_is_inherited_by_those_that_answer(resolver: Resolver):
    resolver.resolve(resolver.record(TREE["root"]))
    resolver.resolve(resolver.record(TREE["a"]))
    resolver.regarding("case/4711", "root")
    resolver.jobs()
    resolver.resolve(resolver.record(TREE["b"]))

    found = resolver.rows(
        "SELECT regarding_id, regarding_source, count(*) FROM resolver.activity GROUP BY 1, 2 ORDER BY 3"
    )
    assert [("4711", "manual", 1), ("4711", "correlated", 2)] == found


def test_a_merge_moves_the_threads_activities_with_an_event_each(resolver: Resolver):
    resolver.resolve(resolver.record(mail("root"), thread=70))
    resolver.resolve(merged(70, 7), merged(7, 3))

    last = resolver.events()[-1]
    assert (["thread"], 3) == (last["reasons"], last["thread_id"])


def test_a_merge_notice_that_comes_first_counts_for_mail_that_comes_later(resolver: Resolver):
    resolver.resolve(merged(70, 7))
    resolver.resolve(resolver.record(mail("root"), thread=70))

    assert [7] == [e["thread_id"] for e in resolver.events()]


def test_messages_that_were_moved_are_in_their_new_thread_and_an_older_notice_changes_nothing(resolver: Resolver):
    resolver.resolve(resolver.record(mail("root"), thread=70))
    (key,) = resolver.rows("SELECT message_key FROM resolver.message")[0]

    for thread, version in ((80, 9), (90, 5)):
        change = {"messages": [str(key)], "thread": thread}
        resolver.resolve(contracts.encode("ThreadChanged", {"change": change, "version": version, "cause": "x"}))

    assert [70, 80] == [e["thread_id"] for e in resolver.events()]
    assert [(80,)] == resolver.rows("SELECT thread FROM resolver.message_thread")


def test_a_rejected_mail_keeps_neither_subject_nor_address_nor_body(resolver: Resolver):
    resolver.resolve(resolver.record(mail("secret", to="nobody@own.example"), mailbox="unowned@own.example"))

    assert {"secret": "NoRecipientMatch"} == resolver.outcomes()
    kept = repr([resolver.rows(f"SELECT * FROM resolver.{t}") for t in ("message", "evidence", "decision", "activity")])
    assert not any(word in kept for word in ("Mail secret", "Hello", "kim@customer", "nobody@own"))


def test_an_undecodable_record_is_rejected_and_its_neighbours_are_decided(resolver: Resolver):
    batch = resolver.resolve(b"rubbish", resolver.record(mail("root")))

    assert ["undecodable_record"] == [r.code for r in batch.rejects]
    assert {"root": "accepted"} == resolver.outcomes()


def test_every_decision_is_kept_and_one_is_current(resolver: Resolver):
    resolver.resolve(resolver.record(TREE["a"]))
    resolver.resolve(resolver.record(TREE["root"]))
    resolver.jobs()

    found = resolver.rows(
        "SELECT x.version, x.outcome, x.current, x.cause FROM resolver.decision x JOIN resolver.delivery d"
        " ON d.id = x.delivery_id JOIN resolver.message m USING (message_key)"
        " WHERE m.message_id = 'a@x.example' ORDER BY 1"
    )
    assert [(1, "NoCorrelationMatch", False, "arrival"), (2, "accepted", True, "target")] == found


def test_a_directory_record_acts_is_replaced_and_removed(resolver: Resolver):
    def senders():
        return resolver.rows("SELECT records->0->>'id' FROM resolver.party WHERE role = 'from' ORDER BY activity_id")

    resolver.directory({"type": "contact", "id": "kim", "addresses": ["new@customer.example"]})
    resolver.resolve(resolver.record(mail("root")))
    assert [(None,)] == senders()

    resolver.directory({"type": "contact", "id": "kim", "addresses": ["KIM@customer.example"]})
    resolver.directory({"type": "user", "id": "ben", "deleted": True})
    resolver.resolve(resolver.record(mail("other"), uid=2))

    assert ("kim",) in senders()
    assert [("support",)] == resolver.rows("SELECT DISTINCT accepted_id FROM resolver.activity")


def test_an_older_directory_record_that_comes_again_changes_nothing(resolver: Resolver):
    resolver.directory({"type": "contact", "id": "kim", "addresses": ["a@x.example"]})
    before = resolver.dump()
    resolver.offset = 0
    resolver.directory({"type": "contact", "id": "kim", "addresses": ["b@x.example"]})

    assert before == resolver.dump()


def test_the_owner_of_a_mailbox_is_reached_by_the_mailboxs_address(resolver: Resolver):
    resolver.settings = Settings(
        policy=Policy(version=1),
        mailbox_owners={"info@own.example": RecordRef("queue", "support")},
        options={},
    )
    resolver.resolve(resolver.record(mail("root", to="info@own.example"), mailbox="info@own.example"))

    assert "support" == resolver.events()[0]["accepted_by"]["id"]


def test_a_job_that_fails_is_put_off_and_its_neighbours_are_decided(resolver: Resolver, monkeypatch):
    resolver.resolve(*(resolver.record(TREE[name]) for name in ("a", "c")))
    bad = resolver.rows("SELECT message_key FROM resolver.message WHERE message_id = 'c@x.example'")[0][0]
    parse = mime.parse_file
    raw = resolver.blobs.path(hashlib.sha256(TREE["c"]).hexdigest())

    def fail(path, **given):
        if path == raw:
            raise ValueError("made up")
        return parse(path, **given)

    monkeypatch.setattr(mime, "parse_file", fail)
    resolver.rows(
        "INSERT INTO resolver.job (targets, messages, cause)"
        " SELECT '{}', array_agg(message_key), 'x' FROM resolver.message RETURNING 1"
    )
    resolver.resolve(resolver.record(TREE["root"]))
    resolver.jobs()

    assert "accepted" == resolver.outcomes()["a"]
    assert [([bad], 1)] == resolver.rows("SELECT messages, attempts FROM resolver.job")


def test_copies_of_two_mails_that_answer_each_other_come_to_rest(resolver: Resolver):
    """Four mails of a stranger, with other recipients in each copy, once kept the jobs running for ever."""
    for a, b in (("one", "two"), ("two", "one")):
        for to in ("support@own.example", ANNA):
            resolver.resolve(resolver.record(mail(a, answers=[b], to=to)))

    assert resolver.jobs() < 30


@pytest.mark.parametrize("order", [(0, 1), (1, 0)], ids=["forward", "backward"])
def test_one_copy_speaks_for_all_whichever_came_first(resolver: Resolver, order):
    copies = [
        resolver.record(mail("root", to="support@own.example"), mailbox="support@own.example"),
        resolver.record(mail("root", to=f"list@x.example, {ANNA}, support@own.example"), mailbox="ben@own.example"),
    ]
    for n in order:
        resolver.resolve(copies[n])
        resolver.jobs()

    last = resolver.events()[-1]
    assert ("support", "ben") == (last["accepted_by"]["id"], last["owner"]["id"])
    assert ["support@own.example"] == [p["address"] for p in last["parties"] if p["role"] == "to"]


def test_a_forged_copy_takes_no_answer_from_the_real_mail(resolver: Resolver):
    resolver.resolve(resolver.record(TREE["root"]), resolver.record(mail("a", answers=["root"])))
    forged = mail("root", answers=["a"], to="nobody@x.example", From="Mallory <mallory@evil.example>")
    resolver.resolve(resolver.record(forged, mailbox="unowned@own.example"))
    resolver.jobs()

    found = resolver.rows(
        "SELECT a.method FROM resolver.activity a JOIN resolver.message m USING (message_key)"
        " WHERE m.message_id = 'a@x.example'"
    )
    assert [("InReplyTo",)] == found


def test_a_record_that_is_none_counts_as_read_for_the_gate(resolver: Resolver):
    with closing(Database(resolver.url, "resolver")) as database:
        batch = Batch([Input("directory", 2, 41, b"contact/x", b"rubbish", {})])
        project(batch, database=database)

    assert [(42,)] == resolver.rows('SELECT "offset" FROM resolver.directory_progress WHERE partition = 2')


def test_a_directory_record_with_an_endless_address_is_rejected(resolver: Resolver):
    record = {"type": "contact", "id": "x", "name": "", "addresses": ["a" * 9000 + "@x"], "owner": None}
    value = contracts.encode("DirectoryRecord", {**record, "active": True, "deleted": False, "merged_into": None})
    with closing(Database(resolver.url, "resolver")) as database:
        batch = Batch([Input("directory", 0, 99, b"", value, {})])
        project(batch, database=database)

    assert ["invalid_directory_record"] == [r.code for r in batch.rejects]


def test_the_record_that_came_first_is_the_older_one(resolver: Resolver):
    resolver.directory(*({"type": "contact", "id": n, "addresses": ["twin@x.example"]} for n in ("zoe", "adam")))
    resolver.resolve(resolver.record(mail("root", From="twin@x.example")))

    assert ["zoe"] == [p["records"][0]["id"] for p in resolver.events()[-1]["parties"] if p["role"] == "from"]


def test_a_directory_record_that_moved_to_another_partition_acts(resolver: Resolver):
    record = {"type": "contact", "id": "kim", "name": "New", "owner": None, "active": True, "deleted": False}
    value = contracts.encode("DirectoryRecord", {**record, "addresses": [], "merged_into": None})
    with closing(Database(resolver.url, "resolver")) as database:
        project(Batch([Input("directory", 3, 0, b"", value, {})]), database=database)

    assert [("New",)] == resolver.rows("SELECT name FROM resolver.directory_record WHERE id = 'kim'")


def test_a_mailbox_owner_that_was_deleted_accepts_nothing(resolver: Resolver):
    resolver.settings = Settings(
        policy=Policy(version=1, user_default=0), mailbox_owners={ANNA: RecordRef("user", "anna")}, options={}
    )
    resolver.directory({"type": "user", "id": "anna", "deleted": True})
    resolver.resolve(resolver.record(mail("root", to=ANNA)))

    assert {"root": "NoRecipientMatch"} == resolver.outcomes()


def test_merges_that_come_around_the_mail_all_tell_of_its_thread(resolver: Resolver):
    resolver.resolve(merged(70, 7))
    resolver.resolve(resolver.record(mail("root"), thread=70))
    resolver.resolve(merged(7, 3))

    assert [7, 3] == [e["thread_id"] for e in resolver.events()]


def test_when_the_raw_mail_is_gone_the_decision_says_so(resolver: Resolver):
    resolver.resolve(resolver.record(TREE["a"]))
    resolver.blobs.path(hashlib.sha256(TREE["a"]).hexdigest()).unlink()
    resolver.resolve(resolver.record(TREE["root"]))
    resolver.jobs()
    assert "NoCorrelationMatch" == resolver.outcomes()["a"], "it is asked for"

    (delivery,) = resolver.wanted()
    resolver.fetched(delivery, why="it no longer lies there")
    assert "ContentGone" == resolver.outcomes()["a"]


def test_a_recipient_far_down_the_list_is_one(resolver: Resolver):
    crowd = ", ".join(f"p{n}@x.example" for n in range(1200))
    resolver.resolve(resolver.record(mail("root", to=f"{crowd}, support@own.example"), mailbox="unowned@own.example"))

    assert {"root": "accepted"} == resolver.outcomes()


def test_a_record_is_found_by_its_domain_however_that_is_written_and_not_by_another(resolver: Resolver):
    resolver.directory({"type": "contact", "id": "eva", "addresses": ["Eva@Straße.example"]})
    resolver.resolve(
        resolver.record(mail("a-label", From="eva@xn--strae-oqa.example")),
        resolver.record(mail("upper", From="EVA@XN--STRAE-OQA.EXAMPLE")),
        resolver.record(mail("other", From="eva@strasse.example")),
    )

    found = resolver.rows(
        "SELECT split_part(m.message_id, '@', 1), p.records -> 0 ->> 'id' FROM resolver.party p"
        " JOIN resolver.activity a ON a.id = p.activity_id JOIN resolver.message m USING (message_key)"
        " WHERE p.role = 'from' ORDER BY 1"
    )
    assert [("a-label", "eva"), ("other", None), ("upper", "eva")] == found


def test_a_further_copy_is_stored_while_its_mail_is_under_decision(resolver: Resolver):
    """Whoever decides may read large mails meanwhile; two that wait for each other would both begin anew."""
    resolver.resolve(resolver.record(mail("root"), mailbox="support@own.example"))
    arrival = arrivals.read(resolver.record(mail("root"), mailbox="anna@own.example"))
    assert isinstance(arrival, Arrival)
    with (
        closing(Database(resolver.url, "resolver")) as deciding,
        closing(Database(resolver.url, "resolver")) as storing,
        deciding.transaction() as holding,
    ):
        reading.lock(holding, [arrival.delivered.message_key])
        with storing.transaction() as connection:
            connection.execute("SET LOCAL lock_timeout = '5s'")
            intake.store(connection, [arrival])

    assert [(2,)] == resolver.rows("SELECT count(*) FROM resolver.delivery")
