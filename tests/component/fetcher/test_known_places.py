"""
Mails that a router hands in once more, and other mails in known places: the bytes tell them apart.

A router that had no answer hands the same mails in again; a server that is rebuilt, or comes back to an epoch that it
had, has other mails under known numbers. The first are known, the second are deliveries of their own.
"""

from dataclasses import replace
from hashlib import sha256
from uuid import UUID, uuid4

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as examples
from hypothesis import strategies as st

from services.domain.identity import delivery_id_pop3
from services.fetcher import cursor
from services.fetcher.deliveries import Passed
from services.fetcher.fetch import STREAMED_ABOVE
from services.fetcher.handover import Content, HeadersOnly, Stored
from services.router.ledger import RemoteLedger
from services.storage.blobs import BlobFolder
from tests.component.fetcher.folder_server import mail, rows_of
from tests.component.fetcher.hostile_pop3 import HostilePop3
from tests.component.fetcher.routed import checking, mailbox_at, serving, settings, token_of
from tests.component.fetcher.test_ledgers import arrival, at, by_pop3

pytestmark = pytest.mark.component


@pytest.fixture
def ledger(outside, tmp_path):
    """A router's ledger under a new claim."""
    with serving(lambda: outside.ports, settings(outside.mailbox, megabytes=20)) as running:
        client = running.client(token_of(outside))
        fence = cursor.claim(outside.ports.database, outside.mailbox).fence
        yield RemoteLedger(
            client=client, blobs=BlobFolder(tmp_path / "room"), mailbox=outside.mailbox, fence=fence, limit=20 << 20
        )
        client.close()


def subjects(outside):
    return [record["subject"] for record in outside.records()]


def one(outside, uid, number, **how):
    return arrival(outside, uid, Content(mail(number, **how)))


def test_another_mail_at_a_known_place_is_a_delivery_of_its_own_and_known_from_then_on(ledger, outside):
    assert 1 == ledger.hand_over([one(outside, 1, 1)], to=None)
    assert 0 == ledger.hand_over([one(outside, 1, 1)], to=None)
    assert 1 == ledger.hand_over([one(outside, 1, 2)], to=None)
    assert 0 == ledger.hand_over([one(outside, 1, 2)], to=at(1))

    assert ["mail 1", "mail 2"] == subjects(outside)
    assert 2 == len({record["delivery_id"] for record in outside.records()})
    # The first one is not in the folder any more, as far as anybody knows.
    assert {(0, None), (7, 1)} == {row[2:4] for row in rows_of(outside)}
    assert [mail(1), mail(2)] == [outside.ports.blobs.read(r["blob_sha256"]) for r in outside.records()]


def test_the_mail_that_was_there_first_is_known_when_it_comes_back(ledger, outside):
    for number in (1, 2, 1, 2, 1):
        ledger.hand_over([one(outside, 1, number)], to=None)

    assert ["mail 1", "mail 2"] == subjects(outside)


def test_mails_that_have_changed_places_keep_their_deliveries(ledger, outside):
    ledger.hand_over([one(outside, 1, 1), one(outside, 2, 2)], to=None)
    assert 0 == ledger.hand_over([one(outside, 1, 2), one(outside, 2, 1)], to=at(2))

    ids = {record["subject"]: record["delivery_id"] for record in outside.records()}
    places = {str(row[0]): row[3] for row in rows_of(outside)}
    assert {"mail 1": 2, "mail 2": 1} == {subject: places[id_] for subject, id_ in ids.items()}


def test_a_mail_that_is_too_large_is_one_record_however_often_it_comes(ledger, outside):
    large = arrival(outside, 1, HeadersOnly(mail(1)), 10**9)
    assert [1, 0, 0] == [ledger.hand_over([large], to=to) for to in (None, None, at(1))]

    assert [(1, 10**9, "")] == [(r["uid"], r["size"], r["blob_sha256"]) for r in outside.records()]
    assert [(7, 1)] == [row[2:4] for row in rows_of(outside)]


def test_another_mail_that_is_too_large_is_another_delivery(ledger, outside):
    for number, size in ((1, 10**9), (2, 10**9 + 1), (2, 10**9 + 1)):
        ledger.hand_over([arrival(outside, 1, HeadersOnly(mail(number)), size)], to=None)

    assert ["mail 1", "mail 2"] == subjects(outside)
    assert 2 == len({record["delivery_id"] for record in outside.records()})


def test_a_mail_is_one_record_when_the_limit_has_changed_meanwhile(ledger, outside):
    whole = one(outside, 1, 1)
    short = replace(whole, content=HeadersOnly(mail(1)[:30]))
    assert [1, 0, 0] == [ledger.hand_over([mail_], to=None) for mail_ in (short, whole, short)]


def test_a_large_mail_from_a_file_is_told_apart_like_any_other(ledger, outside):
    sizes = [STREAMED_ABOVE + 1, STREAMED_ABOVE + 1, STREAMED_ABOVE + 2]
    for size in sizes:
        raw = mail(1, size=size)
        (digest,) = ledger.blobs.put_many([raw])
        ledger.hand_over([arrival(outside, 1, Stored(digest), len(raw))], to=None)

    assert [sizes[0], sizes[2]] == [record["size"] - len(mail(1)) for record in outside.records()]
    assert all(outside.ports.blobs.verify(record["blob_sha256"]) for record in outside.records())


def test_another_pop3_mail_under_a_known_unique_id_is_what_the_fetcher_would_make_of_it(ledger, outside):
    for number in (1, 2, 2, 1):
        ledger.hand_over([by_pop3(outside, "a", mail(number))], to=None)

    other = delivery_id_pop3(outside.mailbox, f"a {sha256(mail(2)).hexdigest()}")
    assert ["mail 1", "mail 2"] == subjects(outside)
    assert [delivery_id_pop3(outside.mailbox, "a"), other] == [UUID(r["delivery_id"]) for r in outside.records()]
    assert {other: sha256(mail(2)).hexdigest()} == ledger.stored([other])


def test_what_was_passed_over_hides_no_other_mail_that_comes_to_its_place(ledger, outside):
    first = one(outside, 1, 1)
    place = {"folder_id": "INBOX", "uidvalidity": 7, "uid": 1, "received": first.internal_date}
    ledger.pass_over([Passed(id=first.id, mailbox=outside.mailbox, **place)])
    assert [1, 0] == [ledger.hand_over([one(outside, 1, 2)], to=to) for to in (None, at(1))]

    assert [1] == outside.uids()


UPLOADS = st.lists(
    st.dictionaries(st.integers(1, 3), st.sampled_from("abcA"), min_size=1, max_size=3), min_size=1, max_size=8
)


@given(UPLOADS, st.sampled_from([0, 2, 9]))
@examples(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_is_handed_in_where_no_mail_is_lost_and_no_id_has_two(outside, uploads, renumbered):
    """The capital letter is a mail that is too large to be kept."""
    mailbox = f"m{uuid4().hex[:12]}@example.org"
    outside = replace(outside, mailbox=mailbox, sent=[])
    fence = cursor.claim(outside.ports.database, mailbox).fence
    stores = replace(outside.ports, send=outside.sent.extend).ledger(mailbox, fence)
    stores = replace(stores, repeats=True)
    to = at(3, renumbered=renumbered)

    def mails(upload):
        return [
            arrival(outside, uid, HeadersOnly(b"Subject: A\r\n\r\n"), 10**9)
            if what == "A"
            else arrival(outside, uid, Content(f"Subject: {what}\r\n\r\n".encode()))
            for uid, what in upload.items()
        ]

    there: dict[int, str] = {}
    for upload in uploads:
        stores.hand_over(mails(upload), to)
        assert 0 == stores.hand_over(mails(upload), to)
        there |= upload
        names = {UUID(record["delivery_id"]): record["subject"] for record in outside.records()}
        assert there == {row[3]: names[row[0]] for row in rows_of(outside) if row[3] is not None}

    subjects_of = {(record["delivery_id"], record["subject"]) for record in outside.records()}
    assert len(subjects_of) == len(outside.records()) == len({id_ for id_, _ in subjects_of})


def test_a_rebuilt_server_with_its_old_epoch_hides_no_mail_from_a_router(outside, hostile, tmp_path):
    """An upload came through in part before the server was rebuilt, so that the cursor stands before known places."""
    server = hostile({n: mail(n) for n in range(1, 4)})
    with serving(outside.ports, settings(outside.mailbox)) as running:
        router = checking(running, token_of(outside), tmp_path)
        box = mailbox_at(outside.mailbox, server, tmp_path)
        assert 3 == router.check(box, lambda: True).mails
        with outside.ports.database.transaction() as connection:
            connection.execute("UPDATE fetcher.cursor SET uid = 0 WHERE mailbox = %s", (outside.mailbox,))
        server.mails = {1: mail(1), 2: mail(8), 3: mail(9), 4: mail(3)}
        server.uidnext = 5
        assert [2, 0] == [router.check(box, lambda: True).mails for _ in range(2)]

    assert [f"mail {n}" for n in (1, 2, 3, 8, 9)] == subjects(outside)
    ids = {record["subject"]: record["delivery_id"] for record in outside.records()}
    places = {str(row[0]): row[3] for row in rows_of(outside)}
    now = {"mail 1": 1, "mail 2": None, "mail 3": 4, "mail 8": 2, "mail 9": 3}
    assert now == {subject: places[id_] for subject, id_ in ids.items()}


def test_a_server_that_is_set_back_to_an_earlier_epoch_hides_no_mail_from_a_router(outside, hostile, tmp_path):
    server = hostile({})
    with serving(outside.ports, settings(outside.mailbox)) as running:
        router = checking(running, token_of(outside), tmp_path)
        box = mailbox_at(outside.mailbox, server, tmp_path)
        for epoch, there in ((7, {1: 1, 2: 2}), (8, {4: 1, 5: 2}), (7, {1: 3, 2: 1})):
            server.uidvalidity, server.mails, server.uidnext = epoch, {u: mail(n) for u, n in there.items()}, 9
            assert "" == router.check(box, lambda: True).code

    assert ["mail 1", "mail 2", "mail 3"] == subjects(outside)
    assert 3 == len({record["delivery_id"] for record in outside.records()})


def test_a_pop3_mail_is_deleted_by_a_router_only_when_this_very_mail_is_durable(outside, tmp_path):
    """The server gives the unique id of a mail that it has lost to another one."""
    server = HostilePop3({"a": mail(1)})
    snapshot = settings(outside.mailbox, processAndDelete=True, owner={"type": "queue", "id": "q"})
    with serving(outside.ports, snapshot) as running:
        router = checking(running, token_of(outside), tmp_path)
        box = mailbox_at(outside.mailbox, server, tmp_path, protocol="pop3", delete=True)
        for number in (1, 2, 2, 1):
            server.mails = {"a": mail(number)}
            assert ("", {}) == (router.check(box, lambda: True).code, server.mails)
    server.close()

    assert ["mail 1", "mail 2"] == subjects(outside)
