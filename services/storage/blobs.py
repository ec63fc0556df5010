"""
Raw mails in a folder, each under the SHA-256 of its bytes: ``ab/cd/<sha256>``.

A blob has its name only once it is whole and durable: it is written beside, flushed, renamed, and the folders on the
way are flushed. So a killed writer leaves at most a nameless temporary file.
"""

import hashlib
import os
import re
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self
from uuid import uuid4

from services.domain.errors import MailweaveError, Retry
from services.storage import durable

_SHA256 = re.compile(r"[0-9a-f]{64}")
_UNFINISHED = "unfinished"


class Missing(MailweaveError):  # noqa: N818 - named for what is the matter
    """No blob has this hash: purged, or never stored."""

    code = "missing_blob"


class BlobFolder:
    """
    The blob store in a folder, made when first written to. Safe for several writers, processes too.

    Whatever the disk does (full, read-only, broken) is raised as ``Retry``.
    """

    def __init__(self, root: Path) -> None:
        self._root = root
        # Leaf folders whose own entry in their parents this object has flushed.
        self._flushed: set[Path] = set()

    def path(self, sha256: str) -> Path:
        """Return where the blob lies or would lie; ``ValueError`` when this is no hash."""
        if not _SHA256.fullmatch(sha256):
            raise ValueError(f"not a SHA-256 in lower-case hex: {sha256!r}")
        return self._root / sha256[:2] / sha256[2:4] / sha256

    def exists(self, sha256: str) -> bool:
        """Whether the blob is there."""
        return self.path(sha256).is_file()

    def put_many(self, contents: Sequence[bytes]) -> list[str]:
        """
        Store these bytes and return their hashes in the same order; on return all of them are durable.

        A blob that exists is not written again. On ``Retry`` some of them may be stored, none of them by half.
        """
        hashes = [hashlib.sha256(one).hexdigest() for one in contents]
        unfinished: dict[str, Path] = {}
        try:
            for sha256, content in zip(hashes, contents, strict=True):
                if sha256 not in unfinished and not self._holds(sha256, len(content)):
                    unfinished[sha256] = self._new_name()
                    durable.write(unfinished[sha256], content)
            for sha256, path in unfinished.items():
                self._publish(path, sha256)
            # The old ones too: their writer may have been killed before it came to this.
            self._flush_folders(hashes)
        except OSError as error:
            durable.discard(unfinished.values())
            raise _retry(error) from error
        return hashes

    def writer(self) -> "BlobWriter":
        """Return a writer for a mail that comes in chunks."""
        try:
            return BlobWriter(self, self._new_name())
        except OSError as error:
            raise _retry(error) from error

    def read(self, sha256: str) -> bytes:
        """Return the blob; ``Missing`` when there is none."""
        try:
            return self.path(sha256).read_bytes()
        except FileNotFoundError as error:
            raise Missing(f"no blob {sha256}") from error
        except OSError as error:
            raise _retry(error) from error

    def verify(self, sha256: str) -> bool:
        """Whether the blob is there and its bytes still have its hash."""
        try:
            with self.path(sha256).open("rb") as file:
                return hashlib.file_digest(file, "sha256").hexdigest() == sha256
        except FileNotFoundError:
            return False
        except OSError as error:
            raise _retry(error) from error

    def all(self) -> Iterator[str]:
        """Yield the hash of every blob, in the order of the hashes."""
        for path in sorted(self._root.glob("[0-9a-f][0-9a-f]")):
            for leaf in sorted(path.iterdir()):
                yield from sorted(blob.name for blob in leaf.iterdir() if _SHA256.fullmatch(blob.name))

    def sweep(self, *, before: float) -> int:
        """Remove what killed writers left behind before this time (seconds since 1970); return how many."""
        removed = 0
        for path in self._root.glob(f"{_UNFINISHED}/*"):
            with suppress(FileNotFoundError):
                if path.stat().st_mtime < before:
                    path.unlink()
                    removed += 1
        return removed

    def finish(self, unfinished: Path, sha256: str) -> None:
        """Give a written and flushed file its name; for :class:`BlobWriter`."""
        self._publish(unfinished, sha256)
        self._flush_folders([sha256])

    def _holds(self, sha256: str, size: int) -> bool:
        try:
            return self.path(sha256).stat().st_size == size
        except FileNotFoundError:
            return False

    def _new_name(self) -> Path:
        folder = self._root / _UNFINISHED
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        return folder / uuid4().hex

    def _publish(self, unfinished: Path, sha256: str) -> None:
        target = self.path(sha256)
        target.parent.parent.mkdir(mode=0o700, exist_ok=True)
        target.parent.mkdir(mode=0o700, exist_ok=True)
        unfinished.replace(target)

    def _flush_folders(self, hashes: Sequence[str]) -> None:
        leaves = {self.path(sha256).parent for sha256 in hashes}
        new = leaves - self._flushed
        for folder in sorted(
            leaves | {leaf.parent for leaf in new} | ({self._root, self._root.parent} if new else set())
        ):
            durable.flush_folder(folder)
        self._flushed |= new


class BlobWriter:
    """A blob that is being written. Leaving the ``with`` block without ``commit`` leaves nothing."""

    def __init__(self, blobs: BlobFolder, path: Path) -> None:
        self._blobs = blobs
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
            raise _retry(error) from error

    def commit(self) -> str:
        """Make the blob durable under its name and return its hash."""
        sha256 = self._hash.hexdigest()
        try:
            os.fsync(self._file)
            self._close()
            self._blobs.finish(self._path, sha256)
        except OSError as error:
            self.abort()
            raise _retry(error) from error
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


def _retry(error: OSError) -> Retry:
    return Retry(f"blob store: {error.strerror or type(error).__name__}")
