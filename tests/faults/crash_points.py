"""Which crash points the services have, found in their source."""

import ast
from collections.abc import Iterator
from pathlib import Path

from services.cli import session
from services.runtime.config import CHECKOUT
from services.storage.reports.progress import OUTBOXES


def in_source(root: Path = CHECKOUT) -> frozenset[str]:
    """Return the name of every crash point; one that is written in a way this does not know is an error."""
    return frozenset(
        name
        for path in sorted((root / "services").rglob("*.py"))
        for call in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id == "crash_point"
        for name in _names(path, call)
    )


def _names(path: Path, call: ast.Call) -> Iterator[str]:
    (given,) = call.args
    match given:
        case ast.Constant(value=str(name)):
            yield name
        case ast.JoinedStr(values=[ast.FormattedValue(value=ast.Attribute(attr="schema")), ast.Constant() as step]):
            # The drainer's: one for the outbox of each service.
            yield from (f"{schema}{step.value!s}" for schema in OUTBOXES if schema in session.SERVICES)
        case _:
            raise AssertionError(f"{path}:{call.lineno}: a crash point whose name cannot be read: {ast.unparse(given)}")
