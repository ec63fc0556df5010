"""Internal mail that is decided again as a person has asked: the same ends as when it comes."""

import pytest

from services.domain.attachments import AttachmentLimits
from services.domain.internal import InternalMail
from tests.component.resolver.conftest import Resolver, mail
from tests.component.resolver.test_internal_copies import ANNA, BEN, check_told, copies, switch, told
from tests.component.resolver.test_redecide import ask, become, differences

pytestmark = pytest.mark.component

ONE, TWO = InternalMail(two_activities=False), InternalMail()
WITH_FILE = b"""Message-ID: <file@x.example>\r
From: Ben <ben@own.example>\r
To: anna@own.example\r
Subject: Tool\r
Content-Type: multipart/mixed; boundary=b\r
\r
--b\r
\r
Here it is.\r
--b\r
Content-Type: application/octet-stream\r
Content-Disposition: attachment; filename=tool.exe\r
\r
MZ\r
--b--\r
"""


def again(resolver: Resolver) -> None:
    ask(resolver)
    resolver.jobs()


@pytest.mark.parametrize("hours", [(0, 1), (1, 0)], ids=["sent first", "received first"])
def test_a_switch_that_is_turned_makes_one_activity_of_stored_mail_and_two_again(
    resolver: Resolver, hours: tuple[int, int]
):
    """Two, one and two activities; the incoming one ends and comes back as the same, with rising versions."""
    switch(resolver)
    become(resolver, internal=TWO)
    raw = mail("note", to=ANNA, From="Ben <ben@own.example>")
    sent, received = hours
    resolver.resolve(
        resolver.record(raw, mailbox=BEN, folder="Sent", hour=sent), resolver.record(raw, mailbox=ANNA, hour=received)
    )
    resolver.resolve(resolver.record(mail("answer", to=ANNA, answers=["note"]), hour=2))
    resolver.jobs()
    (incoming, outgoing) = (
        activity
        for (activity,) in resolver.rows(
            "SELECT a.id::text FROM resolver.activity a JOIN resolver.message m USING (message_key)"
            " WHERE message_id = 'note@x.example' ORDER BY direction"
        )
    )

    become(resolver, internal=ONE)
    assert ["rejected"] == differences(resolver)["note"]
    again(resolver)
    assert (["merged"], 2, outgoing, []) == tuple(
        told(resolver)[incoming][name] for name in ("reasons", "version", "merged_into", "deliveries")
    )
    assert [(outgoing,)] == resolver.rows("SELECT correlated::text FROM resolver.activity WHERE correlated IS NOT NULL")
    check_told(resolver)
    events = len(resolver.events())
    assert {} == differences(resolver)
    again(resolver)
    assert events == len(resolver.events())

    become(resolver, internal=TWO)
    again(resolver)
    back = told(resolver)[incoming]
    assert (["created"], 3, None) == (back["reasons"], back["version"], back["merged_into"])
    check_told(resolver)


def test_one_activity_that_was_made_of_two_copies_stays_one_when_it_is_decided_again(resolver: Resolver):
    switch(resolver)
    for record in reversed(copies(resolver)):
        resolver.resolve(record)
        resolver.jobs()
    before, events = resolver.dump(), len(resolver.events())

    assert {} == differences(resolver)
    again(resolver)
    assert before == resolver.dump()
    assert events == len(resolver.events())


def test_an_activity_that_loses_its_outgoing_copy_is_withdrawn_and_not_merged(resolver: Resolver):
    """Nobody's filter takes anything any more: neither has an opposite to end in."""
    switch(resolver)
    become(resolver, internal=TWO)
    for record in copies(resolver)[:2]:
        resolver.resolve(record)
    resolver.jobs()
    become(resolver, internal=ONE, force_users=4)
    again(resolver)

    assert {("withdrawn", None)} == {(*event["reasons"], event["merged_into"]) for event in told(resolver).values()}
    assert [] == resolver.rows("SELECT FROM resolver.activity")


def test_what_a_person_has_set_goes_over_when_it_is_decided_again(resolver: Resolver):
    switch(resolver)
    become(resolver, internal=TWO)
    for record in copies(resolver)[:2]:
        resolver.resolve(record)
    ((incoming,),) = resolver.rows("SELECT id FROM resolver.activity WHERE direction = 'incoming'")
    resolver.regarding("account/x", object=f"activity/{incoming}")
    become(resolver, internal=ONE)
    again(resolver)

    assert [("outgoing", "x", "manual")] == resolver.rows(
        "SELECT direction, regarding_id, regarding_source FROM resolver.activity"
    )
    check_told(resolver)


def test_parts_that_were_left_out_go_with_the_activity(resolver: Resolver):
    switch(resolver)
    become(resolver, attachments=AttachmentLimits(max_kb=5120, blocked=frozenset({"exe"})))
    resolver.resolve(resolver.record(WITH_FILE, mailbox=ANNA))
    assert [("tool.exe",)] == resolver.rows("SELECT name FROM resolver.dropped_attachment")
    resolver.resolve(resolver.record(WITH_FILE, mailbox=BEN, folder="Sent"))
    resolver.jobs()

    assert [("outgoing",)] == resolver.rows(
        "SELECT a.direction FROM resolver.dropped_attachment d JOIN resolver.activity a ON a.id = d.activity_id"
    )
    check_told(resolver)
