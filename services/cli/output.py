"""How answers are printed: JSON, one object a line, or text that a terminal can be trusted with."""

import json
from collections.abc import Mapping, Sequence
from typing import BinaryIO

import click

SOME = click.IntRange(min=1, max=1_000_000)
"""How many of a list are wanted; the database counts no further than to some number."""
VERSION_NUMBER = click.IntRange(min=0, max=1_000_000_000)
"""A version of the settings."""
json_option = click.option("--json", "as_json", is_flag=True, help="One JSON object per line, nothing else.")


def emit(value: Mapping[str, object]) -> None:
    """Print one JSON object on one line."""
    click.echo(json.dumps(value, ensure_ascii=False, separators=(", ", ": ")))


def printable(text: str) -> str:
    """
    Return text from a mail without what a terminal would obey: control characters become a question mark.

    A subject may hold escape sequences that rename the window or hide lines.
    """
    return "".join(c if c.isprintable() else "?" for c in text)


def table(head: Sequence[str], lines: Sequence[Sequence[object]], *, indent: str = "  ") -> None:
    """Print lines under a head, each column as wide as its widest cell."""
    cells = [list(head), *[[printable(str(cell)) for cell in line] for line in lines]]
    widths = [max(len(row[i]) for row in cells) for i in range(len(head))]
    for row in cells:
        click.echo((indent + "  ".join(c.ljust(w) for c, w in zip(row, widths, strict=True))).rstrip())


def plural(count: int, one: str, many: str | None = None) -> str:
    """Return a count with its noun: ``1 delivery``, ``2 deliveries``."""
    return f"{count:,} {one if count == 1 else many or one + 's'}"


def source_name(file: BinaryIO) -> str:
    """Return what a file is called in messages."""
    name = getattr(file, "name", "<stdin>")
    return "standard input" if name == "<stdin>" else str(name)
