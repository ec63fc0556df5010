"""A directory file as a table: one record a row, the columns named in the first."""

import csv
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from services.cli.directory_file import BYTE_ORDER_MARK, Parsed, checked
from services.domain.errors import Refused

COLUMNS = ("type", "id", "name", "addresses", "owner", "active", "deleted", "merged_into")
_NEEDED = ("type", "id")
_TRUE = frozenset({"true", "yes", "1"})
_FALSE = frozenset({"false", "no", "0"})


def csv_rows(name: str, lines: Iterable[bytes]) -> Parsed:
    """
    Yield what each row stands for; empty rows are skipped. ``Refused`` where the first row does not name the columns.

    The columns stand in any order, separated by commas or by semicolons. Several addresses in a cell are separated by
    spaces or semicolons, an owner is TYPE/ID, and an empty cell is a field that is left out.
    """
    texts = _decoded(lines)
    first = next(texts, "")
    separator = ";" if ";" in first and "," not in first else ","
    columns = [cell.strip() for cell in next(csv.reader([first], delimiter=separator), [])]
    wrong = [cell for cell in columns if cell not in COLUMNS or columns.count(cell) > 1]
    missing = [one for one in _NEEDED if one not in columns]
    if wrong or missing:
        said = f"{wrong[0]!r} is none or is there twice" if wrong else f"{missing[0]} is missing"
        raise Refused(f"{name}: the first row must name the columns, of {', '.join(COLUMNS)}; {said}")
    rows = csv.reader(texts, delimiter=separator, strict=True)
    while True:
        number = rows.line_num + 2  # the row begins on the line after, and the first was read before
        try:
            cells = next(rows)
        except StopIteration:
            return
        except (csv.Error, UnicodeError) as error:
            yield number, ValueError("not UTF-8" if isinstance(error, UnicodeError) else f"not CSV ({error})")
            continue
        if not any(cell.strip() for cell in cells):
            continue
        try:
            if len(cells) != len(columns):
                raise ValueError(f"has {len(cells)} cells, and there are {len(columns)} columns")
            yield number, checked(_fields(dict(zip(columns, cells, strict=True))))
        except ValueError as error:
            yield number, error


def _decoded(lines: Iterable[bytes]) -> Iterator[str]:
    for number, line in enumerate(lines):
        yield (line.removeprefix(BYTE_ORDER_MARK) if number == 0 else line).decode("utf-8", "surrogateescape")


def _fields(row: Mapping[str, str]) -> dict[str, Any]:
    """Return the fields of a row as a line of JSON has them."""
    cells = {column: cell.strip() for column, cell in row.items() if cell.strip()}
    if any("\udc80" <= character <= "\udcff" for cell in cells.values() for character in cell):
        raise ValueError("not UTF-8")
    if _switch(cells.pop("deleted", "no"), "deleted"):
        return {"deleted": True} | {one: cells[one] for one in _NEEDED if one in cells}
    if "merged_into" in cells:
        return {one: cells[one] for one in (*_NEEDED, "merged_into") if one in cells}
    fields: dict[str, Any] = {"name": "", **cells, "addresses": cells.get("addresses", "").replace(";", " ").split()}
    fields["active"] = _switch(cells.get("active", "yes"), "active")
    if "owner" in cells:
        kind, slash, owner = cells["owner"].partition("/")
        if not slash:
            raise ValueError(f"owner {cells['owner'][:80]!r} must be TYPE/ID")
        fields["owner"] = {"type": kind, "id": owner}
    return fields


def _switch(cell: str, column: str) -> bool:
    if cell.lower() in _TRUE | _FALSE:
        return cell.lower() in _TRUE
    raise ValueError(f"{column} {cell[:80]!r} must be true or false")
