"""Folders that a real server numbers anew or renames: each mail keeps its delivery, and new ones are taken."""

from collections import Counter
from dataclasses import replace

import pytest

from services.domain.errors import Retry
from tests.component.fetcher.checking import check
from tests.component.fetcher.folder_server import FolderServer, mail, rows_of

pytestmark = pytest.mark.component


@pytest.fixture
def server(stack, dovecot, outside, through):
    return FolderServer(stack, dovecot, outside, through)


@pytest.mark.parametrize("named", [True, False], ids=["by Message-ID", "by content"])
def test_a_folder_that_is_numbered_anew_is_handed_over_no_second_time(server, named):
    server.append(*(mail(n, named=named) for n in range(1, 6)))
    server.check()
    before = [row[0] for row in server.rows()]

    server.renumber("INBOX", 4711)
    server.append(mail(6, named=named))
    server.check()

    assert {f"mail {n}": 1 for n in range(1, 7)} == server.subjects()
    assert before == [row[0] for row in server.rows()[:5]]
    assert [("INBOX", 4711, n) for n in range(1, 7)] == [row[1:] for row in server.rows()]


def test_mails_that_are_alike_are_told_by_their_bytes_and_in_order(server):
    """Same second, same size; two copies of one mail; one was expunged before the folder was numbered anew."""
    server.append(mail(1), mail(2), mail(1), mail(3))
    server.check()
    server.do(("select", "INBOX"), ("store", "2", "+FLAGS", r"(\Deleted)"), ("expunge",))
    before = [row[0] for row in server.rows()]

    server.renumber("INBOX", 4711)
    server.append(mail(1), mail(4))
    server.check()

    assert {"mail 1": 3, "mail 2": 1, "mail 3": 1, "mail 4": 1} == server.subjects()
    now = {row[3]: row[0] for row in server.rows() if row[2] == 4711}
    assert [before[0], before[2], before[3]] == [now[1], now[3], now[4]]
    assert 6 == len(server.rows())


def test_a_mail_that_was_too_large_to_keep_is_known_by_date_and_size(server):
    server.append(mail(1, size=5000), mail(2))
    server.check(limit=4000)

    server.renumber("INBOX", 4711)
    server.check(limit=4000)

    assert {"mail 1": 1, "mail 2": 1} == server.subjects()
    assert [1, 2] == [row[3] for row in server.rows()]


def test_a_raw_mail_that_is_gone_is_known_by_its_hash(server, outside):
    server.append(mail(1))
    server.check()
    outside.ports.blobs.path(outside.records()[0]["blob_sha256"]).unlink()

    server.renumber("INBOX", 4711)
    server.check()

    assert {"mail 1": 1} == server.subjects()


def test_an_epoch_that_comes_back_hides_no_mail_behind_the_number_of_another(server):
    """A server that is set back to a copy gives numbers and epoch that it had before to other mails."""
    server.append(mail(1), mail(2), mail(3))
    server.check()
    first = server.rows()[0][2]
    server.renumber("INBOX", first + 1)
    server.check()
    server.do(("select", "INBOX"), ("store", "1", "+FLAGS", r"(\Deleted)"), ("expunge",))
    server.renumber("INBOX", first)
    server.append(mail(4), mail(5))
    server.check()

    assert {f"mail {n}": 1 for n in range(1, 6)} == server.subjects()
    assert [2, 3, 4, 5] == [row[3] for row in server.rows() if row[2] == first]
    assert 5 == len({row[0] for row in server.rows()})


@pytest.mark.parametrize("step", ["send", "commit"])
def test_a_crash_while_it_is_matched_goes_on_where_it_was(server, outside, step):
    server.append(*(mail(n, named=n % 2) for n in range(1, 251)))
    server.check()
    server.renumber("INBOX", 4711)
    server.append(mail(251), mail(252))

    def away(rows):
        if step == "commit":
            outside.sent.extend(rows)
        raise Retry("the store is away")

    with pytest.raises(Retry):
        server.check(ports=replace(outside.ports, send=away))
    server.check()

    assert 252 == len({row[0] for row in server.rows()})
    assert [("INBOX", 4711, n) for n in range(1, 253)] == [row[1:] for row in server.rows()]
    ids = Counter(record["delivery_id"] for record in outside.records())
    assert 252 == len(ids)


def test_a_renamed_folder_keeps_its_deliveries(server):
    """Without MAILBOXID: the name is gone, and another folder has its UIDVALIDITY."""
    server.append(mail(1), mail(2), folder="Projekt")
    server.check("INBOX", "Projekt")
    before = [row[0] for row in server.rows()]
    server.do(("rename", "Projekt", '"Kunden/Gro&AN8-e \\"A\\" & B"'.replace(" & ", " &- ")))
    name = 'Kunden/Große "A" & B'
    server.append(mail(3), folder=name)
    server.check("INBOX", name)

    assert {"mail 1": 1, "mail 2": 1, "mail 3": 1} == server.subjects()
    assert [name] * 3 == [row[1] for row in server.rows()]
    assert before == [row[0] for row in server.rows()[:2]]


def test_another_folder_of_the_old_name_is_read_as_what_it_is(server):
    server.append(mail(1), folder="Projekt")
    server.check("INBOX", "Projekt")
    server.do(("rename", "Projekt", "Archiv"))
    server.append(mail(2), folder="Projekt")
    server.check("INBOX", "Projekt", "Archiv")
    server.check("INBOX", "Projekt", "Archiv")

    # What lies in the archive now is another delivery of the message: its folder was taken over by name.
    assert {"mail 1", "mail 2"} == set(server.subjects())
    assert {"Projekt", "Archiv"} == {row[1] for row in server.rows()}


def test_a_mail_that_is_moved_into_another_folder_is_a_delivery_of_its_own(server):
    server.append(mail(1))
    server.append(mail(2), folder="Projekt")
    server.check("INBOX", "Projekt")
    server.do(("select", "INBOX"), ("copy", "1", "Projekt"))
    server.check("INBOX", "Projekt")

    assert {"mail 1": 2, "mail 2": 1} == server.subjects()
    assert 3 == len({row[0] for row in server.rows()})


def test_what_message_id_date_and_size_tell_is_not_read_again(outside, hostile):
    mails = {n: mail(n, size=n) for n in range(1, 31)}
    server = hostile(mails)
    check(outside, server)
    server.said.clear()
    server.uidvalidity = 8
    check(outside, server)

    assert [8] * 30 == [row[2] for row in rows_of(outside)]
    assert 30 == len(outside.records())
    assert not [line for line in server.said if "BODY.PEEK[]" in line]


def test_a_server_that_is_set_back_to_an_earlier_epoch_hides_no_mail_behind_a_number_that_was_given_before(
    outside, hostile
):
    server = hostile({1: mail(1), 2: mail(2)})
    for epoch, mails in ((7, {1: mail(1), 2: mail(2)}), (8, {4: mail(1), 5: mail(2)}), (7, {1: mail(3), 2: mail(1)})):
        server.uidvalidity, server.mails, server.uidnext = epoch, mails, 9
        check(outside, server)
    check(outside, server)

    records = outside.records()
    assert ["mail 1", "mail 2", "mail 3"] == [record["subject"] for record in records]
    ids = {record["subject"]: record["delivery_id"] for record in records}
    assert 3 == len(set(ids.values()))
    places = {str(id_): (epoch, uid) for id_, _, epoch, uid, _ in rows_of(outside)}
    assert {"mail 1": (7, 2), "mail 2": (8, 5), "mail 3": (7, 1)} == {s: places[id_] for s, id_ in ids.items()}


def test_the_place_of_a_mail_that_is_gone_is_free_when_its_epoch_comes_back(outside, hostile):
    server = hostile({1: mail(1), 2: mail(2)})
    for epoch, mails in ((7, {1: mail(1), 2: mail(2)}), (8, {4: mail(1)}), (7, {2: mail(3), 3: mail(1)})):
        server.uidvalidity, server.mails, server.uidnext = epoch, mails, 9
        check(outside, server)

    # The mail that had this place before it was expunged keeps its delivery, at no place.
    assert {(0, None), (7, 2), (7, 3)} == {row[2:4] for row in rows_of(outside)}
    assert ["mail 1", "mail 2", "mail 3"] == [record["subject"] for record in outside.records()]


def test_the_mails_of_a_forward_mailbox_are_known_again_by_what_lies_on_the_server(server, outside):
    def forwarded(number, *inner):
        head = f"Message-ID: <o{number}@example.org>\r\nFrom: b@example.org\r\nMIME-Version: 1.0\r\n"
        parts = b"".join(b"--b\r\nContent-Type: message/rfc822\r\n\r\n" + one + b"\r\n" for one in inner)
        return f'{head}Content-Type: multipart/mixed; boundary="b"\r\n\r\n'.encode() + parts + b"--b--\r\n"

    outside.ports = replace(outside.ports, collects=lambda _: True)
    server.append(forwarded(1, mail(1)), forwarded(2, mail(2), mail(3)), mail(4))
    server.check()
    before = {row[3]: row[0] for row in server.rows()}

    server.renumber("INBOX", 4711)
    server.append(forwarded(5, mail(5)))
    server.check()

    assert {f"mail {n}": 1 for n in range(1, 6)} == server.subjects()
    now = {row[3]: row[0] for row in server.rows()}
    assert before == {uid: id_ for uid, id_ in now.items() if uid != 4}
    assert {(4711, 1), (4711, 2), (4711, 3), (4711, 4), (None, None)} == {row[2:] for row in server.rows()}
