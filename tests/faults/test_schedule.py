"""Every crash point of the services is used, and a long run has every kind of fault."""

from pathlib import Path

import pytest

from services.cli import session
from tests.faults import crash_points, faults, schedule


def test_every_crash_point_of_the_source_is_scheduled_and_no_other():
    assert crash_points.in_source() == set(schedule.CRASH_POINTS)


def test_a_new_crash_point_is_found(tmp_path: Path):
    source = tmp_path / "services" / "fetcher" / "new.py"
    source.parent.mkdir(parents=True)
    source.write_text('crash_point("fetcher.new")\ncrash_point(f"{self.schema}.other")\n')

    assert {"fetcher.new", "correlator.other", "resolver.other"} <= crash_points.in_source(tmp_path)


def test_a_crash_point_that_cannot_be_read_is_an_error(tmp_path: Path):
    source = tmp_path / "services" / "new.py"
    source.parent.mkdir()
    source.write_text("crash_point(name)\n")

    with pytest.raises(AssertionError, match="cannot be read"):
        crash_points.in_source(tmp_path)


def test_a_long_run_has_every_kind_and_the_same_seed_the_same_order():
    kinds = schedule.kinds()

    assert len(kinds) >= 40
    assert sorted(kinds) == sorted(schedule.schedule(1, len(kinds)))
    assert schedule.schedule(1, 100) == schedule.schedule(1, 100) != schedule.schedule(2, 100)


def test_a_short_run_kills_every_service():
    assert {f"kill {service}" for service in session.SERVICES} <= set(schedule.short(5))


def test_every_fault_can_be_carried_out():
    assert {kind.partition(" ")[0] for kind in schedule.kinds()} == set(faults._VERBS)
