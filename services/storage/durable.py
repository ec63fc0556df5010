"""Files that are whole and on the disk, or not there: the steps, for those who order them."""

import ctypes
import os
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from services.domain.errors import Retry

_syncfs = getattr(ctypes.CDLL(None, use_errno=True), "syncfs", None)
# From here on one flush of the whole file system is cheaper: 200 mails 0.14 s, flushed one by one 1.5 s (ext4).
MANY = 5


def flushes_at_once(count: int) -> bool:
    """Whether so many files are better flushed by :func:`flush_filesystem` than one by one."""
    return _syncfs is not None and count >= MANY


def flush_filesystem(folder: Path) -> None:
    """Flush everything written to the file system of this folder; an error of any file is raised (Linux 5.8)."""
    assert _syncfs is not None
    file = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        if _syncfs(file) != 0:
            number = ctypes.get_errno()
            raise OSError(number, os.strerror(number))
    finally:
        os.close(file)


def write(path: str | Path, content: bytes, *, flush: bool) -> None:
    """Make a file that nobody else may read, with this content, flushed to the disk or not; it must not exist."""
    file = create(path)
    try:
        write_all(file, content)
        if flush:
            os.fsync(file)
    finally:
        os.close(file)


def create(path: str | Path) -> int:
    """Open a new file for writing."""
    return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)


def write_all(file: int, content: bytes) -> None:
    """Write all of it: one call may take less."""
    rest = memoryview(content)
    while rest:
        rest = rest[os.write(file, rest) :]


def flush_folder(folder: Path) -> None:
    """Flush the entries of a folder: without it a new or renamed file may be gone after a power cut."""
    file = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(file)
    finally:
        os.close(file)


def discard(paths: Iterable[str | Path]) -> None:
    """Remove what is there of these files; what cannot be removed stays."""
    for path in paths:
        with suppress(OSError):
            Path(path).unlink(missing_ok=True)


def failure(error: OSError) -> Retry:
    """Return what a failing disk means to the caller: full, broken or read-only, it may be well again later."""
    return Retry(f"blob store: {error.strerror or type(error).__name__}")
