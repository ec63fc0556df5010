"""A raw mail that is too large to be held at once, written to the blob store as it comes."""

import hashlib
import os
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Self

from services.storage import durable


class BlobWriter:
    """
    A blob that is being written to ``path``; ``finish`` gives it its name once it is whole and flushed.

    Leaving the ``with`` block without ``commit`` leaves nothing.
    """

    def __init__(self, path: Path, finish: Callable[[Path, str], None]) -> None:
        self._finish = finish
        self._path = path
        self._hash = hashlib.sha256()
        self._file = durable.create(path)
        self._open = True

    def write(self, chunk: bytes) -> None:
        """Append bytes; on ``Retry`` the whole blob is given up."""
        self._hash.update(chunk)
        try:
            durable.write_all(self._file, chunk)
        except OSError as error:
            self.abort()
            raise durable.failure(error) from error

    def commit(self) -> str:
        """Make the blob durable under its name and return its hash."""
        sha256 = self._hash.hexdigest()
        try:
            os.fsync(self._file)
            self._close()
            self._finish(self._path, sha256)
        except OSError as error:
            self.abort()
            raise durable.failure(error) from error
        return sha256

    def abort(self) -> None:
        """Give up: nothing of it stays. May be called again, and after ``commit``, where it does nothing."""
        self._close()
        durable.discard([self._path])

    def _close(self) -> None:
        if self._open:
            self._open = False
            os.close(self._file)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.abort()
