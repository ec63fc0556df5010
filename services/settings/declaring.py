"""How a setting is declared: its default, bounds, meaning, and the service in which it acts."""

from typing import Any, NamedTuple

from pydantic import BaseModel, ConfigDict, Field
from pydantic.fields import FieldInfo

IDLE = "Not yet acting."
"""Ends the description of a field of an object that is stored and that nothing reads yet."""


class Strict(BaseModel):
    """Immutable; an unknown key or a value of the wrong type is an error, never a guess."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, populate_by_name=False)


class About(NamedTuple):
    """
    What a person should know of a setting besides its bounds.

    ``section`` of the domain's description; ``row`` of the settings page, empty where the page has none;
    ``acts`` names the services that read it, with commas between, empty while it is stored and acts nowhere yet.
    """

    section: str = ""
    row: str = ""
    unit: str = ""
    acts: str = ""


def setting(
    default: Any,  # noqa: ANN401 - of the type of the field
    key: str,
    text: str,
    *,
    about: About,
    **bounds: Any,  # noqa: ANN401 - what pydantic's Field takes
) -> Any:  # noqa: ANN401 - as pydantic's Field
    """Declare a field whose key in settings files is ``key``. A setting may be left out, so it has a default."""
    return Field(default=default, alias=key, description=text, json_schema_extra=about._asdict(), **bounds)


def about(field: FieldInfo) -> About:
    """Return what was declared with a field; one that says nothing of where it acts does so in its text."""
    extra = field.json_schema_extra
    return About(**{name: str(text) for name, text in extra.items()}) if isinstance(extra, dict) else About()


def is_idle(model: type[BaseModel], name: str) -> bool:
    """Whether a field, by its key in settings files, is stored and acts nowhere yet."""
    declared = {field.alias or key: field for key, field in model.model_fields.items()}
    field = declared[name]
    if isinstance(field.json_schema_extra, dict):
        return not about(field).acts
    return (field.description or "").endswith(IDLE)
