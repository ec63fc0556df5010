"""Both ledgers, in the stores and at an endpoint, keep the same promises."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from hashlib import sha256
from uuid import UUID

import pytest

from services.domain.decide import KEYWORD
from services.domain.errors import MailweaveError, Retry
from services.domain.forgetting import KEPT, Absences, FolderAbsences
from services.domain.identity import delivery_id_imap, delivery_id_pop3
from services.fetcher import cursor
from services.fetcher.deliveries import Passed
from services.fetcher.fetch import STREAMED_ABOVE
from services.fetcher.folder_rows import Known
from services.fetcher.handover import Arrival, Content, HeadersOnly, Stored
from services.fetcher.position import Position
from services.router.ledger import RemoteLedger
from services.storage.blobs import BlobFolder
from tests.component.fetcher.routed import serving, settings, token_of

pytestmark = pytest.mark.component

MAIL = b"Message-ID: <%d@else.example>\r\nSubject: mail %d\r\nFrom: a@else.example\r\n\r\nbody\r\n"
FORWARDED = (
    b'From: b@own.example\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary="b"\r\n\r\n'
    + b"".join(b"--b\r\nContent-Type: message/rfc822\r\n\r\n" + MAIL % (n, n) + b"\r\n" for n in (11, 12))
    + b"--b--\r\n"
)
AT = datetime(2024, 1, 1, 10, tzinfo=UTC)
LIMIT = 25 * 1024 * 1024
GONE = Absences(frozenset({"F"}), frozenset(), frozenset())


@pytest.fixture
def blobs(tmp_path):
    """Where a check puts large mails before they are handed over."""
    return BlobFolder(tmp_path / "room")


@dataclass
class Kafka:
    """Keeps what is sent, unless it is away."""

    kept: list[object]
    away: bool = False
    sends: int = 10**6

    def send(self, rows):
        self.sends -= 1
        if self.away or self.sends < 0:
            raise Retry("Kafka is away")
        self.kept.extend(rows)


@pytest.fixture
def kafka(outside):
    made = Kafka(outside.sent)
    outside.ports = replace(outside.ports, send=made.send)
    return made


@pytest.fixture
def collecting(outside):
    """The mailbox is a forward mailbox."""
    outside.ports = replace(outside.ports, collects=lambda mailbox: mailbox == outside.mailbox)


@pytest.fixture(params=["stored", "remote"])
def ledger(request, outside, blobs, kafka):
    """Make a ledger under a new claim."""
    if request.param == "stored":
        yield lambda: outside.ports.ledger(outside.mailbox, cursor.claim(outside.ports.database, outside.mailbox).fence)
        return
    with serving(lambda: outside.ports, settings(outside.mailbox, rules={"a": "A"})) as running:
        client = running.client(token_of(outside))

        def make():
            fence = cursor.claim(outside.ports.database, outside.mailbox).fence
            return RemoteLedger(client=client, blobs=blobs, mailbox=outside.mailbox, fence=fence, limit=LIMIT)

        yield make
        client.close()


@pytest.fixture
def own_blobs(request, outside, blobs, ledger):
    """The store that a large mail is in when it is handed over: that of the check."""
    return outside.ports.blobs if "stored" in request.node.callspec.id else blobs


def at(uid, **changes):
    return Position(**{"folder_id": "INBOX", "folder": "INBOX", "uidvalidity": 7, "uid": uid, "uidnext": 9, **changes})


def arrival(outside, uid, content=None, size=None):
    what = Content(MAIL % (uid, uid)) if content is None else content
    return Arrival(
        id=delivery_id_imap(outside.mailbox, "INBOX", 7, uid), source="imap", mailbox=outside.mailbox,
        folder_id="INBOX", folder="INBOX", folder_role="inbox", uidvalidity=7, uid=uid, internal_date=AT,
        size=size or len(what.raw), content=what,
    )  # fmt: skip


def by_pop3(outside, uidl, content):
    return Arrival(
        id=delivery_id_pop3(outside.mailbox, uidl), source="pop3", mailbox=outside.mailbox, folder_id="INBOX",
        folder="INBOX", folder_role="inbox", uidvalidity=None, uid=None, internal_date=None, size=len(content),
        content=Content(content), uidl=uidl,
    )  # fmt: skip


def test_a_cursor_is_where_it_was_put(ledger):
    kept = ledger()
    assert kept.position("INBOX") is None

    kept.advance(at(3))

    assert at(3) == ledger().position("INBOX")
    assert kept.position("other") is None


def test_mails_are_durable_and_sent_before_the_cursor_moves(ledger, outside):
    ledger().hand_over([arrival(outside, uid) for uid in (1, 2)], to=at(2))

    assert [1, 2] == outside.uids() == [record["uid"] for record in outside.records()]
    assert (7, 2, 9) == outside.cursor()
    assert [MAIL % (1, 1), MAIL % (2, 2)] == [outside.ports.blobs.read(r["blob_sha256"]) for r in outside.records()]
    assert {AT} == {record["internal_date"] for record in outside.records()}


def test_mail_of_a_forward_mailbox_is_unwrapped_whoever_reads_it(outside, collecting, ledger):
    for _ in range(2):
        ledger().hand_over([arrival(outside, 1, Content(FORWARDED)), arrival(outside, 2)], to=at(2))

    first, second, plain = outside.records()[:3]
    assert ([1, None, 2], [2, 2, 0]) == (
        [r["uid"] for r in (first, second, plain)],
        [r["wrapper"]["messages"] for r in (first, second, plain)],
    )
    assert [1, 2, None] == outside.uids()
    assert FORWARDED == outside.ports.blobs.read(first["wrapper"]["blob_sha256"])
    assert (MAIL % (11, 11)).strip() == outside.ports.blobs.read(first["blob_sha256"]).strip()
    assert (7, 2, 9) == outside.cursor()
    assert {UUID(first["delivery_id"]): sha256(FORWARDED).hexdigest()} == dict(
        ledger().stored([UUID(first["delivery_id"])])
    )


def test_the_same_mails_handed_over_again_are_the_same_deliveries(ledger, outside):
    for _ in range(2):
        ledger().hand_over([arrival(outside, 1)], to=at(1))

    assert [1] == outside.uids()
    assert 1 == len({record["delivery_id"] for record in outside.records()})


def test_when_the_record_is_not_acknowledged_nothing_has_moved(ledger, outside, kafka):
    kept = ledger()
    kafka.away = True
    with pytest.raises(Retry):
        kept.hand_over([arrival(outside, 1)], to=at(1))
    assert ([], None) == (outside.uids(), kept.position("INBOX"))

    kafka.away = False
    kept.hand_over([arrival(outside, 1)], to=at(1))
    assert ([1], at(1)) == (outside.uids(), kept.position("INBOX"))


def test_a_large_mail_is_handed_over_from_its_file(ledger, outside, own_blobs):
    content = MAIL % (1, 1) + b"x" * (STREAMED_ABOVE + 100)
    (digest,) = own_blobs.put_many([content])

    ledger().hand_over([arrival(outside, 1, Stored(digest), len(content))], to=at(1))

    assert [(digest, len(content))] == [(r["blob_sha256"], r["size"]) for r in outside.records()]
    assert outside.ports.blobs.verify(digest)


def test_of_a_mail_that_is_too_large_the_header_is_handed_over(ledger, outside):
    ledger().hand_over([arrival(outside, 1, HeadersOnly(MAIL % (1, 1)), 10**9)], to=at(1))

    (record,) = outside.records()
    assert ("", 10**9, "1@else.example") == (record["blob_sha256"], record["size"], record["message_id"])


def test_whoever_has_lost_the_mailbox_moves_nothing(ledger, outside):
    before, after = ledger(), ledger()
    after.advance(at(1))

    for late in (
        lambda: before.advance(at(8)),
        lambda: before.hand_over([arrival(outside, 8)], to=at(8)),
        lambda: before.folder_failed("INBOX", "broken"),
        lambda: before.folder_mended("INBOX"),
        lambda: before.know_as("F", "f"),
        lambda: before.looked("INBOX", (7, 1)),
        lambda: before.vacate(at(8)),
        lambda: before.forget(FolderAbsences(GONE, GONE)),
        lambda: before.hand_over_tracked([replace(arrival(outside, 8), tracked_by=KEYWORD)], at(8)),
    ):
        with pytest.raises(MailweaveError) as lost:
            late()
        assert "fence_lost" == lost.value.code
    assert ([], at(1)) == (outside.uids(), after.position("INBOX"))


def test_mail_without_a_cursor_is_known_by_its_row(ledger, outside):
    kept, content = ledger(), MAIL % (1, 1)
    mails = [by_pop3(outside, uidl, content) for uidl in ("a", "b\x7f é")]
    kept.hand_over(mails, to=None)

    ids = [mail.id for mail in mails]
    other = delivery_id_pop3(outside.mailbox, "c")
    assert set(ids) == set(kept.handled([*ids, other]))
    assert dict.fromkeys(ids, sha256(content).hexdigest()) == dict(kept.stored([*ids, other]))


def test_what_is_passed_over_is_handled_and_not_stored(ledger, outside):
    kept = ledger()
    ids = [delivery_id_pop3(outside.mailbox, "old"), delivery_id_imap(outside.mailbox, "INBOX", 7, 4)]
    common = {"mailbox": outside.mailbox, "folder_id": "INBOX", "received": AT}
    kept.pass_over([
        Passed(id=ids[0], uidvalidity=None, uid=None, uidl="old", **common),
        Passed(id=ids[1], uidvalidity=7, uid=4, **common),
    ])  # fmt: skip

    assert (set(ids), {}) == (set(kept.handled(ids)), dict(kept.stored(ids)))


def test_a_folder_that_cannot_be_read_says_why_until_it_can(ledger, outside):
    kept = ledger()
    query = "SELECT folder, last_error FROM fetcher.cursor WHERE mailbox = %(mailbox)s"
    kept.folder_failed("Gone", "there is no such folder")
    assert [("Gone", "there is no such folder")] == outside.rows(query)

    kept.folder_mended("Gone")
    assert [] == outside.rows(query)


def test_more_mails_than_one_upload_holds_are_all_handed_over(ledger, outside):
    ledger().hand_over([arrival(outside, uid) for uid in range(1, 251)], to=at(250, uidnext=251))

    assert list(range(1, 251)) == outside.uids()
    assert (7, 250, 251) == outside.cursor()


@pytest.mark.parametrize("ledger", ["remote"], indirect=True)
def test_a_cursor_moves_with_the_last_of_several_uploads_only(ledger, outside, kafka):
    kept, kafka.sends = ledger(), 2
    with pytest.raises(Retry):
        kept.hand_over([arrival(outside, uid) for uid in range(1, 251)], to=at(250, uidnext=251))
    assert (list(range(1, 201)), None) == (outside.uids(), kept.position("INBOX"))

    kafka.sends = 10
    kept.hand_over([arrival(outside, uid) for uid in range(1, 251)], to=at(250, uidnext=251))
    assert (list(range(1, 251)), 250) == (outside.uids(), len(outside.sent))


def test_what_is_known_of_folders_is_told_as_it_was_noted(ledger):
    kept = ledger()
    assert Known() == kept.known()

    kept.advance(at(3))
    kept.advance(at(1, folder_id="id:f", folder="F"))
    kept.know_as("folder-rule/a/F", "f")
    kept.looked("INBOX", (7, 2**62))

    known = ledger().known()
    assert {"INBOX": at(3), "id:f": at(1, folder_id="id:f", folder="F")} == dict(known.cursors)
    assert ({"folder-rule/a/F": "f"}, {"INBOX": (7, 2**62)}) == (dict(known.ids), dict(known.looked))
    assert known == replace(known, cursors_gone={}, ids_gone={})


def test_folders_that_are_gone_are_noted_and_forgotten_after_90_days(ledger, outside):
    kept, none = ledger(), replace(GONE, gone=frozenset())
    for n in range(310):
        kept.know_as(f"f{n}", "x")
    kept.advance(at(1, folder_id="id:f", folder="F"))
    names = frozenset(f"f{n}" for n in range(310))

    kept.forget(FolderAbsences(replace(none, gone=frozenset({"id:f"})), replace(none, gone=names)))
    known = kept.known()
    assert ({"id:f"}, names) == (known.cursors_gone.keys(), known.ids_gone.keys())

    forgotten = FolderAbsences(
        replace(none, forgotten=frozenset({"id:f"})), replace(none, back=names - {"f0"}, forgotten=frozenset({"f0"}))
    )
    kept.forget(forgotten)
    known = kept.known()
    assert ({"id:f"}, {"f0"}) == (known.cursors.keys(), known.ids_gone.keys()), "by a clock that is wrong nothing goes"
    ports = outside.ports
    outside.ports = replace(ports, now=lambda: ports.now() + KEPT)
    kept = ledger()
    kept.forget(forgotten)
    known = kept.known()
    assert ([], [], names - {"f0"}) == ([*known.cursors], [*known.ids_gone], known.ids.keys())


def test_what_a_person_has_flagged_is_handed_over_again_under_its_id_and_once(ledger, outside):
    kept = ledger()
    kept.hand_over([arrival(outside, 1)], to=at(8))
    flagged = [replace(arrival(outside, uid), tracked_by=KEYWORD) for uid in (1, 2)]
    assert [1, 2] == sorted(kept.untracked(at(8), [1, 2]))

    assert [2, 0] == [kept.hand_over_tracked(flagged, at(8)) for _ in range(2)]

    told = [(r["uid"], r["tracked_by"], r["delivery_id"]) for r in outside.records()]
    assert [(1, ""), (1, KEYWORD), (2, KEYWORD)] == sorted((uid, by) for uid, by, _ in told)
    assert 2 == len({id_ for _, _, id_ in told})
    assert ([], (7, 8, 9)) == (list(kept.untracked(at(8), [1, 2])), outside.cursor())


def test_of_more_uids_than_one_request_holds_all_are_told(ledger):
    assert 12_000 == len(ledger().untracked(at(8), range(1, 12_001)))


def test_a_rule_is_told_with_the_mail_that_lies_under_it(ledger, outside):
    ledger().hand_over([replace(arrival(outside, 1), tracked_by="folder-rule/a")], to=at(1))

    assert ["folder-rule/a"] == [record["tracked_by"] for record in outside.records()]


@pytest.mark.parametrize("ledger", ["remote"], indirect=True)
@pytest.mark.parametrize("by", ["folder-rule/another", "token", "x"])
def test_no_router_hands_mail_in_under_a_rule_that_its_mailbox_does_not_have(ledger, outside, by):
    with pytest.raises(MailweaveError) as refused:
        ledger().hand_over([replace(arrival(outside, 1), tracked_by=by)], to=at(1))

    assert ("rule_unknown", []) == (refused.value.code, outside.uids())


def test_in_an_epoch_that_begins_nothing_lies_where_it_lay(ledger, outside):
    kept = ledger()
    kept.hand_over([arrival(outside, 1)], to=at(1))
    kept.vacate(at(8))

    assert [1] == kept.untracked(at(8), [1])
    assert [(None,)] == outside.rows("SELECT uid FROM fetcher.delivery WHERE mailbox = %(mailbox)s")
