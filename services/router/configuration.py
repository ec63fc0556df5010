"""The router's file: where it hands mail in, which servers it reads, whose mailboxes."""

import tomllib
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import BeforeValidator, Field, ValidationError

from services.domain.errors import Refused
from services.fetcher.mechanisms import Auth
from services.router.mailboxes import Mailbox, MailboxTable
from services.router.secret_files import oauth_in, secret_in
from services.settings.declaring import Strict
from services.settings.models import ServerProfile

LOOPBACK = ("127.0.0.1", "::1", "localhost")


class ServerTable(Strict):
    """A table ``[servers.NAME]``: how to reach a mail server."""

    host: str = Field(min_length=1, max_length=255)
    port: int = Field(ge=1, le=65535)
    protocol: Literal["imap", "pop3"] = "imap"
    tls: Literal["implicit", "starttls", "none"] = "implicit"
    auth: Auth = "auto"
    timeout: int = Field(default=30, ge=1, le=100)
    idle: bool = True
    max_connections: int = Field(default=10, ge=1, le=300)

    def profile(self, interval: int, share: float) -> ServerProfile:
        """Return it as the fetcher knows a server, for mailboxes of an interval and their share of its connections."""
        return ServerProfile(
            protocol=self.protocol, host=self.host, port=self.port, tls=self.tls, auth=self.auth,
            timeoutSeconds=self.timeout, idle=self.idle, pollSeconds=interval,
            maxConnections=max(1, int(self.max_connections * share)),
        )  # fmt: skip


class File(Strict):
    """The whole file."""

    endpoint: str
    token_file: str = Field(min_length=1)
    state: str = Field(min_length=1)
    ca_file: str | None = Field(default=None, min_length=1)
    servers: dict[str, ServerTable] = Field(min_length=1)
    mailboxes: Annotated[
        tuple[MailboxTable, ...], BeforeValidator(lambda value: tuple(value) if isinstance(value, list) else value)
    ] = Field(min_length=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Configuration:
    """What the file says, with paths that count from where it lies."""

    endpoint: str
    token_file: Path
    state: Path
    ca_file: Path | None
    mailboxes: tuple[Mailbox, ...]


def load(path: Path) -> Configuration:
    """Read the file. ``Refused`` names everything that is wrong with it."""
    try:
        given = tomllib.loads(path.read_text("utf-8"))
        file = File.model_validate(given)
    except OSError as error:
        raise Refused(f"{path}: {error.strerror}.") from None
    except UnicodeDecodeError:
        raise Refused(f"{path}: not UTF-8.") from None
    except tomllib.TOMLDecodeError as error:
        raise Refused(f"{path}: not TOML: {error}.") from None
    except ValidationError as error:
        raise Refused(f"{path}: {'; '.join(map(_problem, error.errors(include_url=False)))}.") from None
    place = path.absolute().parent
    ca_file = None if file.ca_file is None else place / file.ca_file
    problems = [*_endpoint_problems(file.endpoint), *_mailbox_problems(file)]
    if ca_file is not None and not ca_file.is_file():
        problems.append(f"ca_file: {ca_file} is no file")
    if problems:
        raise Refused(f"{path}: {'; '.join(problems)}.")
    state = place / file.state
    of_server = Counter(m.server for m in file.mailboxes)
    of_interval = Counter((m.server, m.interval) for m in file.mailboxes)
    mailboxes = tuple(
        Mailbox(
            m,
            file.servers[m.server].profile(m.interval, of_interval[m.server, m.interval] / of_server[m.server]),
            place / m.secret_file,
            state / "tokens",
        )
        for m in file.mailboxes
    )
    secret_in(place / file.token_file)
    for mailbox in mailboxes:
        (secret_in if mailbox.table.oauth_file is None else oauth_in)(mailbox.secret_file)
    return Configuration(
        endpoint=file.endpoint.rstrip("/"),
        token_file=place / file.token_file,
        state=state,
        ca_file=ca_file,
        mailboxes=mailboxes,
    )


def _endpoint_problems(url: str) -> list[str]:
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError:
        host, parts = None, urlsplit("")
    if not host or parts.scheme not in ("http", "https") or parts.username or parts.query or parts.fragment:
        return ["endpoint must be a URL such as https://mailweave.example:8443"]
    if parts.scheme == "http" and host not in LOOPBACK:
        return ["endpoint must begin with https://; http:// is for this machine alone"]
    return []


def _mailbox_problems(file: File) -> list[str]:
    found, seen = [], set()
    for mailbox in file.mailboxes:
        server = file.servers.get(mailbox.server)
        if mailbox.address in seen:
            found.append(f"{mailbox.address} is there twice")
        seen.add(mailbox.address)
        if server is None:
            names = ", ".join(file.servers)
            found.append(f"{mailbox.address}: server is {mailbox.server!r}, but there is only {names}")
        elif server.protocol == "pop3" and [folder.upper() for folder in mailbox.folders] != ["INBOX"]:
            found.append(f'{mailbox.address}: POP3 has one folder: leave folders out, or set it to ["INBOX"]')
        elif mailbox.delete and server.protocol != "pop3":
            found.append(f"{mailbox.address}: delete is for POP3: leave it out")
    return found


def _problem(error: Any) -> str:  # noqa: ANN401 - pydantic's ErrorDetails
    place = ".".join(str(part) for part in error["loc"])
    match error["type"]:
        case "extra_forbidden":
            return f"{place} is unknown: remove it"
        case "missing":
            return f"{place} is missing: give it"
        case _:
            return f"{place}: {error['msg'].removeprefix('Value error, ')}"
