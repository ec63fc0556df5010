"""What is read besides the inbox: Sent, folders with a rule, and what people have flagged anywhere."""

import pytest

from services.fetcher import failures, fetch, keywords
from services.fetcher.imap import session
from services.fetcher.mechanisms import Password
from tests.component.fetcher.folder_server import FolderServer, mail, rows_of, wire_name

pytestmark = pytest.mark.component

RULE = {'Kunden/Große "A" & B': "folder-rule/a"}
NAME = next(iter(RULE))


@pytest.fixture
def server(stack, dovecot, outside, through):
    return FolderServer(stack, dovecot, outside, through)


def marks(server):
    return [(r["subject"], r["folder"], r["folder_role"], r["tracked_by"]) for r in server.outside.records()]


def test_sent_is_found_by_its_use_and_read_while_the_switch_is_on(server):
    server.append(mail(1), folder="Sent")
    server.check()
    assert [] == marks(server)

    server.check(sent=True)
    server.check(sent=True)

    assert [("mail 1", "Sent", "sent", "")] == marks(server)


def test_the_folder_of_a_rule_is_read_and_its_mail_says_so(server):
    server.append(mail(1), folder=NAME)
    server.append(mail(2))
    server.check(rules=RULE)
    server.check(rules=RULE)

    assert [("mail 1", NAME, "", "folder-rule/a"), ("mail 2", "INBOX", "inbox", "")] == marks(server)

    server.append(mail(3), folder=NAME)
    server.check()
    assert 2 == len(server.outside.records())


@pytest.mark.parametrize("name", ["a*b%c", 'a"b\\c', "Ünïcödé/日本語", "x & y", " two words "])
def test_names_of_every_kind_are_read(server, name):
    server.append(mail(1), folder=name)
    server.check(rules={name: "folder-rule/a"})

    assert [("mail 1", name, "", "folder-rule/a")] == marks(server)


def test_what_a_person_flags_before_it_is_read_is_tracked_at_once(server):
    server.append(mail(1), mail(2))
    server.flag(2)
    server.check()

    assert [("mail 1", ""), ("mail 2", "keyword")] == [(m[0], m[3]) for m in marks(server)]


def test_what_a_person_flags_later_is_handed_over_again_as_tracked_and_once(server):
    server.append(mail(1), mail(2))
    server.check()
    server.flag(1, keyword="$mailweavetracked")
    server.flag(2, keyword="$MailweaveTrackedNot")
    for _ in range(3):
        server.check()

    assert [("mail 1", ""), ("mail 2", ""), ("mail 1", "keyword")] == [(m[0], m[3]) for m in marks(server)]
    assert 2 == len({record["delivery_id"] for record in server.outside.records()})
    assert ["keyword", ""] == [row[4] for row in rows_of(server.outside)]


def test_what_a_person_flags_in_a_folder_that_is_not_read_is_taken_and_nothing_else_of_it(server):
    server.append(mail(1), mail(2), folder="Archiv")
    server.check()
    server.flag(2, "Archiv")
    for _ in range(2):
        server.check()
    server.renumber("Archiv", 4711)
    server.append(mail(3), folder="Archiv")
    for _ in range(2):
        server.check()

    assert [("mail 2", "Archiv", "", "keyword")] == marks(server)
    assert [("Archiv", 4711, 2)] == [row[1:] for row in server.rows()]

    server.check("INBOX", "Archiv")

    assert {"mail 1": 1, "mail 2": 1, "mail 3": 1} == server.subjects()
    assert [("Archiv", 4711, n) for n in (1, 2, 3)] == [row[1:] for row in server.rows()]


def test_a_flagged_mail_that_is_not_given_is_said_and_asked_for_again_while_others_go_on(server, monkeypatch):
    for folder in ("Alt", "Neu"):
        server.append(mail(len(folder)), folder=folder)
        server.append(mail(9), folder=folder)
    server.flag(1, "Alt")
    server.flag(2, "Neu")
    whole = fetch.read

    def read(reader, batch, *given, **how):
        if batch[0].uid == 1:
            raise failures.BodyMissing("the server lists a mail but does not give its content")
        return whole(reader, batch, *given, **how)

    monkeypatch.setattr(keywords, "read", read)
    progress = server.check()
    assert ["body_missing"] == [code for code, _ in progress.left_out]
    assert [("mail 9", "Neu")] == [m[:2] for m in marks(server)]

    monkeypatch.setattr(keywords, "read", whole)
    assert [] == server.check().left_out
    assert [("mail 9", "Neu"), ("mail 3", "Alt")] == [m[:2] for m in marks(server)]


def test_a_check_without_news_asks_one_question(server, outside, monkeypatch):
    """One LIST says of all folders that nothing has changed."""
    server.append(mail(1))
    server.append(mail(2), folder=NAME)
    server.check(sent=True, rules=RULE)
    asked = []
    with session(server.server, outside.mailbox, Password("secret")) as connection:
        send = connection.wire.send

        def told(data):
            asked.append(bytes(data).split(b" ")[1].strip())
            send(data)

        monkeypatch.setattr(type(connection.wire), "send", lambda _self, data: told(data))
        server.check_over(connection, sent=True, rules=RULE)

    assert [b"LIST"] == asked[:1]
    assert [b"LOGOUT"] == asked[1:]


def test_without_mailboxid_a_person_says_what_became_of_a_rules_folder_and_nothing_is_taken_twice(server):
    server.append(mail(1), folder="Kunden")
    server.check(rules={"Kunden": "folder-rule/a"})
    server.do(("rename", "Kunden", wire_name("Kunden alt")))
    progress = server.check(rules={"Kunden": "folder-rule/a"})
    # Without MAILBOXID the name is all there is: a person has to say which folder is meant.
    assert ["folder_unknown"] == [code for code, _ in progress.left_out]

    server.append(mail(2), folder="Kunden alt")
    server.check(rules={"Kunden alt": "folder-rule/a"})

    assert [("mail 1", "folder-rule/a"), ("mail 2", "folder-rule/a")] == [(m[0], m[3]) for m in marks(server)]


def test_news_of_the_folder_that_is_open_are_seen_on_a_connection_that_is_kept(server, outside):
    """Servers answer STATUS of the open folder by what the session has seen of it."""
    with session(server.server, outside.mailbox, Password("secret")) as connection:
        for number in range(1, 4):
            server.check_over(connection)
            server.append(mail(number))
        server.check_over(connection)

    assert {f"mail {n}": 1 for n in range(1, 4)} == server.subjects()
