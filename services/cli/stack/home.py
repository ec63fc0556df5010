"""A stack's home: claiming the folder, and the file the rest of the product reads its addresses from."""

import base64
import secrets
import shutil
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path

from services.cli.stack.errors import StackError
from services.cli.stack.state import FILE, State, write_private

ENV_FILE = "stack.env"
LOCK_FILE = ".lock"
_LONGEST_RUN = 60


def claim(home: Path) -> None:
    """Make sure the folder is a stack's or can become one: ``down`` will remove it with all that is in it."""
    if State.read(home) is not None:
        return
    try:
        strangers = sorted(entry.name for entry in home.iterdir() if entry.name != LOCK_FILE)
    except FileNotFoundError:
        return
    except NotADirectoryError:
        raise StackError(f"{home} is not a folder. Set MAILWEAVE_HOME to another one.") from None
    if strangers:
        raise StackError(
            f"{home} has no {FILE} but other files ({', '.join(strangers[:3])}), and a stack's home is removed with "
            "all that is in it. Set MAILWEAVE_HOME to an empty or new folder."
        )


def run_folder(home: Path) -> Path:
    """A folder for sockets: in the home, or a short temporary one where the home's path is too long for them."""
    inside = home / "run"
    if len(str(inside)) <= _LONGEST_RUN:
        return inside
    made = Path(tempfile.mkdtemp(prefix="mailweave-", dir="/tmp"))
    made.chmod(0o755)
    return made


def write_env(home: Path, addresses: Mapping[str, str]) -> Mapping[str, str]:
    """Write ``stack.env``, and the key for stored credentials when there is none; nobody else can read them."""
    key = home / "secret.key"
    if not key.exists():
        write_private(key, base64.b64encode(secrets.token_bytes(32)).decode("ascii") + "\n")
    blobs = home / "blobs"
    blobs.mkdir(exist_ok=True)
    values = {**addresses, "MAILWEAVE_BLOBS": str(blobs), "MAILWEAVE_SECRET_KEY_FILE": str(key)}
    write_private(home / ENV_FILE, "".join(f"{name}={value}\n" for name, value in values.items()))
    return values


def remove(home: Path) -> None:
    """Remove the home with all that is in it; a process that still writes there delays it, no more."""
    for _ in range(20):
        shutil.rmtree(home, ignore_errors=True)
        if not home.exists():
            return
        time.sleep(0.1)
    raise StackError(f"{home} could not be removed: something still writes to it, or it belongs to another user.")


def shown(address: str) -> str:
    """An address without its password."""
    scheme, mark, rest = address.rpartition("://")
    user, at, place = rest.rpartition("@")
    return f"{scheme}{mark}{user.partition(':')[0]}{at}{place}" if at else address
