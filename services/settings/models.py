"""The objects that can be set, each with its fields, and the check of a value (domain section 13)."""

import json
from collections.abc import Mapping
from typing import Annotated, Any, Literal, Self

from pydantic import AwareDatetime, BeforeValidator, Field, ValidationError, field_validator, model_validator

from services.domain.addresses import normalise
from services.domain.errors import Refused
from services.settings.declaring import Strict
from services.settings.objects.mailbox_fields import MailboxMethods
from services.settings.objects.profile_fields import OutgoingServer, ProfileIdentity, ProfileLogin
from services.settings.organization import Organization

MOST_KEY_CHARACTERS = 320
ROUTER_NAME = "^[a-z0-9][a-z0-9-]*$"


def _written(value: object) -> object:
    if not isinstance(value, str):
        raise ValueError("must be a date and time as text, such as 2026-11-01T00:00:00Z")  # noqa: TRY004 - pydantic's
    return value


Instant = Annotated[AwareDatetime, BeforeValidator(_written), Field(strict=False)]
"""A date and time with its zone, as RFC 3339 writes it."""


class Ref(Strict):
    """Names a directory record."""

    type: str = Field(min_length=1, max_length=100, description="Of the record: user, queue, account …")
    id: str = Field(min_length=1, max_length=200)


class ServerProfile(OutgoingServer, ProfileLogin, ProfileIdentity):
    """How to reach a mail server. Acts in the fetcher."""

    protocol: Literal["imap", "pop3"] = Field(default="imap", description="POP3 has one folder and no flags.")
    host: str = Field(min_length=1, max_length=255, description="Name or address of the server.")
    port: int = Field(ge=1, le=65535, description="TCP port.")
    tls: Literal["implicit", "starttls", "none"] = Field(default="implicit", description="No fall-back (RFC 8314).")
    auth: Literal["auto", "login", "plain", "xoauth2", "oauthbearer"] = Field(
        default="auto", description="How to log in; auto: the best that server and credential have in common."
    )
    timeout_seconds: int = Field(default=30, ge=1, le=100, alias="timeoutSeconds", description="Of one answer.")
    poll_seconds: int = Field(default=10, ge=1, le=86_400, alias="pollSeconds", description="Between two looks.")
    received_after: Instant | None = Field(
        default=None, alias="receivedAfter", description="Older mail is passed over, in all mailboxes of the profile."
    )
    max_connections: int = Field(
        default=10, ge=1, le=300, alias="maxConnections", description="At once, of one fetcher process."
    )
    router: str | None = Field(
        default=None,
        pattern=ROUTER_NAME,
        max_length=63,
        description="The only router that may hand in mail of its mailboxes, by name; null: any.",
    )
    owner: Ref | None = Field(default=None, description="Whom alerts of it are addressed to.")
    idle: bool = Field(default=True, description="Keep connections and be told of new mail, where an IMAP server can.")


class MailboxSettings(MailboxMethods):
    """One mailbox whose mail is taken. Acts in the fetcher; its owner in the resolver."""

    address: str = Field(min_length=3, max_length=MOST_KEY_CHARACTERS, description="E-mail address; also the key.")
    server_profile: str | None = Field(
        default=None,
        min_length=1,
        alias="serverProfile",
        description="Id of a server profile; null: none, where it neither receives nor sends by sss.",
    )
    user: str | None = Field(default=None, min_length=1, max_length=250, description="Login name; null: the address.")
    credential: str | None = Field(
        default=None,
        min_length=1,
        description="Name of the stored credential, never the credential; null: the profile's, or none yet.",
    )
    owner: Ref | None = Field(default=None, description="The user or queue behind it.")
    folders: tuple[str, ...] = Field(default=("INBOX",), min_length=1, max_length=100, description="What is read.")
    received_after: Instant | None = Field(
        default=None,
        alias="receivedAfter",
        description="Older mail is passed over; of this date and the profile's the later counts.",
    )
    process_and_delete: bool = Field(
        default=False,
        alias="processAndDelete",
        description="Delete a mail on the server once it is stored; with POP3, for queues and forward mailboxes only.",
    )
    enabled: bool = Field(default=True, description="Whether it is wanted; without, it is deactivated.")
    approved: bool = Field(default=True, description="Whether an administrator has approved the address.")

    @property
    def server(self) -> str:
        """The id of its server profile; empty where it has none."""
        return self.server_profile or ""

    @field_validator("folders", mode="before")
    @classmethod
    def _listed(cls, value: object) -> object:
        return tuple(value) if isinstance(value, list) else value

    @field_validator("address")
    @classmethod
    def _normal(cls, value: str) -> str:
        address = normalise(value)
        if "@" not in address:
            raise ValueError("must be an e-mail address")
        return address

    @model_validator(mode="after")
    def _reachable(self) -> Self:
        if self.server_profile is None and "sss" in (self.incoming, self.outgoing):
            raise ValueError("serverProfile is missing: give it")
        return self


class Principal(Strict):
    """The mail options of a user or queue; its identity and addresses are in the directory."""

    filter: int | None = Field(
        default=None,
        ge=0,
        le=4,
        description="0 all, 1 responses to tracked mail, 2 from leads, contacts and accounts, 3 from known records, "
        "4 none; null: the organisation's default.",
    )
    auto_create: Literal["none", "contact", "lead"] | None = Field(
        default=None,
        alias="autoCreate",
        description="What the CRM is asked to make for unknown senders of mail that is filed for it, where "
        "resolve.autoCreate is not none; null: what that says.",
    )


class FolderRule(Strict):
    """
    A folder whose mail is tracked whatever filters say, while `tracking.folderLevel` is on. Acts in the fetcher; its
    record in the resolver.
    """

    mailbox: str = Field(min_length=3, max_length=MOST_KEY_CHARACTERS, description="Address of a mailbox.")
    folder: str = Field(min_length=1, max_length=500, description="Name as people see it, with the server's delimiter.")
    regarding: Ref | None = Field(default=None, description="The record that its mail gets, of any type.")
    enabled: bool = Field(default=True, description="Whether it acts.")

    @field_validator("mailbox")
    @classmethod
    def _normal(cls, value: str) -> str:
        return normalise(value)


KINDS: Mapping[str, type[Strict]] = {
    "organization": Organization,
    "server-profile": ServerProfile,
    "mailbox": MailboxSettings,
    "principal": Principal,
    "folder-rule": FolderRule,
}
EXPECTED = "organization, server-profile/ID, mailbox/ADDRESS, principal/ID or folder-rule/ID"


def split(key: str) -> tuple[str, str]:
    """Return kind and id of a settings key; ``Refused`` when there is no such kind or the id is missing."""
    kind, mark, name = key.partition("/")
    if kind not in KINDS or (kind == "organization") != (not mark) or (mark and not name):
        raise Refused(f"{key!r} is no settings key: expected {EXPECTED}")
    if not key.isprintable():
        raise Refused(f"{key!r} is no settings key: it holds characters that cannot be printed")
    if len(key) > MOST_KEY_CHARACTERS:
        raise Refused(f"{key[:40]!r}… is too long for a settings key: at most {MOST_KEY_CHARACTERS} characters")
    return kind, name


def validate(key: str, value: Any) -> Strict:  # noqa: ANN401 - whatever the JSON holds
    """
    Return the object that this value describes.

    ``Refused`` names the key, each wrong field with its value, the bound, and what to do.
    """
    kind, name = split(key)
    if not isinstance(value, dict):
        raise Refused(f"{key}: must be an object with fields, not {json.dumps(value)[:60]}")
    _check_storable(key, value)
    try:
        model = KINDS[kind].model_validate(value)
    except ValidationError as error:
        problems = "; ".join(_problem(kind, one) for one in error.errors(include_url=False))
        raise Refused(f"{key}: {problems}") from None
    if isinstance(model, MailboxSettings) and model.address != name:
        raise Refused(f"{key}: address is {model.address!r}, so the key must be mailbox/{model.address}")
    return model


def _check_storable(key: str, value: Any) -> None:  # noqa: ANN401 - parsed JSON
    """Refuse texts that neither PostgreSQL nor UTF-8 can hold, wherever they stand."""
    text = json.dumps(value, ensure_ascii=False, default=str)
    if "\\u0000" in text or any("\ud800" <= c <= "\udfff" for c in text):
        raise Refused(f"{key}: a text holds a NUL or half a character: remove it")


def _problem(kind: str, error: Any) -> str:  # noqa: ANN401 - pydantic's ErrorDetails
    field = ".".join(str(part) for part in error["loc"])
    if error["type"] == "extra_forbidden":
        names = sorted(f.alias or n for n, f in KINDS[kind].model_fields.items())
        return f"unknown field {field!r}: remove it or use one of {', '.join(names)}"
    if error["type"] == "missing":
        return f"{field} is missing: give it"
    message = error["msg"].removeprefix("Value error, ")
    if not field:  # a rule between fields names them itself
        return str(message)
    shown = json.dumps(error["input"], ensure_ascii=False, default=str)[:80]
    return f"{field} is {shown}: {message[:1].lower()}{message[1:]}"
