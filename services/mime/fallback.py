"""The child process that reads what the fast parser cannot, or what is too large for the calling process."""

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

from services.domain.message import Message
from services.mime import wire
from services.mime.limits import Limits

NO_SUCH_PART = 3  # exit code of the child
_ROOT = Path(__file__).resolve().parent.parent.parent
_one_at_a_time = threading.Lock()


class FailedError(Exception):
    """The child could not read the mail, or exceeded its limit; the text is one word that says how."""


def parse_in_child(raw: bytes, limits: Limits, *, lenient: bool, why: str = "") -> Message:
    """
    Return the message as a child reads it, or raise :class:`FailedError`.

    Blocks until the child is done, at most ``limits.patience(len(raw))``, and before that while another child of
    this process runs. The child inherits no socket, file or environment, and dies with its limit of memory or time.
    """
    line = wire.order("lenient" if lenient else "full", limits, size=len(raw), why=why)
    return _message(_run(line, raw, limits, len(raw)))


def parse_file_in_child(path: Path, size: int, limits: Limits) -> Message:
    """The same for a file, which only the child reads."""
    return _message(_run(wire.order("full", limits, size=size, file=str(path.resolve())), b"", limits, size))


def part_in_child(raw: bytes, path: str, limits: Limits, *, lenient: bool) -> bytes | None:
    """Return the decoded bytes of a part, None when there is no such part, or raise :class:`FailedError`."""
    line = wire.order("lenient-part" if lenient else "part", limits, size=len(raw), path=path)
    return _run(line, raw, limits, len(raw))


def enclosed_in_child(raw: bytes, file: str, size: int, room: str, limits: Limits, *, lenient: bool) -> int:
    """
    Have a child write the messages attached to a mail into a folder, as files 0, 1, …; return how many there are.

    The mail is ``raw``, or a ``file``. Raises :class:`FailedError`; what is in the folder then means nothing.
    """
    line = wire.order("lenient-enclosed" if lenient else "enclosed", limits, size=size, path=room, file=file)
    answer = _run(line, raw, limits, size) or b""
    if not answer.isdigit():
        raise FailedError("answer")
    return int(answer)


def _message(data: bytes | None) -> Message:
    try:
        return wire.decode(data or b"")
    except (ValueError, KeyError, TypeError) as error:
        raise FailedError("answer") from error


def _run(line: bytes, raw: bytes, limits: Limits, size: int) -> bytes | None:
    paths = os.pathsep.join([str(_ROOT), *(path for path in sys.path if path)])
    command = [sys.executable, "-m", "services.mime.child"]
    with _one_at_a_time:
        try:
            done = subprocess.run(  # noqa: S603 - this very program, no shell
                command,
                input=line + raw,
                capture_output=True,
                timeout=limits.patience(size),
                check=False,
                close_fds=True,
                env={"PYTHONPATH": paths, "PYTHONDONTWRITEBYTECODE": "1"},
            )
        except subprocess.TimeoutExpired as error:
            raise FailedError("timeout") from error
        except (OSError, ValueError, MemoryError) as error:
            raise FailedError(type(error).__name__) from error
    if done.returncode == NO_SUCH_PART:
        return None
    if done.returncode == -signal.SIGXCPU:
        raise FailedError("timeout")
    if done.returncode:
        raise FailedError(_last_word(done.stderr) if done.returncode > 0 else f"signal {-done.returncode}")
    return done.stdout


def _last_word(stderr: bytes) -> str:
    """Return the class of the exception that ended the child; its text may quote the mail."""
    lines = stderr.decode("ascii", "replace").strip().splitlines()
    name = lines[-1].partition(":")[0].rpartition(".")[2] if lines else ""
    return name if name.isidentifier() else "exit"
