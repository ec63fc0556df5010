"""The rows of the settings page: which test changes which, and changing one for a while."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, TypeVar

from services.settings import publisher
from tests.e2e.conftest import Company

Test = TypeVar("Test", bound=Callable[..., None])

TESTED: dict[str, str] = {}
"""By row of the page, the test that changes it on a running pipeline and sees the behaviour change."""
ELSEWHERE: Mapping[str, str] = {
    "Processing method": "tests/e2e/test_router.py",
    "Folder-level tracking": "tests/e2e/test_folders.py",
    "Maximum file size for attachments": "tests/e2e/test_mail_with_files.py",
}
"""Rows that a test of another file changes: by row, the file's path from the root of the checkout."""


def changes(*rows: str) -> Callable[[Test], Test]:
    """Mark a test as the one that changes these rows."""

    def marked(test: Test) -> Test:
        assert not TESTED.keys() & set(rows), "a row has one test"
        TESTED.update(dict.fromkeys(rows, test.__name__))
        return test

    return marked


def set_now(company: Company, **fields: Any) -> int:
    """Set fields of the organisation, ``a__b`` for ``a.b``; return when every service knows the version: that one."""
    given = [f"{name.replace('__', '.')}={_json(value)}" for name, value in fields.items()]
    company.pipeline.mailweave("settings", "set", "organization", *given, "--wait")
    return publisher.current(company.postgres).version


@contextmanager
def setting(company: Company, **fields: Any) -> Iterator[int]:
    """Have the organisation's settings so for a while; yields the version."""
    try:
        yield set_now(company, **fields)
    finally:
        names = [name.replace("__", ".") for name in fields]
        company.pipeline.mailweave("settings", "unset", "organization", *names, "--wait")


def _json(value: object) -> str:
    return {True: "true", False: "false"}[value] if isinstance(value, bool) else str(value)
