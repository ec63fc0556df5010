"""
Raw mails in a folder, each under the SHA-256 of its bytes: ``ab/<sha256>``.

One level of 256 folders: with a second one most mails of a young store make a folder of their own, which takes twice
as much CPU as writing them (0.11 beside 0.05 ms, ext4), and a million mails are 4,000 files a folder.

A blob has its name only once it is whole and durable: it is written beside, flushed, renamed, and the folders on the
way are flushed. So a killed writer leaves at most a nameless temporary file.
"""

import hashlib
import os
import re
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from uuid import uuid4

from services.domain.errors import MailweaveError
from services.storage import durable
from services.storage.blob_writer import BlobWriter

_SHA256 = re.compile(r"[0-9a-f]{64}")
_UNFINISHED = "unfinished"
_ABANDONED_SECONDS = 86_400


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
        # Folders whose own entry in their parents this object has flushed.
        self._flushed: set[Path] = set()
        self._swept = False

    def path(self, sha256: str) -> Path:
        """Return where the blob lies or would lie; ``ValueError`` when this is no hash."""
        return Path(self._place(sha256))

    def _place(self, sha256: str) -> str:
        # As text: a Path takes 10 µs, and a mail needs several.
        if not _SHA256.fullmatch(sha256):
            raise ValueError(f"not a SHA-256 in lower-case hex: {sha256!r}")
        return f"{self._root}/{sha256[:2]}/{sha256}"

    def exists(self, sha256: str) -> bool:
        """Whether the blob is there."""
        return self.path(sha256).is_file()

    def put_many(self, contents: Sequence[bytes]) -> list[str]:
        """
        Store these bytes and return their hashes in the same order; on return all of them are durable.

        A blob that exists is not written again. On ``Retry`` some of them may be stored, none of them by half.
        """
        hashes = [hashlib.sha256(one).hexdigest() for one in contents]
        at_once = durable.flushes_at_once(len(set(hashes)))
        unfinished: dict[str, str] = {}
        try:
            for sha256, content in zip(hashes, contents, strict=True):
                if sha256 not in unfinished and not self._holds(sha256, len(content)):
                    unfinished[sha256] = self._new_name()
                    durable.write(unfinished[sha256], content, flush=not at_once)
            if at_once and unfinished:
                durable.flush_filesystem(self._root)
            for sha256, path in unfinished.items():
                self._publish(path, sha256)
            # Of the old ones too: their writer may have been killed before it came to this.
            if at_once:
                durable.flush_filesystem(self._root)
            else:
                self._flush_folders(hashes)
        except OSError as error:
            durable.discard(unfinished.values())
            raise durable.failure(error) from error
        return hashes

    def writer(self) -> BlobWriter:
        """Return a writer for a mail that comes in chunks."""
        try:
            return BlobWriter(Path(self._new_name()), self._finish)
        except OSError as error:
            raise durable.failure(error) from error

    def read(self, sha256: str) -> bytes:
        """Return the blob; ``Missing`` when there is none."""
        try:
            return self.path(sha256).read_bytes()
        except FileNotFoundError as error:
            raise Missing(f"no blob {sha256}") from error
        except OSError as error:
            raise durable.failure(error) from error

    def verify(self, sha256: str) -> bool:
        """Whether the blob is there and its bytes still have its hash."""
        try:
            with self.path(sha256).open("rb") as file:
                return hashlib.file_digest(file, "sha256").hexdigest() == sha256
        except FileNotFoundError:
            return False
        except OSError as error:
            raise durable.failure(error) from error

    def all(self) -> Iterator[str]:
        """Yield the hash of every blob, in the order of the hashes."""
        for path in sorted(self._root.glob("[0-9a-f][0-9a-f]")):
            yield from sorted(blob.name for blob in path.iterdir() if _SHA256.fullmatch(blob.name))

    def _finish(self, unfinished: Path, sha256: str) -> None:
        self._publish(str(unfinished), sha256)
        self._flush_folders([sha256])

    def _holds(self, sha256: str, size: int) -> bool:
        try:
            return os.stat(self._place(sha256)).st_size == size  # noqa: PTH116 - see _place
        except FileNotFoundError:
            return False

    def _new_name(self) -> str:
        if not self._swept:
            folder = self._root / _UNFINISHED
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._sweep(folder)
            self._swept = True
        return f"{self._root}/{_UNFINISHED}/{uuid4().hex}"

    @staticmethod
    def _sweep(folder: Path) -> None:
        """Remove what killed writers left behind; nobody writes one blob for a day."""
        oldest = time.time() - _ABANDONED_SECONDS
        for path in folder.iterdir():
            with suppress(FileNotFoundError):  # another process sweeps, or its writer is done
                if path.stat().st_mtime < oldest:
                    path.unlink()

    def _publish(self, unfinished: str, sha256: str) -> None:
        try:
            os.replace(unfinished, self._place(sha256))  # noqa: PTH105 - see _place
        except FileNotFoundError:  # mostly the folders are there
            target = self.path(sha256)
            target.parent.mkdir(mode=0o700, exist_ok=True)
            Path(unfinished).replace(target)

    def _flush_folders(self, hashes: Sequence[str]) -> None:
        holding = {self.path(sha256).parent for sha256 in hashes}
        new = holding - self._flushed
        for folder in sorted(holding | ({self._root, self._root.parent} if new else set())):
            durable.flush_folder(folder)
        self._flushed |= new
