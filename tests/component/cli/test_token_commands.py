"""What `mailweave token` prints, and what it refuses in words."""

from uuid import uuid4

import pytest

from services.domain import own_token
from services.settings import publisher
from tests.component.cli import rows

pytestmark = pytest.mark.component


@pytest.fixture(autouse=True)
def anna(insert):
    insert(
        "resolver.directory_record", type="user", id="anna", name="Anna", active=True, partition=0, offset=0,
    )  # fmt: skip


def draw(desk, *more):
    return desk.run("token", "next", "--user", "anna", "--subject", "Offer", *more)


def test_a_token_is_printed_with_the_subject_to_send(desk):
    assert "Token: CRM:0001001\nSubject: Offer CRM:0001001\n" == draw(desk).stdout
    assert [{"token": "CRM:0001002", "subject": "Offer CRM:0001002"}] == desk.json(
        "token", "next", "--user", "anna", "--subject", "Offer"
    )


def test_the_subject_is_cut_and_a_number_that_is_too_long_is_said(desk):
    publisher.publish(
        desk.config.postgres,
        {"organization": {"tracking.token.base": 4000}},
        author="test",
        reason="",
        base_version=None,
    )
    result = desk.run("token", "next", "--user", "anna", "--subject", "x" * 400)

    assert f"Subject: {'x' * 242} CRM:04001001\n" in result.stdout
    assert "needs more digits than tracking.token.userDigits says" in result.stderr


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["next", "--subject", "x"], "either --user ID or --queue ID"),
        (["next", "--subject", "x", "--user", "anna", "--queue", "q"], "either --user ID or --queue ID"),
        (["next", "--subject", "x", "--user", "eve"], "the directory has no user 'eve'"),
        (["next", "--subject", "x", "--queue", "anna"], "the directory has no queue 'anna'"),
        (["mint", "--activity", str(uuid4())], "there is no activity"),
    ],
)
def test_what_cannot_be_is_refused_in_words(desk, arguments, words):
    result = desk.run("token", *arguments)

    assert 2 == result.exit_code
    assert words in result.stderr
    assert "Traceback" not in result.output


def test_a_pair_is_minted_for_an_activity_and_verifies(desk, insert):
    activity = rows.whole_mail(desk, insert, "a@x")
    (minted,) = desk.json("token", "mint", "--activity", str(activity), "--audience", "internal")

    found = own_token.verify(
        desk.config.token_keys, [minted["reply_to"]], [minted["message_id"].strip("<>")], at=rows.SENT
    )
    assert {own_token.reference(desk.id_key("a@x"))} == {token.ref for token in found.tokens}
    assert {"internal"} == {token.audience for token in found.tokens}
    assert minted["reply_to"].startswith("q+")
    assert minted["message_id"].endswith("@example.org>")


def test_a_mailbox_whose_name_leaves_no_room_gets_an_id_alone(desk, insert):
    activity = rows.whole_mail(desk, insert, "a@x")
    result = desk.run("token", "mint", "--activity", str(activity), "--mailbox", f"{'n' * 19}@example.org")

    assert "no Reply-To" in result.stderr
    assert result.stdout.startswith("Message-ID: <1.a.")
    assert "Reply-To" not in result.stdout


@pytest.mark.parametrize("mailbox", ["nobody", f"q@{'d' * 60}.example"])
def test_a_mailbox_that_cannot_be_is_refused(desk, insert, mailbox):
    activity = rows.whole_mail(desk, insert, "a@x")

    assert 2 == desk.run("token", "mint", "--activity", str(activity), "--mailbox", mailbox).exit_code


def test_a_token_for_the_subject_is_minted_where_that_is_wanted(desk, insert):
    activity = str(rows.whole_mail(desk, insert, "a@x"))
    refused = desk.run("token", "mint", "--activity", activity, "--subject", "Re: Offer")
    (before,) = desk.json("token", "mint", "--activity", activity)
    publisher.publish(
        desk.config.postgres,
        {"organization": {"tracking.token.ownInSubject": True, "tracking.subjectMaxLength": 255}},
        author="test",
        reason="",
        base_version=None,
    )
    (first,) = desk.json("token", "mint", "--activity", activity, "--subject", "Re: Offer")
    (then,) = desk.json("token", "mint", "--activity", activity, "--subject", f"{first['subject']} {'x' * 300}")
    said = desk.run("token", "mint", "--activity", activity).stdout

    assert (2, True) == (refused.exit_code, "tracking.token.ownInSubject=true" in refused.stderr)
    assert {"message_id", "reply_to"} == set(before)
    assert f"Re: Offer {first['subject_token']}" == first["subject"]
    assert (255, 1) == (len(then["subject"]), then["subject"].count("["))
    assert "Token for the subject: [1a" in said
    for one in (first, then):
        found = own_token.verify(desk.config.token_keys, (), (), at=rows.SENT, subject=one["subject"])
        assert [own_token.reference(desk.id_key("a@x"))] == [token.ref for token in found.in_subject]
