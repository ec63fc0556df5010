"""The lines of a directory file: each is checked before the first is published."""

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Annotated, Any, Literal, TypeAlias

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, model_validator

from services.domain.directory import PRINCIPALS
from services.domain.errors import Refused

MOST_SHOWN = 50
BYTE_ORDER_MARK = b"\xef\xbb\xbf"


def _clean(text: str) -> str:
    if any(ord(c) < ord(" ") for c in text):
        raise ValueError("must not hold control characters")
    return text


def _address(text: str) -> str:
    local, at, domain = text.strip().rpartition("@")
    if not (local and at and domain) or any(c.isspace() for c in text.strip()):
        raise ValueError("is no e-mail address (expected local@domain)")
    return text.strip()


Type = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_-]*$", max_length=100)]
Id = Annotated[str, Field(min_length=1, max_length=200), AfterValidator(_clean)]
Name = Annotated[str, Field(max_length=1000), AfterValidator(_clean)]
Address = Annotated[str, Field(max_length=320), AfterValidator(_clean), AfterValidator(_address)]


class Owner(BaseModel):
    """The user or queue a record belongs to."""

    model_config = ConfigDict(extra="forbid", strict=True)

    type: Type
    id: Id


class Entry(BaseModel):
    """A record with its addresses; it replaces what the directory had under this type and id."""

    model_config = ConfigDict(extra="forbid", strict=True)

    type: Type
    id: Id
    name: Name
    addresses: list[Address]
    owner: Owner | None = None
    active: bool = True


class Merging(BaseModel):
    """Says that a record has become another one of its type: what named it names that one."""

    model_config = ConfigDict(extra="forbid", strict=True)

    type: Type
    id: Id
    merged_into: Id

    @model_validator(mode="after")
    def _of_two(self) -> "Merging":
        if self.type in PRINCIPALS:
            raise ValueError("a user or queue has a mailbox and a filter, and cannot be merged: remove it")
        if self.merged_into == self.id:
            raise ValueError("a record cannot be merged into itself")
        return self


class Removal(BaseModel):
    """Removes a record. Its mail stays filed; its addresses resolve to nobody."""

    model_config = ConfigDict(extra="forbid", strict=True)

    type: Type
    id: Id
    deleted: Literal[True]


def _why(error: ValidationError) -> str:
    """Say field by field what is wrong, in the words of the file."""
    parts = []
    for one in error.errors(include_url=False):
        field = ".".join(str(p) for p in one["loc"])
        match one["type"]:
            case "missing":
                parts.append(f"{field} is missing")
            case "extra_forbidden":
                parts.append(f"{field} is no field of a directory record")
            case "string_pattern_mismatch":
                parts.append(
                    f"{field} {json.dumps(one['input'])} must be lower-case letters, digits, - and _, a letter first"
                )
            case _:
                text = one["msg"].removeprefix("Value error, ")
                parts.append(f"{field} {json.dumps(one['input'], ensure_ascii=False, default=str)[:80]}: {text}")
    return "; ".join(parts)


def _line(raw: bytes) -> Mapping[str, Any]:
    try:
        value = json.loads(raw.decode("utf-8"))
    except UnicodeDecodeError:
        raise ValueError("not UTF-8") from None
    except json.JSONDecodeError as error:
        raise ValueError(f"not JSON ({error.msg} at column {error.colno})") from None
    except RecursionError:
        raise ValueError("nested too deep") from None
    if not isinstance(value, dict):
        raise ValueError("must be an object in braces")  # noqa: TRY004 - told to a person as a broken line
    return value


def record(raw: bytes) -> dict[str, Any]:
    """Return the directory record that one line stands for; ``ValueError`` says what is wrong with it."""
    return checked(_line(raw))


def checked(value: Mapping[str, Any]) -> dict[str, Any]:
    """Return the directory record that the fields of a line stand for; ``ValueError`` says what is wrong with them."""
    try:
        if "merged_into" in value:
            merging = Merging.model_validate(value)
            return _gone(merging.type, merging.id, merging.merged_into)
        if "deleted" in value:
            removal = Removal.model_validate(value)
            return _gone(removal.type, removal.id, None)
        return {**Entry.model_validate(value).model_dump(), "deleted": False, "merged_into": None}
    except ValidationError as error:
        raise ValueError(_why(error)) from None


def _gone(kind: str, name: str, merged_into: str | None) -> dict[str, Any]:
    empty: dict[str, Any] = {"name": "", "addresses": [], "owner": None, "active": False, "deleted": True}
    return {"type": kind, "id": name, **empty, "merged_into": merged_into}


Parsed: TypeAlias = Iterator[tuple[int, dict[str, Any] | ValueError]]
"""The number of a line, and the record that it stands for or what is wrong with it."""


def json_lines(lines: Iterable[bytes]) -> Parsed:
    """Yield what each line of JSON stands for; empty lines are skipped."""
    for number, line in enumerate(lines, start=1):
        text = line.removeprefix(BYTE_ORDER_MARK) if number == 1 else line
        if not text.strip():
            continue
        try:
            yield number, record(text)
        except ValueError as error:
            yield number, error


def whole(name: str, parsed: Parsed) -> Iterator[dict[str, Any]]:
    """
    Yield the records of a file in its order, none of which counts before the last one was yielded.

    Refuses the whole file at its end when one line is broken, and lists every broken one by its number.
    """
    broken: list[str] = []
    count = 0
    for number, one in parsed:
        if not isinstance(one, ValueError):
            yield one
            continue
        count += 1
        if count <= MOST_SHOWN:
            broken.append(f"  line {number}: {one}")
    if count > MOST_SHOWN:
        broken.append(f"  … and {count - MOST_SHOWN} more")
    if count:
        lines = "one line is" if count == 1 else f"{count} lines are"
        raise Refused(f"{name}: nothing was published, because {lines} broken:\n" + "\n".join(broken))


def read(name: str, lines: Iterable[bytes]) -> list[dict[str, Any]]:
    """Return the records of a file of JSON lines, as :func:`whole` yields them."""
    return list(whole(name, json_lines(lines)))
