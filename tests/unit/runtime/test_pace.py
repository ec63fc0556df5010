"""How often a stage takes a batch."""

from services.runtime.pace import BATCH_RECORDS, BUSY_RECORDS, Pace


def test_the_first_record_of_a_quiet_time_is_taken_at_once() -> None:
    pace = Pace()
    assert pace.pause(100.0, 1) == 0
    pace.took(100.0, 1)
    assert pace.pause(101.0, 1) == 0


def test_batches_of_few_records_come_closer_than_batches_of_many() -> None:
    few, many = Pace(), Pace()
    few.took(100.0, BUSY_RECORDS - 1)
    many.took(100.0, BUSY_RECORDS)
    assert 0 < few.pause(100.0, 1) < many.pause(100.0, 1)


def test_what_fills_a_batch_is_not_waited_for() -> None:
    pace = Pace()
    pace.took(100.0, BATCH_RECORDS)
    assert pace.pause(100.0, BATCH_RECORDS - 1) > 0
    assert pace.pause(100.0, BATCH_RECORDS) == 0
