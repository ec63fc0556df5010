"""
The files that a router logs in with: a password, or an OAuth credential and the tokens that came of it.

Each is read when it is needed, so that a new one needs no restart.
"""

import fcntl
import hashlib
import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from services.domain.errors import Refused
from services.fetcher.oauth import Renewed
from services.fetcher.oauth_document import oauth_of
from services.storage.credentials import AccessToken, OAuth
from services.storage.sealing import Secret

LONGEST_SECRET = 8192
LONGEST_FILE = 64 * 1024


def secret_in(path: Path) -> Secret:
    """Return the one line of a file; ``Refused`` when it is something else. No value is ever repeated."""
    text = _text(path).removesuffix("\n").removesuffix("\r")
    if not text or "\n" in text or "\0" in text or len(text) > LONGEST_SECRET:
        raise Refused(f"{path}: must hold one secret on one line and nothing else.")
    return Secret(text.encode())


def oauth_in(path: Path) -> OAuth:
    """Return the OAuth credential in a file, as of ``mailweave credential set``; ``Refused`` says what is wrong."""
    return oauth_of(_text(path), str(path))


@dataclass(frozen=True, slots=True)
class FileConsent:
    """
    A :class:`services.fetcher.tokens.Consent` in a file, which is only read; what came of it is kept in ``folder``.

    Tokens count for the content that they came of: a new consent in the file forgets those of the one before.
    """

    file: Path
    folder: Path

    def read(self) -> OAuth:
        """See the protocol."""
        given = oauth_in(self.file)
        try:
            held = json.loads(self._path(".json").read_text("utf-8"))
            if held["of"] != _digest(given):
                return given
            expires = datetime.fromisoformat(held["expires"])
            access = AccessToken(token=Secret(held["access"].encode()), expires=expires)
            return replace(given, refresh_token=Secret(held["refresh"].encode()), access=access)
        except (FileNotFoundError, NotADirectoryError):
            return given
        except OSError as error:
            raise self._unkept(error) from None
        except (ValueError, KeyError, TypeError, AttributeError):
            raise Refused(
                f"{self._path('.json')} is damaged: remove it, and give {self.file} a new consent if the one in it is"
                " refused then."
            ) from None

    @contextmanager
    def renewing(self) -> Iterator[tuple[OAuth, Callable[[Renewed], None]]]:
        """See the protocol. Other processes wait too, each for no longer than a token endpoint may take."""
        with self._alone():
            yield self.read(), self._keep

    @contextmanager
    def _alone(self) -> Iterator[None]:
        try:
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            lock = os.open(self._path(".lock"), os.O_RDWR | os.O_CREAT, 0o600)
        except OSError as error:
            raise self._unkept(error) from None
        try:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield
        finally:
            os.close(lock)

    def _keep(self, new: Renewed) -> None:
        held = {
            "of": _digest(oauth_in(self.file)),
            "access": new.access.token.reveal().decode(),
            "expires": new.access.expires.isoformat(),
            "refresh": new.refresh_token.reveal().decode(),
        }
        path = self._path(".new")
        try:
            path.unlink(missing_ok=True)
            with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
                json.dump(held, file)
                file.flush()
                os.fsync(file.fileno())
            path.replace(self._path(".json"))
        except OSError as error:
            raise self._unkept(error) from None

    def _path(self, suffix: str) -> Path:
        return self.folder / f"{hashlib.sha256(bytes(self.file.absolute())).hexdigest()[:32]}{suffix}"

    def _unkept(self, error: OSError) -> Refused:
        return Refused(f"tokens cannot be kept in {self.folder}: {error.strerror}.")


def _digest(given: OAuth) -> str:
    """Return what changes when a person puts another credential into the file."""
    secret = given.client_secret.reveal().hex() if given.client_secret else None
    told = (given.token_endpoint, given.client_id, secret, given.scope, given.refresh_token.reveal().hex())
    return hashlib.sha256(json.dumps(told).encode()).hexdigest()


def _text(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return file.read(LONGEST_FILE).decode("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not UTF-8"
        raise Refused(f"{path}: {reason}.") from None
