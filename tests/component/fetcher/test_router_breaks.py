"""A check that breaks inside at a router: the installation hears of it in plain words, and that it is over."""

import pytest

from services.fetcher import opening
from services.fetcher.endpoint import refusals
from services.router import checks
from tests.component.fetcher.checking import signals
from tests.component.fetcher.routed import checking, mailbox_at, serving, settings, token_of

pytestmark = pytest.mark.component


@pytest.fixture
def check(outside, hostile, tmp_path):
    """Check a mailbox without mail as a router does."""
    server = hostile({})
    with serving(outside.ports, settings(outside.mailbox)) as running:
        checker = checking(running, token_of(outside), tmp_path)
        yield lambda: checker.check(mailbox_at(outside.mailbox, server, tmp_path), lambda: True)


@pytest.mark.parametrize("where", ["poll", "session", "TemporaryDirectory"])
def test_what_nobody_foresaw_is_a_failed_check_with_an_alert(outside, check, monkeypatch, caplog, where):
    with monkeypatch.context() as broken:
        broken.setattr(checks, where, lambda *_, **__: (_ for _ in ()).throw(ZeroDivisionError(outside.mailbox)))
        ended = check()

    assert ("unforeseen", True) == (ended.code, ended.delay is not None)
    query = (
        "SELECT phase, reason, last_error, last_error_code FROM fetcher.mailbox_state"
        " JOIN fetcher.mailbox USING (mailbox) WHERE mailbox = %(mailbox)s"
    )
    ((phase, reason, words, code),) = outside.rows(query)
    assert ("backing_off", "unforeseen", "unforeseen") == (phase, reason, code)
    assert "the check broke inside (ZeroDivisionError); see the log of the router" == words
    assert "ZeroDivisionError" in caplog.text

    assert "" == check().code
    assert [("unforeseen", "raised"), ("unforeseen", "cleared")] == signals(outside)


def test_what_the_endpoint_will_never_take_is_a_failed_check_with_an_alert(outside, check, monkeypatch):
    with monkeypatch.context() as broken:
        broken.setattr(opening, "opened", lambda *_, **__: (_ for _ in ()).throw(refusals.BadRequest("no")))
        ended = check()

    assert ("unforeseen", True) == (ended.code, ended.delay is not None)
    ((words,),) = outside.rows("SELECT last_error FROM fetcher.mailbox WHERE mailbox = %(mailbox)s")
    assert "the endpoint refuses what was read (bad_request); see the log of the router" == words
    assert "" == check().code
    assert [("unforeseen", "raised"), ("unforeseen", "cleared")] == signals(outside)


@pytest.mark.parametrize("said", [{"tests": 1}, {"tests": [[]]}, {"engine": "router", "tests": None}])
def test_an_endpoint_that_greets_oddly_ends_no_router(outside, tmp_path, monkeypatch, said):
    with serving(outside.ports, settings(outside.mailbox)) as running:
        checker = checking(running, token_of(outside), tmp_path)
        monkeypatch.setattr(checker.client(), "introduce", lambda: said)
        assert checker.hello() is None
