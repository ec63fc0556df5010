"""The planned mails: the same for the same seed, and of every sort that a run needs."""

from collections import Counter

from services import mime
from services.domain.identity import identity
from tests.faults.mails import ACCEPTED, MISSING, SENT
from tests.faults.planning import plan
from tests.faults.rendering import Form

PLAN = plan(1, 2000)


def test_the_same_seed_gives_the_same_bytes_in_the_same_order():
    first, again = ([(mail.raw, *where) for mail, *where in one.appends] for one in (PLAN, plan(1, 2000)))

    assert first == again


def test_another_seed_gives_other_mails():
    assert not PLAN.by_content.keys() & plan(2, 2000).by_content.keys()


def test_no_two_mails_are_the_same_message():
    some = PLAN.mails[:300]

    assert len(some) == len({identity(mime.parse(mail.raw)) for mail in some})
    assert len(PLAN.mails) == len(PLAN.by_content)


def test_every_form_and_every_answer_occurs():
    outcomes = Counter(outcome for mail in PLAN.mails for outcome in mail.outcomes.values())

    assert set(Form) == {mail.form for mail in PLAN.mails}
    assert {ACCEPTED, "NoRecipientMatch", "NoCorrelationMatch"} == set(outcomes)


def test_there_are_refused_mails_copies_and_messages_with_two_activities():
    assert any(folder == MISSING for _, _, folder in PLAN.appends)
    assert any(count > 1 for count in Counter((m.mark, *where) for m, *where in PLAN.appends).values())
    assert any(len(mail.directions) == 2 for mail in PLAN.mails)
    assert any(folder == SENT for _, _, folder in PLAN.appends)


def test_answers_come_before_what_they_answer_too():
    order = {mail.mark: number for number, (mail, _, _) in reversed([*enumerate(PLAN.appends)])}

    early = [mail for mail in PLAN.mails if any(order[mail.mark] < order[other.mark] for other in mail.answers)]

    assert len(early) > 50


def test_mails_that_join_two_threads_come_long_after_them():
    """So the threads exist when they are joined, and a notice is sent of it."""
    threads = PLAN.threads()
    joining = [m for m in PLAN.mails if len(m.answers) == 2 and not m.answers[1].answers]

    assert len(joining) > 20
    assert all(threads[m.mark] == threads[m.answers[0].mark] == threads[m.answers[1].mark] for m in joining)


def test_the_parser_reads_sender_and_recipients_of_every_form():
    for mail in PLAN.mails[:300]:
        message = mime.parse(mail.raw)
        read = [("from", message.from_), ("to", message.to), ("cc", message.cc)]

        assert list(mail.parties) == [(role, one.address) for role, people in read for one in people], mail.form
