"""Folders that are gone for good leave no cursor and no id behind; whatever comes back is taken no second time."""

from dataclasses import replace
from datetime import timedelta

import pytest

from services.domain.forgetting import KEPT
from tests.component.fetcher.checking import MAILS, check
from tests.component.fetcher.folder_server import FolderServer, mail
from tests.component.fetcher.test_mailbox_ids import RULE, Identifying

pytestmark = pytest.mark.component


@pytest.fixture
def server(stack, dovecot, outside, through):
    return FolderServer(stack, dovecot, outside, through)


def later(outside, time=KEPT):
    """Have so much time gone by for what is checked from now on."""
    ports = outside.ports
    outside.ports = replace(ports, now=lambda: ports.now() + time)


def cursors(outside):
    query = "SELECT folder, gone IS NOT NULL FROM fetcher.cursor WHERE mailbox = %(mailbox)s ORDER BY folder"
    return outside.rows(query)


def ids(outside):
    return [row[0] for row in outside.rows("SELECT asked FROM fetcher.known_folder WHERE mailbox = %(mailbox)s")]


def test_the_cursor_of_a_folder_that_is_gone_for_long_is_forgotten_and_its_deliveries_stay(server, outside):
    server.append(mail(1), mail(2), folder="Projekt")
    server.check("INBOX", "Projekt")
    before = server.rows()
    server.do(("delete", "Projekt"))
    server.check()
    assert [("INBOX", False), ("Projekt", True)] == cursors(outside)

    later(outside, KEPT - timedelta(hours=1))
    server.check()
    assert [("INBOX", False), ("Projekt", True)] == cursors(outside)

    later(outside)
    server.check()
    assert [("INBOX", False)] == cursors(outside)
    assert before == server.rows()


def test_a_folder_that_comes_back_after_it_was_forgotten_is_taken_no_second_time(server, outside):
    server.append(mail(1), mail(2), folder="Projekt")
    server.check("INBOX", "Projekt")
    before = [row[0] for row in server.rows()]
    server.do(("delete", "Projekt"))
    server.check()
    later(outside)
    server.check()

    server.append(mail(1), mail(2), mail(3), folder="Projekt")
    server.check("INBOX", "Projekt")

    assert {"mail 1": 1, "mail 2": 1, "mail 3": 1} == server.subjects()
    assert before == [row[0] for row in server.rows()[:2]]


def test_a_folder_that_comes_back_in_time_goes_on_from_its_cursor(server, outside):
    server.append(mail(1), folder="Projekt")
    server.check("INBOX", "Projekt")
    server.do(("rename", "Projekt", "Archiv"))
    server.check()
    later(outside, KEPT - timedelta(hours=1))
    server.do(("rename", "Archiv", "Projekt"))
    server.check()
    assert [("INBOX", False), ("Projekt", False)] == cursors(outside)

    server.do(("rename", "Projekt", "Archiv"))
    server.check()
    later(outside, KEPT - timedelta(hours=1))
    server.check()
    assert [("INBOX", False), ("Projekt", True)] == cursors(outside)


def test_a_folder_that_is_read_no_more_and_one_that_is_asked_for_are_not_forgotten(server, outside):
    server.append(mail(1), folder="Projekt")
    server.append(mail(2), folder="Alt")
    server.check("INBOX", "Projekt", "Alt")
    server.do(("delete", "Projekt"))
    for _ in range(2):
        server.check("INBOX", "Projekt")
        later(outside)
    server.check("INBOX", "Projekt")

    assert [("Alt", False), ("INBOX", False), ("Projekt", False)] == cursors(outside)
    reached = "SELECT uid FROM fetcher.cursor WHERE mailbox = %(mailbox)s AND folder = 'Projekt'"
    assert [(1,)] == outside.rows(reached)


def test_why_a_folder_could_not_be_read_is_forgotten_when_nothing_asks_for_it_any_more(server, outside):
    server.check("INBOX", "Missing")
    server.check("INBOX", "Missing")
    assert [("INBOX", False), ("Missing", False)] == cursors(outside)

    server.check()
    assert [("INBOX", False)] == cursors(outside)


def test_the_id_of_a_folder_that_is_gone_is_forgotten_once_its_rule_is_gone_too(outside, hostile, through):
    server = Identifying(hostile, {"INBOX": ("i", {}), "Größe & Co": ("g", {1: MAILS[1]})}, through)
    server.check(outside, "INBOX", rules=RULE)
    asked = f"{RULE['Größe & Co']}/Größe & Co"
    del server.folders["Größe & Co"]
    for _ in range(2):
        server.check(outside, "INBOX", rules=RULE)
        later(outside)
    assert sorted(["INBOX", asked]) == sorted(ids(outside)), "the rule waits for its own folder"

    server.check(outside, "INBOX")
    assert sorted(["INBOX", asked]) == sorted(ids(outside))
    later(outside)
    server.check(outside, "INBOX")
    assert ["INBOX"] == ids(outside)
    assert [("INBOX", False)] == cursors(outside)


def test_a_renamed_folder_that_is_found_by_its_id_is_not_gone(outside, hostile, through):
    server = Identifying(hostile, {"INBOX": ("i", {}), "Größe & Co": ("g", {1: MAILS[1]})}, through)
    server.check(outside, "INBOX", rules=RULE)
    server.folders["Neu"] = server.folders.pop("Größe & Co")
    for _ in range(2):
        server.check(outside, "INBOX")
        later(outside)
    server.check(outside, "INBOX", rules=RULE)

    assert 2 == len(ids(outside))
    assert 1 == len(outside.records())


def test_a_forgotten_folder_whose_deliveries_had_lost_their_places_hides_no_mail_behind_a_number_given_before(
    outside, hostile
):
    server = hostile({1: mail(1)})
    for epoch in (7, 8, 7):
        server.uidvalidity, server.uidnext = epoch, 9
        check(outside, server, folders=("P",))
        server.mails = {}
    check(outside, server)
    later(outside)
    check(outside, server)
    assert [("INBOX", False)] == cursors(outside)

    server.mails = {1: mail(2)}
    check(outside, server, folders=("P",))

    assert ["mail 1", "mail 2"] == [record["subject"] for record in outside.records()]
    assert 2 == len({record["delivery_id"] for record in outside.records()})
