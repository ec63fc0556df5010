"""The acceptance cases that resolution answers for: the docstring of a test names each, as ``Domain case 15.N``."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

TESTS = Path(__file__).parents[1]
OWED = {*range(7, 19), 23, 24, 25}
_NAMED = re.compile(r"Domain cases? ((?:15\.\d+(?:, | and )?)+)")


def named() -> Iterator[int]:
    """Yield the numbers of the cases that tests name."""
    for file in TESTS.rglob("test_*.py"):
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
                for cases in _NAMED.findall(ast.get_docstring(node) or ""):
                    yield from map(int, re.findall(r"15\.(\d+)", cases))


def test_each_case_has_a_test_that_names_it():
    assert set() == OWED - set(named())
