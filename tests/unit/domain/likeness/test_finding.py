"""Which conversation a mail is found to belong to."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.domain.identity import keyed_hash
from services.domain.likeness.finding import Shown, find
from services.domain.likeness.hashing import hasher
from services.domain.likeness.memory_index import MemoryIndex
from services.domain.likeness.rules import LINK, SUGGEST, TABLE
from services.domain.message import Mailbox
from tests.messages import message

HASHED = hasher(b"k")
MORNING = datetime(2024, 5, 21, 8, 0, tzinfo=UTC)
ANNA = Mailbox("Anna Bauer", "anna@own.example")
KIM = Mailbox("Kim Lee", "kim@x.example")
PAT = Mailbox("Pat Long", "pat@y.example")
TEXT = (
    "Dear Kim, attached you find our offer for the delivery of forty wooden tables and eighty chairs, ready by the "
    "second Monday of May, with the usual guarantee and every delivery carried into your garden hall by our people."
)


def mail(subject="", text="", *, sender=ANNA, to=(KIM,), at=MORNING, name="", zone="+0000"):
    return replace(
        message(message_id=name or f"{sender.address}-{at:%d%H%M%S}", subject=subject, body_text=text),
        from_=(sender,), to=tuple(to), date=at, date_raw=f"Tue, 21 May 2024 08:00:00 {zone}",
    )  # fmt: skip


def key(one):
    return keyed_hash(b"k", "id", one.message_id)


def shown(one, *answers):
    return Shown(key(one), one, one.date, key(one).int & 0xFFFF, tuple(key(a) for a in answers))


def found(*mails, batch=99):
    index, answers = MemoryIndex(), []
    for start in range(0, len(mails), batch):
        answers += find([shown(one) for one in mails[start : start + batch]], index, HASHED)
    return answers


OFFER = mail("Offer for tables", TEXT)
LATER = MORNING + timedelta(hours=3)


def reply(subject, text, **changed):
    return mail(subject, text, **{"sender": KIM, "to": (ANNA,), "at": LATER, **changed})


QUOTE = "\n".join("> " + TEXT[i : i + 60] for i in range(0, len(TEXT), 60))


@pytest.mark.parametrize(
    ("answer", "rule"),
    [
        (
            reply("Re: Offer for tables", "Fine.\n\nOn 21 May 2024 at 08:00 +0000, Anna Bauer wrote:\n> x"),
            "attribution+subject",
        ),
        (reply("Tables", f"Am 21.05.24 um 08:00 schrieb Anna Bauer:\n{QUOTE}"), "attribution+quote"),
        (reply("AW: Offer for tables", f"Gut.\n{QUOTE}"), "quote+subject"),
        (reply("Re: Offer for tables", "Fine."), "reply+answer"),
        (reply("SV: Offer for tables", "Hello Anna,\nfine.", to=(PAT,)), "reply+greeting"),
        (reply("New date (was: Offer for tables)", "When?"), "former-subject"),
    ],
    ids=lambda one: one if isinstance(one, str) else "",
)
def test_an_answer_is_linked(answer, rule):
    _, second = found(OFFER, answer)

    assert second is not None
    assert (key(OFFER), rule) == (second.target, second.rule)
    assert LINK <= second.confidence


@pytest.mark.parametrize(
    "other",
    [
        mail("Offer for tables", TEXT, at=LATER),
        mail("Offer for tables", "Something else", sender=PAT, to=(ANNA,), at=LATER),
        reply("Invitation", "Come to our party."),
        reply("", "Fine."),
        mail("Fwd: Offer for tables", "fyi", sender=PAT, to=(KIM,), at=LATER),
    ],
    ids=["sent again", "same subject", "new", "no subject", "forward"],
)
def test_without_evidence_nothing_is_linked(other):
    second = found(OFFER, other)[1]

    assert second is None or SUGGEST <= second.confidence < LINK


def test_of_two_conversations_that_look_alike_the_quoted_one_counts():
    other = mail("Offer for tables", TEXT.replace("forty", "sixty").replace("wooden", "heavy steel"), name="o")
    text = f"On 21 May 2024 at 08:00 +0000, Anna Bauer wrote:\n{QUOTE}"

    assert (None, None) == tuple(found(OFFER, other))
    assert key(OFFER) == found(OFFER, other, reply("Re: Offer for tables", text))[2].target


def test_twins_that_nothing_tells_apart_are_not_linked_as_certain():
    twin = mail("Offer for tables", TEXT, name="twin")
    second = found(OFFER, twin, reply("Re: Offer for tables", "On 21 May 2024 at 08:00 +0000, Anna Bauer wrote:\n> x"))[
        2
    ]

    assert second is None or LINK > second.confidence


def test_a_case_number_and_people_link_whatever_the_subject():
    first = mail("Your case #48211 was opened", "We look into it.")
    answer = reply("More about case 48211", "Here is more.")
    bystander = mail("Case 48211", "?", sender=PAT, to=(Mailbox("", "q@z.example"),), at=LATER)

    assert "number" == found(first, answer)[1].rule
    assert found(first, bystander)[1] is None


SERIES = [
    mail(f"[PATCH v2 {number}/3] Step {number}", "", name=f"p{number}", at=MORNING + timedelta(minutes=5 * number))
    for number in range(4)
]


def test_parts_of_a_series_hang_off_its_cover_letter_in_whatever_order_they_come():
    cover, first, second, third = SERIES
    answers = found(cover, third, first, second)[1:]

    assert [(key(cover), "cover-letter")] * 3 == [(one.target, one.rule) for one in answers]


def test_a_part_that_comes_long_after_its_series_or_a_second_time_is_not_linked():
    cover, first = SERIES[:2]
    late = replace(first, date=MORNING + timedelta(hours=2))
    again = replace(first, message_id="again", date=first.date + timedelta(seconds=20))

    assert found(cover, late)[1] is None
    assert found(cover, first, again)[2] is None


def on_list(number, subject, text="", *, sender=KIM, hours=0):
    at = MORNING + timedelta(days=number, hours=hours)
    return mail(f"[tables] {subject}", text, sender=sender, to=(), at=at, name=f"l{number}-{hours}")


def habit(*subjects):
    """Questions on a list, each with an answer that names it under the bare subject."""
    return [
        one
        for number, subject in enumerate(subjects, start=1)
        for one in (
            on_list(number, subject, "?", sender=ANNA),
            on_list(number, subject, f"On {21 + number} May 2024 at 08:00 +0000, Anna Bauer wrote:\n> ?", hours=2),
        )
    ]


KNOWN = habit("wood of oak", "wood of ash", "wood of elm", "wood of fir", "wood of yew")


@pytest.mark.parametrize(
    ("answer", "rule"),
    [
        (on_list(9, "Glue for wood", "Take any.", hours=80), "list"),
        (on_list(9, "Glue for wood", f"Take any.\n{QUOTE}", hours=800), "list+later"),
        (on_list(9, "Glue for wood", "It is solved.", sender=PAT, hours=3), "list+same-sender"),
    ],
    ids=lambda one: one if isinstance(one, str) else "",
)
def test_where_answers_have_no_mark_on_a_list_an_equal_subject_links(answer, rule):
    question = on_list(9, "Glue for wood", "Which one holds?", sender=PAT)
    *_, linked = found(*KNOWN, question, answer)
    *_, unlinked = found(*KNOWN[2:], question, answer)

    assert (key(question), rule) == (linked.target, linked.rule)
    assert linked.confidence == LINK
    assert unlinked is None or unlinked.confidence < LINK


def test_mails_that_ids_decide_are_stored_and_not_sought():
    index = MemoryIndex()
    first, second, third = (
        OFFER,
        reply("Other", "x"),
        reply("Re: Other", "y", sender=ANNA, to=(KIM,), at=LATER + timedelta(hours=1)),
    )
    answers = find([shown(first), shown(second, first), shown(third)], index, HASHED)

    assert [None, None] == answers[:2]
    assert [key(second)] == [one.target for one in answers[2:] if one]


@given(st.lists(st.sampled_from(range(6)), min_size=1, max_size=6), st.integers(1, 4))
@settings(deadline=None, max_examples=40)
def test_batches_cut_anywhere_give_the_same_answers(picked, size):
    kinds = [
        OFFER,
        reply("Re: Offer for tables", "Fine."),
        mail("Other"),
        reply("Re: Other", QUOTE),
        mail("[PATCH 0/2] a"),
        mail("[PATCH 1/2] b"),
    ]
    mails = [replace(kinds[k], message_id=f"{n}@x", date=MORNING + timedelta(seconds=n)) for n, k in enumerate(picked)]

    assert found(*mails) == found(*mails, batch=size)


@given(st.text(max_size=200), st.text(max_size=400))
@settings(deadline=None)
def test_no_mail_breaks_it(subject, text):
    found(OFFER, reply(subject, text), reply(f"Re: {subject}", text, name="n"))


@pytest.mark.parametrize(
    ("subject", "text"),
    [
        ("Re: " * 700_000, ""),
        ("[" * 2_000_000, ""),
        ("a " * 1_000_000, ">" * 10_000_000),
        ("x", "> \n" * 3_000_000),
        ("x", "w" * 10_000_000),
    ],
)
def test_hostile_mail_is_answered(subject, text):
    found(OFFER, reply(subject, text))


def test_the_table_is_in_order_and_every_rule_can_be_read():
    assert [rule.confidence for rule in TABLE] == sorted((rule.confidence for rule in TABLE), reverse=True)
    assert len(TABLE) == len({rule.name for rule in TABLE})
    assert all(rule.sentence and " " not in rule.name for rule in TABLE)
