"""A batch of deliveries in, one result per delivery out."""

from datetime import UTC, datetime
from uuid import UUID, uuid5

import pytest

from services.contracts.codec import decode, encode
from services.contracts.received import Found, to_record
from services.correlator import handlers
from services.correlator.handlers import correlate
from services.domain.identity import NAMESPACE, Identity, identity, keyed_hash
from services.domain.memory_graph import MemoryGraph
from services.domain.message import Mailbox, Message, MessageId
from services.runtime.records import Batch, Input
from tests import messages

KEY = b"k" * 32
WHEN = datetime(2026, 3, 4, 5, 6, 7, tzinfo=UTC)
HEADERS = {"origin-time": b"2026-03-04T05:06:07Z", "traceparent": b"00-1"}


def message(mid, in_reply_to=(), references=(), author="ann@customer.example"):
    return messages.message(
        message_id=MessageId(mid),
        in_reply_to=tuple(map(MessageId, in_reply_to)),
        references=tuple(map(MessageId, references)),
        from_=(Mailbox("", author),),
    )


def received(of: Message, mailbox="sales@example.org") -> bytes:
    found = Found(
        delivery_id=uuid5(NAMESPACE, f"{mailbox}{of.message_id}"),
        source="imap",
        mailbox=mailbox,
        folder="INBOX",
        folder_role="inbox",
        uidvalidity=1,
        uid=1,
        internal_date=WHEN,
        blob_sha256="",
        size=0,
    )
    return encode("MailReceived", to_record(of, identity=identity(of), found=found))


def batch(*values):
    return Batch(Input("mail-received", 0, n, b"key", value, HEADERS) for n, value in enumerate(values))


def run(graph, *values):
    return [decode(o.value or b"")[1] for o in correlate(batch(*values), graph=graph, hash_key=KEY)]


def test_a_result_says_thread_and_evidence_and_carries_the_record_as_it_came():
    value = received(message("b@x", ["a@x"], ["root@x", "a@x"]))

    [output] = correlate(batch(value), graph=MemoryGraph(), hash_key=KEY)

    name, record = decode(output.value or b"")
    target = {mid: str(keyed_hash(KEY, "id", mid)) for mid in ("a@x", "root@x")}
    key = keyed_hash(KEY, "message", str(Identity(MessageId("b@x"), identity(message("b@x")).fingerprint)))
    assert {
        "delivery_id": str(uuid5(NAMESPACE, "sales@example.orgb@x")),
        "message_key": str(key),
        "id_key": str(keyed_hash(KEY, "id", "b@x")),
        "thread_id": 1024,
        "graph_version": 1,
        "evidence": [
            {"kind": "in_reply_to", "cls": "H2", "position": 0, "target": target["a@x"], "value": "a@x"},
            {"kind": "references", "cls": "H2", "position": 1, "target": target["a@x"], "value": "a@x"},
            {"kind": "references", "cls": "H2", "position": 2, "target": target["root@x"], "value": "root@x"},
        ],
        "truncated": False,
        "received": value,
    } == record
    assert ("MessageCorrelated", "mail-correlated", b"1024", HEADERS) == (
        name,
        output.topic,
        output.key,
        output.headers,
    )


def test_every_delivery_gets_a_result_in_the_order_of_the_batch():
    """Copies of one message in two mailboxes are two deliveries with one message key."""
    a, b = message("a@x"), message("b@x", ["a@x"])
    results = run(MemoryGraph(), received(b), received(a), received(b, "help@example.org"))

    assert [str(UUID(r["delivery_id"])) for r in results] == [
        str(uuid5(NAMESPACE, text)) for text in ("sales@example.orgb@x", "sales@example.orga@x", "help@example.orgb@x")
    ]
    assert results[0]["message_key"] == results[2]["message_key"] != results[1]["message_key"]
    assert len({r["thread_id"] for r in results}) == 1


def test_a_redelivery_gets_an_equal_result():
    graph = MemoryGraph()
    values = [received(message("a@x")), received(message("b@x", ["a@x"]))]

    assert run(graph, *values) == run(graph, *values) == run(graph, *reversed(values))[::-1]


def test_a_forged_copy_is_another_message_in_the_same_thread():
    real, forged = run(MemoryGraph(), received(message("a@x")), received(message("a@x", author="eve@example.org")))

    assert real["message_key"] != forged["message_key"]
    assert (real["id_key"], real["thread_id"]) == (forged["id_key"], forged["thread_id"])


@pytest.mark.parametrize(
    "bad",
    [
        pytest.param(b"no avro", id="no marker"),
        pytest.param(None, id="no value"),
        pytest.param(received(message("z@x"))[:-3], id="cut"),
        pytest.param(
            encode("ThreadChanged", {"change": {"loser": 2, "winner": 1}, "version": 1, "cause": ""}),
            id="another record",
        ),
    ],
)
def test_an_undecodable_record_is_rejected_and_its_neighbours_go_on(bad):
    given = batch(received(message("a@x")), bad, received(message("b@x")))

    outputs = correlate(given, graph=MemoryGraph(), hash_key=KEY)

    assert len(outputs) == 2
    assert [(1, "undecodable_record")] == [(r.input.offset, r.code) for r in given.rejects]


def test_a_batch_of_undecodable_records_asks_nothing_of_the_graph():
    given = batch(b"", b"x")

    assert correlate(given, graph=None, hash_key=KEY) == []  # type: ignore[arg-type]
    assert len(given.rejects) == 2


def test_the_crash_point_lies_between_commit_and_produce(monkeypatch):
    """When the process dies there, the redelivered batch gets the stored results."""
    graph, died = MemoryGraph(), []

    def die(name):
        died.append(name)
        raise SystemExit

    with monkeypatch.context() as patch:
        patch.setattr(handlers, "crash_point", die)
        with pytest.raises(SystemExit):
            run(graph, received(message("a@x")))
    assert died == ["correlator.committed"]
    assert 1 == run(graph, received(message("a@x")))[0]["graph_version"]
