"""What a stage takes from Kafka and gives to it: bytes and where they came from."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import overload
from uuid import UUID


@dataclass(frozen=True, slots=True)
class Input:
    """One record as it came."""

    topic: str
    partition: int
    offset: int
    key: bytes | None
    value: bytes | None
    headers: Mapping[str, bytes]

    @property
    def origin_time(self) -> datetime | None:
        """The mail's internal date, unless it is an imported mail's or none."""
        text = self.headers.get("origin-time")
        if text is None or self.headers.get("backfill") == b"1":
            return None
        try:
            origin = datetime.fromisoformat(text.decode())
        except ValueError:
            return None
        return origin if origin.tzinfo is not None else None


@dataclass(frozen=True, slots=True)
class Output:
    """One record to be produced. The batch that made it ends only when Kafka has acknowledged it."""

    topic: str
    key: bytes
    value: bytes | None
    headers: Mapping[str, bytes] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Rejected:
    """An input that can never succeed, and why; ``detail`` carries no content of the mail."""

    input: Input
    code: str
    detail: str
    delivery_id: UUID | None = None


class Batch(Sequence[Input]):
    """
    The inputs of one call of a handler, in the order of their partitions.

    A handler that gives up on one of them says so with ``reject`` and goes on with its neighbours.
    """

    def __init__(self, inputs: Iterable[Input]) -> None:
        self._inputs = tuple(inputs)
        self._rejects: list[Rejected] = []

    @property
    def rejects(self) -> Sequence[Rejected]:
        """The inputs that were given up so far."""
        return self._rejects

    def reject(self, given: Input, code: str, detail: str, delivery_id: UUID | None = None) -> None:
        """Give up on this input: it goes to the dead letters under ``code`` when the call has returned."""
        self._rejects.append(Rejected(given, code, detail, delivery_id))

    @overload
    def __getitem__(self, index: int) -> Input: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[Input]: ...
    def __getitem__(self, index: int | slice) -> Input | Sequence[Input]:
        return self._inputs[index]

    def __iter__(self) -> Iterator[Input]:
        return iter(self._inputs)

    def __len__(self) -> int:
        return len(self._inputs)
