"""A database of its own for each test, and a way to run commands on it."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import psycopg
import pytest
from click.testing import CliRunner, Result

from services.cli.main import cli
from services.domain.identity import keyed_hash
from services.runtime.config import Config, load
from services.storage import migrate
from tests.component.databases import created
from tests.conftest import RunningStack


@dataclass(frozen=True)
class Desk:
    """A store to put rows into, and the command line that reads it."""

    config: Config
    environ: dict[str, str]
    owner: psycopg.Connection

    def run(self, *arguments: str, stdin: str | None = None) -> Result:
        return CliRunner().invoke(cli, list(arguments), prog_name="mailweave", env=self.environ, input=stdin)

    def json(self, *arguments: str) -> list[dict[str, Any]]:
        result = self.run(*arguments, "--json")
        return [json.loads(line) for line in result.stdout.splitlines()]

    def id_key(self, message_id: str) -> UUID:
        return keyed_hash(self.config.hash_key, "id", message_id)


@pytest.fixture
def desk(stack: RunningStack, migrated_in_stack: str, tmp_path) -> Iterator[Desk]:
    """An empty, migrated database on the real server, dropped at the end."""
    blobs = tmp_path / "blobs"
    blobs.mkdir()
    with created(stack.config.postgres, migrated_in_stack) as url:
        environ = {**stack.environ, "MAILWEAVE_POSTGRES": url, "MAILWEAVE_BLOBS": str(blobs)}
        config = load(environ)
        migrate.register_key(url, config.secret_key)
        with psycopg.connect(url, autocommit=True) as owner:
            yield Desk(config, environ, owner)


Insert = Callable[..., None]


@pytest.fixture
def insert(desk: Desk) -> Insert:
    """Put one row into a table: ``insert("resolver.message", message_key=…)``."""

    def put(table: str, **values: object) -> None:
        names = ", ".join(f'"{name}"' for name in values)
        holes = ", ".join(f"%({name})s" for name in values)
        desk.owner.execute(f"INSERT INTO {table} ({names}) VALUES ({holes})", values)

    return put
