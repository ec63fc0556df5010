"""The reference page and the JSON Schema of all settings, made from their declarations."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from pydantic.fields import FieldInfo

from services.settings.declaring import About, Strict, about
from services.settings.models import KINDS
from services.settings.organization import Organization

KEYS: Mapping[str, str] = {
    "organization": "`organization`",
    "server-profile": "`server-profile/ID`",
    "mailbox": "`mailbox/ADDRESS`",
    "principal": "`principal/TYPE:ID`",
    "folder-rule": "`folder-rule/ID`",
}
_HEAD = """\
# Settings

Written by `mailweave settings docs`; a test compares this page with the declarations.

An object is shown with `mailweave settings show KEY`, changed with `settings set KEY FIELD=VALUE`, and given its
defaults again with `settings unset KEY FIELD`. Every change has a version, an author, a time and a reason
(`settings history`), reaches running services within seconds, and can be taken back (`settings restore VERSION`).

*Not yet acting* means: the value is stored, checked, shown and published, and nothing reads it yet.
"""


def page() -> str:
    """Return the reference page, as Markdown."""
    return "\n".join([_HEAD, *_organization(), *(line for kind in KINDS for line in _object(kind))])


def _organization() -> Iterator[str]:
    yield f"## {KEYS['organization']}\n"
    yield "| field | row of the settings page | default | bounds | meaning | section | acts in |"
    yield "|---|---|---|---|---|---|---|"
    properties = schema("organization")["properties"]
    for field in Organization.model_fields.values():
        key = str(field.alias)
        said = about(field)
        cells = (
            f"`{key}`", said.row or "-", _default(field), _bounds(properties[key], said), str(field.description),
            said.section, said.acts or "not yet acting",
        )  # fmt: skip
        yield f"| {' | '.join(_cell(one) for one in cells)} |"
    yield ""


def _object(kind: str) -> Iterator[str]:
    if kind == "organization":
        return
    yield f"## {KEYS[kind]}\n"
    yield f"{KINDS[kind].__doc__}\n"
    yield "| field | default | bounds | meaning |"
    yield "|---|---|---|---|"
    properties = schema(kind)["properties"]
    for name, field in KINDS[kind].model_fields.items():
        key = field.alias or name
        cells = (f"`{key}`", _default(field), _bounds(properties[key], about(field)), field.description or "")
        yield f"| {' | '.join(_cell(one) for one in cells)} |"
    yield ""


def schema(kind: str) -> dict[str, Any]:
    """Return the JSON Schema (2020-12) of the objects of one kind."""
    return KINDS[kind].model_json_schema(by_alias=True)


def _default(field: FieldInfo) -> str:
    if field.is_required():
        return "must be given"
    value = list(field.default) if isinstance(field.default, tuple) else field.default
    return f"`{json.dumps(value, default=_plain)}`"


def _plain(value: object) -> object:
    return value.model_dump(by_alias=True) if isinstance(value, Strict) else str(value)


def _bounds(declared: Mapping[str, Any], said: About) -> str:
    """Return the bounds in words: choices, a range, a length."""
    types = [one for one in declared.get("anyOf", [declared]) if one.get("type") != "null"]
    one = types[0]
    unit = f" {said.unit}" if said.unit else ""
    nullable = " or null" if len(types) < len(declared.get("anyOf", [declared])) else ""
    if "enum" in one:
        return ", ".join(f"`{choice}`" for choice in one["enum"]) + nullable
    for low, high, what in (
        ("minimum", "maximum", unit),
        ("minLength", "maxLength", " characters"),
        ("minItems", "maxItems", " entries"),
    ):
        if low in one or high in one:
            least = f"{one[low]:,} to " if low in one else "at most "
            return f"{least}{one[high]:,}{what}{nullable}" if high in one else f"at least {one[low]:,}{what}{nullable}"
    if one.get("format") == "date-time":
        return "date and time with zone" + nullable
    return {"boolean": "`true`, `false`"}.get(str(one.get("type")), "") + nullable


def _cell(text: str) -> str:
    return text.replace("|", r"\|").replace("\n", " ")
