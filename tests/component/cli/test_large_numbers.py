"""A number larger than the database can count to is refused like any other that makes no sense."""

import pytest

from tests.component.cli.conftest import Desk

pytestmark = pytest.mark.component

HUGE = str(2**64)


@pytest.mark.parametrize(
    "arguments",
    [
        ("activities", "--of", "account/x", "--limit", HUGE),
        ("alerts", "--limit", HUGE),
        ("dead", "list", "--limit", HUGE),
        ("review", "list", "--limit", HUGE),
        ("settings", "history", "organization", "--limit", HUGE),
        ("settings", "export", "--version", HUGE),
        ("settings", "restore", HUGE, "--reason", "r"),
        ("settings", "set", "organization", "tracking.mode=best", "--reason", "r", "--base", HUGE),
    ],
    ids=lambda arguments: " ".join(arguments[:2]),
)
def test_a_number_that_nothing_can_count_to_is_refused(desk: Desk, arguments: tuple[str, ...]):
    refused = desk.run(*arguments)

    assert (2, True) == (refused.exit_code, "is not in the range" in refused.stderr), refused
