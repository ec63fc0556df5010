"""No silent switch: each row of the settings page is changed by a test, or marked as not yet acting, and never both."""

from services.runtime.config import CHECKOUT
from services.settings.declaring import about
from services.settings.organization import Organization
from tests.e2e import (
    settings_page,
    test_settings_page,
    test_settings_page_likeness,
    test_settings_page_mailboxes,
    test_settings_page_tokens,
)

DECLARED = [about(field) for field in Organization.model_fields.values()]


def test_each_row_has_a_test_on_a_running_pipeline_or_is_not_yet_acting():
    """A row of several settings acts as soon as one of them does."""
    filling = (
        test_settings_page,
        test_settings_page_likeness,
        test_settings_page_mailboxes,
        test_settings_page_tokens,
    )
    assert all(module.__name__ for module in filling)
    acting = {said.row for said in DECLARED if said.row and said.acts}
    idle = {said.row for said in DECLARED if said.row} - acting
    tested = settings_page.TESTED.keys() | settings_page.ELSEWHERE.keys()

    assert acting == tested
    assert not idle & tested
    assert not settings_page.TESTED.keys() & settings_page.ELSEWHERE.keys(), "a row has one test"
    assert all(path.startswith("tests/e2e/") for path in settings_page.ELSEWHERE.values()), "on a running pipeline"


def test_a_row_that_is_tested_elsewhere_is_named_there():
    for row, path in settings_page.ELSEWHERE.items():
        assert row in (CHECKOUT / path).read_text("utf-8")
