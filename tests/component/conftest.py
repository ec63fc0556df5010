"""What the tests of several services share: a migrated database, to be copied."""

from collections.abc import Iterator

import pytest

from services.storage.migrate import migrate
from tests.component.databases import created, name_of
from tests.conftest import RunningStack


@pytest.fixture(scope="session")
def migrated_in_stack(stack: RunningStack) -> Iterator[str]:
    """Return the name of a migrated database on the server of the stack."""
    with created(stack.config.postgres) as url:
        migrate(url)
        yield name_of(url)
