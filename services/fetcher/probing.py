"""Does a mailbox work: asked by the command line before it is added."""

from collections.abc import Sequence
from pathlib import Path

from services.domain.errors import Refused
from services.fetcher import failures
from services.fetcher.authentication import Credential
from services.fetcher.imap import Server, session
from services.settings.models import ServerProfile


def server_of(profile: ServerProfile, ca_file: Path | None = None) -> Server:
    """Return how to connect to the server of a profile."""
    return Server(
        host=profile.host,
        port=profile.port,
        tls=profile.tls,
        auth=profile.auth,
        seconds=profile.timeout_seconds,
        ca_file=ca_file,
    )


def probe(
    profile: ServerProfile, user: str, credential: Credential, folders: Sequence[str], *, ca_file: Path | None = None
) -> list[str]:
    """
    Log in and open the folders; return all folders of the mailbox by name. Nothing is changed on the server.

    Raises ``Refused`` that says what is wrong with server, credential or folder.
    """
    try:
        with session(server_of(profile, ca_file), user, credential) as connection:
            names = sorted(f.name for f in connection.folders() if "\\noselect" not in f.attributes)
            for folder in folders:
                connection.select(folder)
    except failures.FolderUnknown as error:
        raise Refused(f"{error}; the folders are: {', '.join(names)}") from None
    except failures.MailServerError as error:
        raise Refused(str(error)) from None
    return names
