"""
Runs of the command line, each in a process of its own as a user's is.

The processes are forked from one that has done the imports: they are most of what a short command takes, and the
end-to-end tests run hundreds.
"""

import os
import sys
from collections.abc import Mapping, Sequence
from multiprocessing import get_context
from pathlib import Path
from subprocess import CompletedProcess, TimeoutExpired
from tempfile import TemporaryDirectory

from services.cli.main import COMMANDS, main

_FORKS = get_context("forkserver")
_FORKS.set_forkserver_preload(["tests.commands", *(f"services.cli.{module}" for module, _ in COMMANDS.values())])


def run(arguments: Sequence[str], *, environ: Mapping[str, str], cwd: Path, seconds: float) -> CompletedProcess[str]:
    """Run ``mailweave`` with these arguments; one that takes longer is killed, and ``TimeoutExpired`` raised."""
    with TemporaryDirectory() as folder:
        said = [Path(folder, name) for name in ("stdout", "stderr")]
        process = _FORKS.Process(target=_command, args=(arguments, dict(environ), cwd, said))
        process.start()
        process.join(seconds)
        if process.exitcode is None:
            process.kill()
            process.join()
            raise TimeoutExpired(arguments, seconds, *(one.read_bytes() for one in said if one.exists()))
        stdout, stderr = (one.read_text("utf-8") for one in said)
        assert process.exitcode is not None
        return CompletedProcess(arguments, process.exitcode, stdout, stderr)


def _command(arguments: Sequence[str], environ: Mapping[str, str], cwd: Path, said: Sequence[Path]) -> None:
    for file, stream in zip(said, (sys.stdout, sys.stderr), strict=True):
        with file.open("wb") as written:
            os.dup2(written.fileno(), stream.fileno())
    os.environ.clear()
    os.environ.update(environ)
    os.chdir(cwd)
    sys.argv = ["mailweave", *arguments]
    main()
