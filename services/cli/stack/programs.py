"""Finding programs of the machine, and installing what is missing where that is ours to do."""

import os
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from services.cli.stack.errors import StackError

_STANDARD = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_POLICY = Path("/usr/sbin/policy-rc.d")


def search_path_of(environ: Mapping[str, str]) -> str:
    """The caller's ``JAVA_HOME`` and ``PATH``, and the folders of system programs an ordinary path lacks."""
    java_home = environ.get("JAVA_HOME")
    first = [f"{java_home}/bin"] if java_home else []
    return ":".join([*first, *filter(None, [environ.get("PATH", "")]), _STANDARD])


def find(program: str, search_path: str) -> str | None:
    """The full path of a program."""
    return shutil.which(program, path=search_path)


def run(argv: Sequence[str], *, environ: Mapping[str, str], what: str, seconds: float = 600) -> str:
    """Run a program to its end and return what it said; a failure says what was tried and its last lines."""
    try:
        done = subprocess.run(
            list(argv),
            env=dict(environ),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=seconds,
            check=False,
            text=True,
            errors="replace",
        )
    except subprocess.TimeoutExpired as error:
        raise StackError(f"{what} took longer than {seconds:.0f} s and was given up.") from error
    except OSError as error:
        raise StackError(f"{what} failed: {error}") from error
    if done.returncode != 0:
        raise StackError(f"{what} failed (exit code {done.returncode}). Its last lines:\n{last_lines(done.stdout)}")
    return done.stdout


def last_lines(text: str, *, count: int = 12) -> str:
    """The end of a log, indented."""
    lines = [line.rstrip() for line in text.splitlines() if line.strip()]
    return "\n".join(f"    {line}" for line in lines[-count:]) or "    (nothing)"


def can_install(search_path: str) -> bool:
    """Whether missing Debian packages are ours to install: root on Debian."""
    return os.geteuid() == 0 and find("apt-get", search_path) is not None


def install(packages: Sequence[str], *, environ: Mapping[str, str], search_path: str) -> None:
    """
    Install Debian packages, and keep them from starting services of their own.

    The policy file that holds Debian's scripts back is removed again; one that exists is left alone.
    """
    settings = {**environ, "PATH": search_path, "DEBIAN_FRONTEND": "noninteractive"}
    apt = [find("apt-get", search_path) or "apt-get", "-q", "-o", "DPkg::Lock::Timeout=300"]
    names = " ".join(packages)
    run([*apt, "update"], environ=settings, what="apt-get update")
    held_back = not _POLICY.exists()
    if held_back:
        _POLICY.write_text("#!/bin/sh\nexit 101\n", "ascii")
        _POLICY.chmod(0o755)
    try:
        run(
            [*apt, "install", "-y", "--no-install-recommends", *packages],
            environ=settings,
            what=f"apt-get install {names}",
        )
    finally:
        if held_back:
            _POLICY.unlink(missing_ok=True)
