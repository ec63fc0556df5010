"""The topic catalogue: one YAML file per topic in ``schemas/topics/``, the only list of topics there is."""

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Annotated, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from services.contracts import schema_files
from services.domain.errors import Refused

Cleanup = Literal["delete", "compact"]
Compatibility = Literal["full", "backward", "forward", "none"]
_Text = Annotated[str, Field(min_length=1)]
_Names = Annotated[tuple[_Text, ...], Field(min_length=1)]


class SchemaVersion(BaseModel):
    """A schema that a topic carries, and the newest version that is written to it."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: _Text
    version: int = Field(ge=1, strict=True)


class Topic(BaseModel):
    """One topic: who writes and reads it, how it is kept, what it carries."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)

    name: str = Field(alias="topic", pattern=r"^[a-z][a-z0-9-]{0,200}$")
    owner: _Text
    producers: _Names
    consumers: _Names
    key: _Text
    partitions: int = Field(ge=1, le=1000, strict=True)
    cleanup: Cleanup
    retention_hours: int | None = Field(ge=1, strict=True)
    schemas: Annotated[tuple[SchemaVersion, ...], Field(min_length=1)]
    compatibility: Compatibility

    @model_validator(mode="after")
    def _bounded(self) -> "Topic":
        # Erasing a person depends on it: what is not compacted must go by itself.
        if (self.cleanup == "delete") != (self.retention_hours is not None):
            raise ValueError("retention_hours is needed with cleanup: delete, and null with cleanup: compact")
        return self


def parse(text: str, *, source: str) -> Topic:
    """Read one topic file; ``Refused`` names the file and each key that is wrong, missing or unknown."""
    try:
        return Topic.model_validate(yaml.safe_load(text))
    except yaml.YAMLError as error:
        raise Refused(f"{source}: not YAML: {error}") from error
    except ValidationError as error:
        wrong = "; ".join(f"{'.'.join(map(str, e['loc'])) or 'file'}: {e['msg']}" for e in error.errors())
        raise Refused(f"{source}: {wrong}") from error


def load(directory: Path) -> Mapping[str, Topic]:
    """Read every topic of a folder, by name; a file not named for its topic is refused."""
    found = {}
    for path in sorted(directory.iterdir()):
        topic = parse(path.read_text(encoding="utf-8"), source=path.name)
        if path.name != f"{topic.name}.yaml":
            raise Refused(f"{path.name}: the file of topic {topic.name} must be named {topic.name}.yaml")
        found[topic.name] = topic
    return MappingProxyType(found)


@cache
def catalogue() -> Mapping[str, Topic]:
    """Return every topic of this project, by name."""
    return load(schema_files.folder() / "topics")
