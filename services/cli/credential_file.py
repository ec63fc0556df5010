"""Reading credentials from files. No value is ever repeated: not in an error, not on the screen."""

from pathlib import Path

import click

from services.domain.errors import Refused
from services.fetcher.oauth_document import oauth_of
from services.storage.credentials import OAuth


def password_in(path: Path) -> str:
    """Return the password in a file, without the line end that editors add."""
    text = _text(path, "--password-file").removesuffix("\n").removesuffix("\r")
    if not text or "\n" in text or "\0" in text:
        raise Refused(f"--password-file {path}: must hold the password on one line and nothing else.")
    return text


def oauth_in(path: Path) -> OAuth:
    """Return the OAuth credential in a file; everything that is wrong with it is named at once."""
    return oauth_of(_text(path, "--oauth-file"), f"--oauth-file {path}")


def _text(path: Path, option: str) -> str:
    try:
        read = click.get_binary_stream("stdin").read() if str(path) == "-" else path.read_bytes()
        return read.decode("utf-8")
    except UnicodeDecodeError:
        raise Refused(f"{option} {path}: not UTF-8.") from None
    except OSError as error:
        raise Refused(f"{option} {path}: {error.strerror}.") from None
