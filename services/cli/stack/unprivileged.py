"""Running a server that refuses root when the caller is root, without making a user for it."""

import grp
import os
import pwd
import subprocess
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from services.cli.stack.errors import StackError
from services.cli.stack.programs import find

_MAPPED = 1


@dataclass(frozen=True, slots=True)
class Identity:
    """Who a server runs as: what to put before its command, its own name for itself, whose files it needs."""

    prefix: tuple[str, ...]
    user: str
    group: str
    owner: tuple[int, int] | None = None

    def own(self, folder: Path) -> None:
        """Hand a folder with all that is in it to the server."""
        if self.owner is None:
            return
        for parent, _, files in os.walk(folder):
            os.chown(parent, *self.owner)
            for file in files:
                os.chown(Path(parent) / file, *self.owner, follow_symlinks=False)


@lru_cache(maxsize=8)
def identity(search_path: str) -> Identity:
    """
    The caller, when that is not root.

    Root becomes another number inside a user namespace, so the files stay root's and no folder has to be
    opened for anybody. Where namespaces are forbidden (Docker's default), it becomes ``nobody`` with the one
    capability that lets it through to the home, wherever that is.
    """
    uid = os.geteuid()
    if uid != 0:
        try:
            return Identity((), pwd.getpwuid(uid).pw_name, grp.getgrgid(os.getegid()).gr_name)
        except KeyError:
            raise StackError(
                f"User {uid} or its group {os.getegid()} has no name on this machine, and servers want one. "
                "Give them one, or run the command as another user."
            ) from None
    if unshare := find("unshare", search_path):
        mapped = (unshare, "-U", f"--map-user={_MAPPED}", f"--map-group={_MAPPED}", "--")
        if _works(mapped):
            return Identity(mapped, pwd.getpwuid(_MAPPED).pw_name, grp.getgrgid(_MAPPED).gr_name)
    nobody = pwd.getpwnam("nobody")
    if setpriv := find("setpriv", search_path):
        lowered = (
            setpriv,
            f"--reuid={nobody.pw_uid}",
            f"--regid={nobody.pw_gid}",
            "--clear-groups",
            "--inh-caps=+dac_override",
            "--ambient-caps=+dac_override",
            "--",
        )
        if _works(lowered):
            return Identity(lowered, "nobody", grp.getgrgid(nobody.pw_gid).gr_name, (nobody.pw_uid, nobody.pw_gid))
    raise StackError(
        "PostgreSQL refuses to run as root, and neither `unshare -U` nor `setpriv` of util-linux works here. "
        "Run the command as an ordinary user, or set MAILWEAVE_POSTGRES and MAILWEAVE_IMAP to servers that exist."
    )


def _works(prefix: tuple[str, ...]) -> bool:
    try:
        done = subprocess.run([*prefix, "/bin/true"], capture_output=True, check=False, timeout=10)
    except (OSError, subprocess.TimeoutExpired):
        return False
    return done.returncode == 0
