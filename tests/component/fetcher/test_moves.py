"""Others are told when a delivery lies elsewhere: on a real server that numbers folders anew or renames them."""

from dataclasses import replace

import pytest

from services.domain.errors import Retry
from services.fetcher import cursor, former_places, moves
from tests.component.fetcher.folder_server import FolderServer, events_tell_the_places, mail, moved, rows_of

pytestmark = pytest.mark.component


@pytest.fixture
def server(stack, dovecot, outside):
    return FolderServer(stack, dovecot, outside)


def places(outside):
    return [(e["version"], e["folder"], e["uidvalidity"], e["uid"]) for e in moved(outside)]


@pytest.mark.parametrize("named", [True, False], ids=["by Message-ID", "by content"])
def test_a_folder_that_is_numbered_anew_is_told_of_once_for_each_known_mail(server, outside, named):
    server.append(*(mail(n, named=named) for n in (1, 2, 3)))
    server.check()
    assert [] == moved(outside)

    server.renumber("INBOX", 4711)
    server.append(mail(4, named=named))
    server.check()
    server.check()

    assert [(2, "INBOX", 4711, n) for n in (1, 2, 3)] == sorted(places(outside))
    assert [str(row[0]) for row in server.rows()[:3]] == [
        e["delivery_id"] for e in sorted(moved(outside), key=lambda e: e["uid"])
    ]
    events_tell_the_places(outside)


def test_a_renamed_folder_is_told_of(server, outside):
    server.append(mail(1), mail(2), folder="Projekt")
    server.check("INBOX", "Projekt")
    server.do(("rename", "Projekt", "Archiv"))
    server.check("INBOX", "Archiv")

    assert {(2, "Archiv")} == {place[:2] for place in places(outside)}
    assert 2 == len(places(outside))
    events_tell_the_places(outside)


def test_of_an_epoch_that_comes_back_it_is_told_first_that_no_place_is_known(server, outside):
    server.append(mail(1), mail(2))
    server.check()
    first = server.rows()[0][2]
    server.renumber("INBOX", first + 1)
    server.append(mail(3))
    server.check()
    server.do(("select", "INBOX"), ("store", "1", "+FLAGS", r"(\Deleted)"), ("expunge",))
    server.renumber("INBOX", first)
    server.check()
    server.do(("select", "INBOX"), ("store", "1", "+FLAGS", r"(\Deleted)"), ("expunge",))
    server.renumber("INBOX", first + 1)
    server.check()

    assert (None, None) in {place[2:] for place in places(outside)}
    events_tell_the_places(outside)


@pytest.mark.parametrize("step", ["send", "commit"])
def test_what_a_crash_takes_back_is_not_told_and_what_stays_is_told_once(server, outside, step):
    server.append(*(mail(n, named=n % 2) for n in range(1, 121)))
    server.check()
    server.renumber("INBOX", 4711)
    server.append(mail(121))

    def away(rows):
        if step == "commit":
            outside.sent.extend(rows)
        raise Retry("the store is away")

    with pytest.raises(Retry):
        server.check(ports=replace(outside.ports, send=away))
    events_tell_the_places(outside)
    server.check()

    assert {2} == {place[0] for place in places(outside)}
    assert 120 == len(places(outside))
    events_tell_the_places(outside)


def test_a_folder_of_many_mails_is_told_of_in_portions(server, outside, monkeypatch):
    monkeypatch.setattr(moves, "PORTION", 2)
    server.append(*(mail(n) for n in range(1, 6)))
    server.check()
    database, at = outside.ports.database, outside.ports.ledger(outside.mailbox, 0).position("INBOX")
    with database.transaction() as connection:
        former_places.rename(connection, outside.mailbox, replace(at, folder="Eingang"))
        former_places.rename(connection, outside.mailbox, replace(at, folder="Eingang"))
    with database.transaction() as connection:
        former_places.vacate(connection, outside.mailbox, at)

    assert [(2, "Eingang")] * 5 + [(3, "Eingang")] * 5 == sorted(place[:2] for place in places(outside))
    assert {None} == {row[3] for row in rows_of(outside)}
    events_tell_the_places(outside)


def test_a_replica_that_was_outrun_tells_nothing(server, outside):
    server.append(mail(1))
    server.check()
    at = outside.ports.ledger(outside.mailbox, 0).position("INBOX")

    with pytest.raises(cursor.FenceLost):
        cursor.rename(outside.ports.database, outside.mailbox, 0, replace(at, folder="Eingang"))

    assert [] == moved(outside)
