"""The benchmark's own arithmetic: percentiles, CPU of families of processes, mails made new."""

import random

from tests.bench import mailset
from tests.bench.accounting import PAGE, TICKS, Process, by_name, parse
from tests.bench.trickle import percentile


def test_a_percentile_is_a_value_that_was_measured():
    values = [0.1 * n for n in range(1, 101)]

    assert (percentile(values, 0.5), percentile(values, 0.95), percentile(values, 0.99)) == (
        values[49],
        values[94],
        values[98],
    )
    assert percentile([3.0], 0.99) == 3.0


def test_the_time_of_children_that_ended_is_counted():
    line = "17 (a) (b c) S 3 1 1 0 -1 0 0 0 0 0 100 20 7 3 20 0 1 0 1 1 50 0"

    one = parse(line, "300 50 20 5 0 99 0")

    assert one == Process(17, 3, 107, 23, private=30 * PAGE, shared=20 * PAGE)


def test_a_family_is_everything_below_the_named_process_and_nothing_else():
    above, stranger = Process(1, 0, 9, 9, 9, 9), Process(20, 1, 1000, 1000, 1000, 1000)
    family = [Process(10, 1, 100, 10, 1, 8), Process(11, 10, 50, 5, 2, 16), Process(12, 11, 25, 2, 4, 8)]

    sums = by_name({p.pid: p for p in [above, *family, stranger]}, {"postgres": 10, "gone": 99})

    assert sums == {"postgres": (175 / TICKS, 17 / TICKS, 7 + 16), "gone": (0, 0, 0)}


def test_a_mail_made_new_keeps_its_thread_and_no_id():
    mail = b"Message-ID: <aaaaaaaaaaaaaaaa.2@x>\r\nIn-Reply-To: <bbbbbbbbbbbbbbbb.1@x>\r\nTo: inbox@crm.example\r\n\r\n"

    made = mailset.fresh(mail, "r1", "run@crm.example")

    assert b"<r1.aaaaaaaaaaaaaaaa.2@x>" in made
    assert b"<r1.bbbbbbbbbbbbbbbb.1@x>" in made
    assert b"To: run@crm.example" in made


def test_our_own_set_has_the_mix_of_the_reference():
    mails = list(mailset._own(400, random.Random(1)))

    replies = sum(b"\r\nIn-Reply-To: " in mail for mail in mails)
    files = sum(b"application/pdf" in mail for mail in mails)
    assert 0.55 < replies / 400 < 0.75
    assert 0.05 < files / 400 < 0.16
    assert mails == list(mailset._own(400, random.Random(1)))
