"""A fresh, migrated database for each test of the correlator's graph."""

from collections.abc import Iterator

import pytest

from tests.component.databases import created
from tests.conftest import RunningStack


@pytest.fixture
def url(stack: RunningStack, migrated_in_stack: str) -> Iterator[str]:
    """Return the URL of a database of its own; it is gone after the test."""
    with created(stack.config.postgres, migrated_in_stack) as url:
        yield url
