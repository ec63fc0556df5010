"""Attacks and failures as mails: what must become of each, decided on a real database; where told, in a dry run too."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner

from services import mime
from services.cli.main import cli
from tests.component.resolver import attacks
from tests.component.resolver.attacks import Case
from tests.component.resolver.conftest import Resolver, opened

pytestmark = pytest.mark.component

CASES = attacks.cases()
DIRECTORY = [
    {"type": "user", "id": "anna", "addresses": ["anna@own.example"]},
    {"type": "queue", "id": "support", "addresses": ["support@own.example"]},
    {"type": "contact", "id": "kim", "addresses": ["kim@customer.example"]},
]


@pytest.fixture(name="resolver", scope="module")
def one_for_all(stack, migrated_in_stack: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Resolver]:
    with opened(stack.config.postgres, migrated_in_stack, tmp_path_factory.mktemp("attacks")) as one:
        yield one


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.folder.name)
def test_what_becomes_of_the_mails_is_what_the_case_requires(resolver: Resolver, case: Case):
    attacks.run(case, resolver)

    became = attacks.became(case, resolver)
    expected = case.said["expected"]
    assert expected == {name: {what: became[name][what] for what in said} for name, said in expected.items()}
    counted = attacks.counted(case, resolver)
    assert {what: case.said.get(what, number) for what, number in counted.items()} == counted


@pytest.mark.parametrize("case", [c for c in CASES if c.said.get("simulate")], ids=lambda case: case.folder.name)
def test_a_dry_run_says_the_same(case: Case, tmp_path: Path):
    directory = tmp_path / "directory.jsonl"
    directory.write_text("".join(json.dumps({"name": one["id"], **one}) + "\n" for one in DIRECTORY), "utf-8")
    given = ["--mail", case.folder, "--mailbox", "support@own.example", "--directory", directory, "--json"]
    done = CliRunner().invoke(cli, ["simulate", *map(str, given)])
    assert done.exit_code == 0, done.output
    said = [json.loads(line) for line in done.stdout.splitlines()]

    names = {mime.parse(raw).message_id: name for name, raw in case.mails.items()}
    found = {names[one["message_id"]]: (one["method"], names.get(one["answers"])) for one in said}
    assert {n: (e["method"], e["target"]) for n, e in case.said["expected"].items()} == found
