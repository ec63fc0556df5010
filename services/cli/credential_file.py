"""Reading credentials from files. No value is ever repeated: not in an error, not on the screen."""

import json
from pathlib import Path

import click

from services.domain.errors import Refused
from services.fetcher.token_endpoint import endpoint
from services.storage.credentials import OAuth
from services.storage.sealing import Secret

NEEDED = ("tokenEndpoint", "clientId", "refreshToken")
OPTIONAL = ("clientSecret", "scope")
LONGEST = 8192

_EXAMPLE = (
    '{"tokenEndpoint": "https://…", "clientId": "…", "clientSecret": "…", "scope": "…", "refreshToken": "…"}, '
    "of which clientSecret and scope may be left out"
)


def password_in(path: Path) -> str:
    """Return the password in a file, without the line end that editors add."""
    text = _text(path, "--password-file").removesuffix("\n").removesuffix("\r")
    if not text or "\n" in text or "\0" in text:
        raise Refused(f"--password-file {path}: must hold the password on one line and nothing else.")
    return text


def oauth_in(path: Path) -> OAuth:
    """Return the OAuth credential in a file; everything that is wrong with it is named at once."""
    name = f"--oauth-file {path}"
    try:
        value = json.loads(_text(path, "--oauth-file"))
    except json.JSONDecodeError as error:
        raise Refused(f"{name}: not JSON: {error.msg} at line {error.lineno}, column {error.colno}.") from None
    except RecursionError:
        value = None
    if not isinstance(value, dict):
        raise Refused(f"{name}: must be one object such as {_EXAMPLE}.")
    if problems := _problems(value):
        raise Refused(f"{name}: {'; '.join(problems)}.")
    secret = value.get("clientSecret")
    return OAuth(
        token_endpoint=value["tokenEndpoint"],
        client_id=value["clientId"],
        client_secret=None if secret is None else Secret(secret.encode()),
        scope=value.get("scope") or "",
        refresh_token=Secret(value["refreshToken"].encode()),
    )


def _problems(value: dict[str, object]) -> list[str]:
    fields = (*NEEDED, *OPTIONAL)
    found = [
        f"unknown field {str(f)[:40]!r}: remove it or use one of {', '.join(fields)}" for f in value.keys() - fields
    ]
    found += [f"{field} is missing: give it" for field in NEEDED if value.get(field) is None]
    for field in fields:
        given = value.get(field)
        if given is not None and not (isinstance(given, str) and given.isprintable() and 0 < len(given) <= LONGEST):
            found.append(f"{field} must be a text of one line, with 1 to {LONGEST} characters")
    if not found:
        try:
            endpoint(str(value["tokenEndpoint"]))
        except Refused as error:
            found.append(f"tokenEndpoint: {error}")
    return found


def _text(path: Path, option: str) -> str:
    try:
        read = click.get_binary_stream("stdin").read() if str(path) == "-" else path.read_bytes()
        return read.decode("utf-8")
    except UnicodeDecodeError:
        raise Refused(f"{option} {path}: not UTF-8.") from None
    except OSError as error:
        raise Refused(f"{option} {path}: {error.strerror}.") from None
