"""The documents name only commands, options, make targets and files that exist, and no place of their writers."""

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from services.cli.main import cli

ROOT = Path(__file__).resolve().parents[2]
DOCUMENTS = ("README.md", "CONTRIBUTING.md", "services/README.md", "deploy/README.md", "CHANGELOG.md")
SKIPPED_FOLDERS = {".git", ".venv", ".mailweave", "__pycache__", ".mypy_cache", ".ruff_cache", ".pytest_cache"}
SKIPPED_FOLDERS |= {".hypothesis", ".import_linter_cache", "node_modules", "dist"}


def _code(text: str) -> Iterator[str]:
    """Every line of the fenced blocks without a here-document's lines, then every inline code."""
    fences = re.findall(r"^```sh\n(.*?)^```", text, re.DOTALL | re.MULTILINE)
    for block in fences:
        joined = block.replace("\\\n", " ")
        yield from re.sub(r"<<'?(\w+)'?\n.*?^\1$", "", joined, flags=re.DOTALL | re.MULTILINE).splitlines()
    rest = re.sub(r"^```.*?^```", "", text, flags=re.DOTALL | re.MULTILINE)
    yield from re.findall(r"`([^`\n]+)`", rest)


def _calls(program: str) -> list[pytest.param]:  # type: ignore[valid-type]
    """Every call of the program in the documents, as words."""
    found = []
    for name in DOCUMENTS:
        for line in _code((ROOT / name).read_text("utf-8")):
            for part in re.split(r"&&|;|\|", line.partition(" #")[0]):
                try:
                    words = shlex.split(part.strip().replace("…", ""))
                except ValueError:  # a quoted part with a bar or a semicolon in it is no call of ours
                    continue
                if words and Path(words[0]).name == program:
                    found.append(pytest.param(words[1:], id=f"{name}: {part.strip()}"))
    assert found, f"no document names {program}"
    return found


@pytest.mark.parametrize("words", _calls("mailweave"))
def test_a_documented_command_exists(words):
    command: click.Command | None = cli
    context = click.Context(cli)
    while isinstance(command, click.Group) and words:
        name, *words = words
        command = command.get_command(context, name)
        assert command is not None, f"there is no {name}"
    assert command is not None

    known = {option for parameter in command.params for option in parameter.opts + parameter.secondary_opts}
    assert not {w.partition("=")[0] for w in words if w.startswith("--")} - known


@pytest.mark.parametrize("words", _calls("make"))
def test_a_documented_target_exists(words):
    targets = re.findall(r"^([a-z][a-z-]*):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE)

    assert not set(words) - set(targets)


@pytest.mark.parametrize("name", DOCUMENTS)
def test_links_inside_the_repository_lead_somewhere(name):
    document = ROOT / name
    targets = re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", document.read_text("utf-8"))

    assert not [t for t in targets if not (document.parent / t).exists()]


def _texts() -> Iterator[tuple[Path, str]]:
    for path in sorted(ROOT.rglob("*")):
        inside = path.relative_to(ROOT)
        if SKIPPED_FOLDERS & set(inside.parts) or not path.is_file():
            continue
        try:
            yield inside, path.read_text("utf-8")
        except UnicodeDecodeError:
            continue


HOMES = re.compile(
    "|".join((r"(?<![\w.~-])/(?:home|Users)" + r"/\w+/", r"(?<![\w.~-])/root" + r"/", r"[A-Z]:\\Use" + r"rs\\"))
)
SOURCES = re.compile("--(?:extra-)?index" + "-url|--find" + "-links|--trusted" + "-host")


@pytest.mark.parametrize("pattern", [HOMES, SOURCES], ids=["home folders", "package sources"])
def test_no_file_names_a_place_of_its_writer(pattern):
    """A path of somebody's machine, or a package source of somebody's network, works nowhere else."""
    found = [f"{path}: {match.group(0)}" for path, text in _texts() for match in pattern.finditer(text)]

    assert not found
