"""Where a mailbox stands, as a person reads it."""

from datetime import UTC, datetime

import pytest

from services.cli import mailbox_words
from services.domain.mailbox_state import Phase
from services.storage.reports.mailbox_states import Standing

AT = datetime(2026, 11, 28, 12, tzinfo=UTC)


def standing(phase, reason="", *, attempts=0, test="not_run", detail="", tested=None):
    return Standing(
        mailbox="a@x.org", phase=phase, reason=reason, cause="c", since=AT, attempts=attempts, settings_version=1,
        test_result=test, test_detail=detail, tested=tested,
    )  # fmt: skip


@pytest.mark.parametrize("phase", list(Phase))
def test_every_state_has_words(phase):
    assert mailbox_words.state(standing(phase, "timed_out"))
    assert phase.replace("_", " ") in mailbox_words.short(standing(phase))


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (None, "new: no fetcher has seen it yet"),
        (standing("enabled"), "enabled: it is read"),
        (
            standing("backing_off", "timed_out", attempts=3),
            "backing off: 3 of 10 tries have failed in a row. The mail server does not answer in time.",
        ),
        (
            standing("disabled", "login_refused", attempts=2),
            f"disabled. The server refuses user name and password, or the access token. {mailbox_words.PROBED}",
        ),
        (
            standing("disabled", "retries_used_up"),
            f"disabled. Ten checks in a row have failed. {mailbox_words.PROBED}",
        ),
    ],
)
def test_what_is_wrong_and_what_happens_by_itself(given, said):
    assert said == mailbox_words.state(given)


def test_what_to_do_is_said_when_something_is_wrong():
    assert "mailweave mailbox approve" in mailbox_words.to_do(standing("pending_approval", "not_approved"))
    assert "" == mailbox_words.to_do(standing("enabled")) == mailbox_words.to_do(None)


def test_the_result_of_the_last_test():
    failed = standing("disabled", "login_refused", test="failure", detail="the server refuses it", tested=AT)

    assert "failure at 2026-11-28 12:00:00 UTC: the server refuses it" == mailbox_words.test(failed)
    assert "not run" == mailbox_words.test(None) == mailbox_words.test(standing("enabled"))
