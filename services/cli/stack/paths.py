"""Where the local stack keeps things: one home per stack, one folder of server software for all of them."""

import fcntl
import os
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from services.cli.stack.errors import StackError

PACKAGE = Path(__file__).resolve().parent


def checkout() -> Path:
    """The folder of the clone; the working folder when Mailweave is installed without one."""
    root = PACKAGE.parents[2]
    return root if (root / "pyproject.toml").is_file() else Path.cwd()


def home_of(environ: Mapping[str, str]) -> Path:
    """The stack's home: ``MAILWEAVE_HOME``, else ``.mailweave/stack`` in the clone."""
    given = environ.get("MAILWEAVE_HOME")
    return Path(given).expanduser().absolute() if given else checkout() / ".mailweave" / "stack"


def servers_folder() -> Path:
    """Downloaded server software, shared by all homes and kept when a stack goes down."""
    return checkout() / ".mailweave" / "servers"


@contextmanager
def locked(path: Path, *, seconds: float = 600) -> Iterator[None]:
    """
    Hold the lock file ``path``; a crash of the holder releases it.

    ``down`` removes a home with its lock file in it, so a lock counts only while the file that
    was locked is still the one that carries the name.
    """
    deadline = time.monotonic() + seconds
    while True:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if path.exists() and os.fstat(handle).st_ino == path.stat().st_ino:
                break
        except BlockingIOError:
            if time.monotonic() > deadline:
                os.close(handle)
                raise StackError(
                    f"Another command has been working on {path.parent} for {seconds:.0f} s. "
                    "Wait for it or stop it, then try again."
                ) from None
        except FileNotFoundError:
            pass
        os.close(handle)
        time.sleep(0.05)
    try:
        yield
    finally:
        os.close(handle)
