"""Files that are whole and on the disk, or not there: the steps, for those who order them."""

import os
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path


def write(path: Path, content: bytes) -> None:
    """Make a file that nobody else may read, with this content, flushed to the disk; it must not exist."""
    file = create(path)
    try:
        write_all(file, content)
        os.fsync(file)
    finally:
        os.close(file)


def create(path: Path) -> int:
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


def discard(paths: Iterable[Path]) -> None:
    """Remove what is there of these files; what cannot be removed stays."""
    for path in paths:
        with suppress(OSError):
            path.unlink(missing_ok=True)
