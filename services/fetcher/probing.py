"""Does a mailbox work: asked by the command line before it is added."""

from collections.abc import Sequence
from pathlib import Path

from services.domain.errors import Refused
from services.fetcher import failures, pop3
from services.fetcher.authentication import Credential
from services.fetcher.protocols import session
from services.settings.models import ServerProfile


def probe(
    profile: ServerProfile, user: str, credential: Credential, folders: Sequence[str], *, ca_file: Path | None = None
) -> list[str]:
    """
    Log in and open the folders; return all folders of the mailbox by name. Nothing is changed on the server.

    Raises ``Refused`` that says what is wrong with server, credential or folder.
    """
    try:
        with session(profile, user, credential, ca_file) as connection:
            if isinstance(connection, pop3.Connection):
                connection.listed()
                return ["INBOX"]
            names = sorted(f.name for f in connection.folders() if "\\noselect" not in f.attributes)
            for folder in folders:
                connection.select(folder)
    except failures.FolderUnknown as error:
        raise Refused(f"{error}; the folders are: {', '.join(names)}") from None
    except failures.MailServerError as error:
        raise Refused(str(error)) from None
    return names
