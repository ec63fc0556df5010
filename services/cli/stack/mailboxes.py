"""Users of the local mail server."""

import base64
import os
import re
import time
from pathlib import Path

from services.cli.stack.dovecot import can_log_in, users_file
from services.cli.stack.errors import StackError
from services.cli.stack.paths import locked
from services.cli.stack.ports import HOST
from services.cli.stack.processes import alive
from services.cli.stack.state import State, write_private

_ADDRESS = re.compile(r"[^@\s:/\x00-\x20\x7f]+@[^@\s:/\x00-\x20\x7f]+")
_SECONDS = 10


def add_user(home: Path, address: str, password: str) -> None:
    """
    Make a mailbox, or give an existing one a new password; its mail is kept.

    On return the user can log in, when Dovecot runs. Addresses differ in more than case.
    """
    user = address.lower()
    if not _ADDRESS.fullmatch(user) or user.startswith("."):
        raise StackError(f"{address!r} is no address for a mailbox: it needs one @ and neither blank, colon nor slash.")
    users = users_file(home)
    state = State.read(home)
    if state is None or not users.exists():
        raise StackError(f"{home} has no Dovecot: run `mailweave stack up` first.")
    # In base64 a password may hold the characters that the file's format uses.
    secret = base64.b64encode(password.encode("utf-8")).decode("ascii")
    line = f"{user}:{{PLAIN.b64}}{secret}"
    with locked(users.with_suffix(".lock")):
        others = [kept for kept in users.read_text("utf-8").splitlines() if not kept.startswith(f"{user}:")]
        before = users.stat()
        write_private(users, "\n".join([*others, line, ""]), owner=(before.st_uid, before.st_gid))
        # Dovecot reads the file again when its size or its time has changed, in whole seconds.
        changed = max(int(before.st_mtime) + 1, int(time.time()))
        os.utime(users, (changed, changed))
    process = state.processes.get("dovecot")
    if process is None or not alive(process):
        return
    deadline = time.monotonic() + _SECONDS
    while not can_log_in(HOST, state.ports["imap"], user, password):
        if time.monotonic() > deadline:
            raise StackError(f"Dovecot does not let {user} in. Its log is {home / 'log' / 'dovecot.log'}.")
        time.sleep(0.1)
