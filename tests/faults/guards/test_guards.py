"""With one guard taken out the suite fails, and with all of them the same faults do no harm."""

import psycopg
import pytest

from services.runtime.config import CHECKOUT
from tests.faults.guards.mutants import MUTANTS, Mutant, copy
from tests.faults.planning import plan
from tests.faults.run import Outcome, run
from tests.faults.world import world

MAILS = 1200
DRAIN_SECONDS = 45.0
IDS = [mutant.guard for mutant in MUTANTS]


@pytest.mark.parametrize("mutant", MUTANTS, ids=IDS)
def test_what_is_cut_is_there(mutant, tmp_path):
    """Else the guard was written anew and this suite no longer takes it out."""
    copy(mutant, tmp_path)


@pytest.mark.faults
@pytest.mark.parametrize("mutant", MUTANTS, ids=IDS)
def test_the_suite_misses_the_guard(mutant, tmp_path_factory):
    found = _run(mutant, tmp_path_factory.mktemp("guard"), without=True)

    assert mutant.sees in {one.kind for one in found.anomalies}, str(found)


@pytest.mark.faults
def test_the_same_faults_do_no_harm_with_all_guards(tmp_path_factory):
    everything = Mutant(guard="", faults=[fault for mutant in MUTANTS for fault in mutant.faults], sees=MUTANTS[0].sees)

    found = _run(everything, tmp_path_factory.mktemp("guard"), without=False)

    assert found.clean, str(found)


def _run(mutant: Mutant, folder, *, without: bool) -> Outcome:
    source = copy(mutant, folder / "source") if without else CHECKOUT
    with world(folder, source=source) as running:
        if mutant.statements and without:
            with psycopg.connect(running.pipeline.config.postgres) as connection:
                connection.execute(mutant.statements)
        return run(running, plan(1, MAILS), mutant.faults, drain_seconds=DRAIN_SECONDS)
