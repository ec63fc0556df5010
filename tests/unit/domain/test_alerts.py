"""What signals do to an alert, whatever comes again, late or from a replica that was outrun."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from services.domain.alert_codes import KINDS, Kind
from services.domain.alerts import Alert, Change, Key, Level, Signal, SignalState, apply, resolve
from services.fetcher import failures

KEY = Key("mailbox/support@own.example", "login_refused", "incoming")
BEGIN = datetime(2026, 11, 27, tzinfo=UTC)
AT_ONCE = Kind("error", "", "")
THIRD = Kind("warning", "", "", shown_after=3)
RAISED, CLEARED = SignalState.RAISED, SignalState.CLEARED


def signal(state, second, *, fence=None, offset=None):
    at = BEGIN + timedelta(seconds=second)
    return Signal(key=KEY, state=state, observed=at, fence=fence, place=(0, second if offset is None else offset))


def run(*signals, kind=AT_ONCE, shown=True, alert=None):
    """Return the alert after these signals and the changes that were told."""
    told = []
    for one in signals:
        alert, change = apply(alert, one, kind, shown=shown)
        told += [change] if change else []
    return alert, told


def test_one_alert_counts_what_comes_again_and_is_told_of_when_the_count_has_doubled():
    alert, told = run(*(signal(RAISED, n) for n in range(9)))

    assert (alert.open, alert.count) == (True, 9)
    assert told == [Change.RAISED, Change.REPEATED, Change.REPEATED, Change.REPEATED]


def test_it_resolves_itself_and_a_new_cause_is_a_new_alert():
    first, _ = run(signal(RAISED, 0), signal(RAISED, 1))
    resolved, told = run(signal(CLEARED, 2), alert=first)
    again, more = run(signal(RAISED, 3), alert=resolved)

    assert (resolved.open, resolved.resolved_by, told) == (False, "signal", [Change.RESOLVED])
    assert (again.open, again.count, more) == (True, 1, [Change.RAISED])
    assert again.id != first.id


def test_what_passes_by_itself_shows_only_when_it_does_not():
    quiet, told = run(signal(RAISED, 0), signal(RAISED, 1), signal(CLEARED, 2), signal(RAISED, 3), kind=THIRD)
    assert (quiet.open, told) == (False, [])

    loud, told = run(signal(RAISED, 4), signal(RAISED, 5), kind=THIRD, alert=quiet)
    assert (loud.open, loud.count, told) == (True, 3, [Change.RAISED])


def test_a_late_signal_and_one_of_a_replica_that_was_outrun_change_nothing():
    alert, _ = run(signal(RAISED, 5, fence=7), signal(CLEARED, 6, fence=8))

    assert run(signal(RAISED, 9, fence=7, offset=99), alert=alert) == (alert, [])
    assert run(signal(RAISED, 4, fence=8, offset=98), alert=alert) == (alert, [])


def test_a_level_that_is_switched_off_makes_no_alert_but_an_open_one_still_resolves():
    assert run(signal(RAISED, 0), shown=False)[1] == []
    alert, _ = run(signal(RAISED, 0))

    assert run(signal(CLEARED, 1), shown=False, alert=alert)[1] == [Change.RESOLVED]


def test_a_person_resolves_it_and_it_comes_back_when_seen_again():
    alert, _ = run(signal(RAISED, 0), signal(RAISED, 1))
    done = resolve(alert, at=BEGIN + timedelta(seconds=2), by="anna")

    again, told = run(signal(RAISED, 3), alert=done)
    assert (done.resolved_by, again.open, told) == ("anna", True, [Change.RAISED])


SIGNALS = st.lists(st.tuples(st.sampled_from([RAISED, CLEARED]), st.integers(0, 5)), min_size=1, max_size=12)


@given(SIGNALS, st.data())
def test_a_redelivery_changes_nothing(shapes, data):
    """Signals of one key keep their order, and Kafka gives some of the last ones again."""
    signals = [signal(state, second, offset=n) for n, (state, second) in enumerate(shapes)]
    once: list[Alert | None] = [None]
    for one in signals:
        once.append(apply(once[-1], one, AT_ONCE, shown=True)[0])
    back = data.draw(st.integers(0, len(signals)))

    alert, told = run(*signals[back:], alert=once[-1])

    assert (alert, told) == (once[-1], [])


def test_every_code_that_can_be_raised_is_in_the_catalogue():
    servers = [c for c in vars(failures).values() if isinstance(c, type) and issubclass(c, failures.MailServerError)]

    assert {c.code for c in servers} | {"mail_unparsed", "dead_letter", "stage_stopped"} <= KINDS.keys()
    assert {Level(kind.level) for kind in KINDS.values()} == set(Level)
