"""An OAuth credential as a person gives it, as JSON. No value is ever repeated in an error."""

import json

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


def oauth_of(text: str, name: str) -> OAuth:
    """Return the credential in a text; ``Refused`` names everything that is wrong, and ``name``, where it came from."""
    try:
        value = json.loads(text)
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
