"""Every failure has a code of its own, and an alert that says what to do."""

from collections.abc import Iterator

import pytest

from services.domain.alert_codes import KINDS
from services.domain.errors import MailweaveError
from services.fetcher.failures import MailServerError
from services.storage.credentials import NoCredential


def below(kind: type[MailServerError]) -> Iterator[type[MailServerError]]:
    yield kind
    for one in kind.__subclasses__():
        yield from below(one)


FAILURES: list[type[MailweaveError]] = [*below(MailServerError), NoCredential]


@pytest.mark.parametrize("failure", FAILURES)
def test_a_failure_has_an_alert(failure):
    assert failure.code in KINDS


def test_no_two_failures_share_a_code():
    assert len(FAILURES) == len({failure.code for failure in FAILURES})
