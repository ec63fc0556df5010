"""What differs between two values of a settings object, field by field."""

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

Value = Mapping[str, Any] | None


class Difference(NamedTuple):
    """One field. Where it is not set its value is None, and the default counts."""

    field: str
    before: Any
    after: Any
    was_set: bool
    is_set: bool


def between(before: Value, after: Value) -> Iterator[Difference]:
    """Yield the fields that differ, in the order in which they stand; None stands for an object that is not there."""
    old, new = before or {}, after or {}
    for field in dict.fromkeys([*old, *new]):
        was_set, is_set = field in old, field in new
        if was_set != is_set or old.get(field) != new.get(field):
            yield Difference(field, old.get(field), new.get(field), was_set, is_set)
