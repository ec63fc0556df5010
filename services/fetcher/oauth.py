"""Getting an access token for a refresh token (RFC 6749 section 6)."""

import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from http import HTTPStatus
from pathlib import Path

from services.fetcher import failures
from services.fetcher.token_endpoint import endpoint, post
from services.storage.credentials import AccessToken, OAuth
from services.storage.sealing import Secret

USUAL_LIFE = 3600
LONGEST_LIFE = 366 * 86_400

# RFC 6749 section 5.2; the others are what authorisation servers with OpenID say when a person must act.
_CONSENT = frozenset({"invalid_grant", "interaction_required", "consent_required", "login_required"})
_CLIENT = frozenset({
    "invalid_client", "unauthorized_client", "invalid_scope", "unsupported_grant_type", "invalid_request"
})  # fmt: skip


@dataclass(frozen=True, slots=True)
class Renewed:
    """What an authorisation server gave: an access token, and the refresh token that counts from now on."""

    access: AccessToken
    refresh_token: Secret


def renew(credential: OAuth, *, now: datetime, ca_file: Path | None) -> Renewed:
    """
    Ask for a new access token; blocks for some seconds at most.

    Raises ``ConsentWithdrawn`` and ``ClientRefused``, which only a person mends, or ``TokenEndpointFailed``.
    """
    place = endpoint(credential.token_endpoint)
    form = {
        "grant_type": "refresh_token",
        "refresh_token": credential.refresh_token.reveal().decode(),
        "client_id": credential.client_id,
        "client_secret": credential.client_secret.reveal().decode() if credential.client_secret else None,
        "scope": credential.scope or None,
    }
    status, body = post(place, {k: v for k, v in form.items() if v is not None}, ca_file)
    return answered(status, body, credential.refresh_token, place.host, now)


def answered(status: int, body: bytes, refresh_token: Secret, host: str, now: datetime) -> Renewed:
    """Read the answer of a token endpoint (RFC 6749 sections 5.1 and 5.2). Its texts are not repeated."""
    try:
        said = json.loads(body)
    except (ValueError, RecursionError):
        said = None
    if not isinstance(said, dict):
        raise failures.TokenEndpointFailed(f"{host} answers a request for a token with status {status} and no JSON")
    if status != HTTPStatus.OK:
        raise _refusal(status, str(said.get("error")), host)
    token, next_refresh = _token(said.get("access_token")), _token(said.get("refresh_token"))
    if token is None:
        raise failures.TokenEndpointFailed(f"{host} answers a request for a token without a token")
    expires = now + timedelta(seconds=_life(said.get("expires_in")))
    return Renewed(
        AccessToken(token=token, expires=expires),
        refresh_token if next_refresh is None else next_refresh,
    )


def _refusal(status: int, error: str, host: str) -> failures.MailServerError:
    if error in _CONSENT:
        return failures.ConsentWithdrawn(
            f"the consent was withdrawn or has expired: {host} gives no more access tokens ({error}); ask the"
            " mailbox's owner for a new one and store it with mailweave credential set, or in the router's file"
        )
    if error in _CLIENT:
        return failures.ClientRefused(
            f"{host} does not accept client id, client secret or scope of the credential ({error}); correct them with"
            " mailweave credential set, or in the router's file"
        )
    return failures.TokenEndpointFailed(f"{host} gives no access token: status {status}")


def _token(value: object) -> Secret | None:
    """RFC 6749 appendix A.12: visible ASCII; anything else would reach into the message that carries it."""
    good = isinstance(value, str) and value and value.isascii() and value.isprintable()
    return Secret(str(value).encode()) if good else None


def _life(value: object) -> int:
    """Some servers write the number as text, some leave it out; a token that ends earlier is refused and replaced."""
    if isinstance(value, str) and value.isascii() and value.isdecimal() and len(value) < len(str(LONGEST_LIFE)) + 1:
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int):
        return USUAL_LIFE
    return max(0, min(value, LONGEST_LIFE))
