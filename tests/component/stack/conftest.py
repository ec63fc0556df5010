"""One stack of real servers for the tests of the stack itself."""

import os
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from services.cli import stack as local


@pytest.fixture(scope="session")
def surroundings() -> Mapping[str, str]:
    """The environment without addresses that somebody may have given."""
    return {name: value for name, value in os.environ.items() if not name.startswith("MAILWEAVE_")}


@pytest.fixture(scope="session")
def servers(tmp_path_factory: pytest.TempPathFactory, surroundings: Mapping[str, str]) -> Iterator[local.Stack]:
    """All four servers."""
    home = tmp_path_factory.mktemp("local") / "home"
    try:
        yield local.up(home, environ=surroundings)
    finally:
        local.down(home)


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Path]:
    """A home for a stack that a test starts itself, in part; it is taken down whatever happens."""
    home = tmp_path / "home"
    yield home
    local.down(home)
