"""A database of its own for each test, on the server that is given or on the one of the stack."""

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any

import psycopg
import pytest

from services.storage.blobs import BlobFolder
from services.storage.migrate import migrate
from services.storage.postgres import Database, connect
from tests.component.databases import created, name_of


@pytest.fixture(scope="session")
def server(request: pytest.FixtureRequest) -> str:
    """Return the URL of a PostgreSQL server whose login may create databases and roles."""
    given = os.environ.get("MAILWEAVE_POSTGRES")
    return given or str(request.getfixturevalue("stack").environ["MAILWEAVE_POSTGRES"])


@pytest.fixture
def empty_url(server: str) -> Iterator[str]:
    with created(server) as url:
        yield url


@pytest.fixture(scope="session")
def migrated(server: str) -> Iterator[str]:
    """Return the name of a migrated database, to be copied: that is faster than migrating each."""
    with created(server) as url:
        migrate(url)
        yield name_of(url)


@pytest.fixture
def url(server: str, migrated: str) -> Iterator[str]:
    """Return the URL of a migrated database."""
    with created(server, migrated) as url:
        yield url


@pytest.fixture
def cleanup() -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack


@pytest.fixture
def as_role(url: str, cleanup: ExitStack) -> Callable[[str], psycopg.Connection[Any]]:
    return lambda role: cleanup.enter_context(connect(url, role))


@pytest.fixture
def database(url: str, cleanup: ExitStack) -> Callable[[str], Database]:
    return lambda role: cleanup.enter_context(closing(Database(url, role)))


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "blobs"


@pytest.fixture
def blobs(root: Path) -> BlobFolder:
    return BlobFolder(root)
