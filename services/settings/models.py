"""What can be set: every key with its default, bounds and meaning, in one place (domain section 13)."""

import json
from collections.abc import Mapping
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from services.domain.addresses import normalise
from services.domain.errors import Refused

MOST_KEY_CHARACTERS = 320


class Strict(BaseModel):
    """Immutable; an unknown key or a value of the wrong type is an error, never a guess."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, populate_by_name=False)


class Ref(Strict):
    """Names a directory record."""

    type: str = Field(min_length=1, max_length=100, description="user or queue")
    id: str = Field(min_length=1, max_length=200)


class Organization(Strict):
    """The settings of the organisation. Each acts in the resolver unless its text says otherwise."""

    tracking_headers: bool = Field(
        default=True, alias="tracking.headers", description="Correlate by In-Reply-To and References."
    )
    filter_scope: Literal["allRecipients", "pollingMailbox"] = Field(
        default="allRecipients",
        alias="filter.scope",
        description="Ask the filters of all recipients, or of the mailbox's owner only.",
    )
    filter_force_users: int = Field(
        default=-1, ge=-1, le=4, alias="filter.forceUsers", description="One filter for all users; -1: their own."
    )
    filter_user_default: int = Field(
        default=1, ge=0, le=4, alias="filter.userDefault", description="Filter of a user that has set none."
    )
    filter_queue_default: int = Field(
        default=0, ge=0, le=4, alias="filter.queueDefault", description="Filter of a queue that has set none."
    )
    resolve_unresolve_on_multiple: bool = Field(
        default=False,
        alias="resolve.unresolveOnMultiple",
        description="Leave a recipient unresolved when several records have the address.",
    )
    resolve_sender_unresolve_on_multiple: bool = Field(
        default=False,
        alias="resolve.senderUnresolveOnMultiple",
        description="Leave the sender unresolved when several records have the address.",
    )
    resolve_sender_max_matches: int = Field(
        default=100,
        ge=1,
        le=10_000,
        alias="resolve.senderMaxMatches",
        description="With more records than this, the sender stays unresolved.",
    )
    message_max_mb: int = Field(
        default=150,
        ge=1,
        le=150,
        alias="message.maxMb",
        description="Larger mails are not filed (TooLarge). Acts in the fetcher. MiB.",
    )
    approval_users_only: bool = Field(
        default=True,
        alias="approval.usersOnly",
        description="Read mailboxes of users only when they are approved. Acts in the fetcher.",
    )
    approval_queues_only: bool = Field(
        default=True,
        alias="approval.queuesOnly",
        description="Read mailboxes of queues only when they are approved. Acts in the fetcher.",
    )
    alerts_error: bool = Field(
        default=True, alias="alerts.error", description="Make alerts of level error. Acts in the alerter."
    )
    alerts_warning: bool = Field(
        default=True, alias="alerts.warning", description="Make alerts of level warning. Acts in the alerter."
    )
    alerts_information: bool = Field(
        default=True, alias="alerts.information", description="Make alerts of level information. Acts in the alerter."
    )


class ServerProfile(Strict):
    """How to reach a mail server. Acts in the fetcher."""

    host: str = Field(min_length=1, max_length=255, description="Name or address of the IMAP server.")
    port: int = Field(ge=1, le=65535)
    tls: Literal["implicit", "starttls", "none"] = Field(default="implicit", description="No fall-back (RFC 8314).")
    timeout_seconds: int = Field(default=30, ge=1, le=100, alias="timeoutSeconds", description="Of one answer.")
    poll_seconds: int = Field(default=10, ge=1, le=86_400, alias="pollSeconds", description="Between two looks.")
    max_connections: int = Field(
        default=10, ge=1, le=300, alias="maxConnections", description="At once, of one fetcher process."
    )


class MailboxSettings(Strict):
    """One mailbox that is read. Acts in the fetcher; its owner in the resolver."""

    address: str = Field(min_length=3, max_length=MOST_KEY_CHARACTERS)
    server_profile: str = Field(min_length=1, alias="serverProfile", description="Id of a server profile.")
    user: str = Field(min_length=1, max_length=250, description="Login name.")
    credential: str = Field(min_length=1, description="Name of the stored credential, never the credential.")
    owner: Ref | None = Field(default=None, description="The user or queue behind it.")
    folders: tuple[str, ...] = Field(default=("INBOX",), min_length=1, max_length=100, description="What is read.")
    enabled: bool = Field(default=True, description="Whether it is wanted; without, it is deactivated.")
    approved: bool = Field(default=True, description="Whether an administrator has approved the address.")

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


class Principal(Strict):
    """The mail options of a user or queue; its identity and addresses are in the directory."""

    filter: int | None = Field(
        default=None,
        ge=0,
        le=4,
        description="0 all, 1 responses to tracked mail, 2 from leads, contacts and accounts, 3 from known records, "
        "4 none; null: the organisation's default.",
    )


KINDS: Mapping[str, type[Strict]] = {
    "organization": Organization,
    "server-profile": ServerProfile,
    "mailbox": MailboxSettings,
    "principal": Principal,
}
EXPECTED = "organization, server-profile/ID, mailbox/ADDRESS or principal/ID"


def split(key: str) -> tuple[str, str]:
    """Return kind and id of a settings key; ``Refused`` when there is no such kind or the id is missing."""
    kind, mark, name = key.partition("/")
    if kind not in KINDS or (kind == "organization") != (not mark) or (mark and not name):
        raise Refused(f"{key!r} is no settings key: expected {EXPECTED}")
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
    try:
        model = KINDS[kind].model_validate(value)
    except ValidationError as error:
        problems = "; ".join(_problem(kind, one) for one in error.errors(include_url=False))
        raise Refused(f"{key}: {problems}") from None
    if isinstance(model, MailboxSettings) and model.address != name:
        raise Refused(f"{key}: address is {model.address!r}, so the key must be mailbox/{model.address}")
    return model


def _problem(kind: str, error: Any) -> str:  # noqa: ANN401 - pydantic's ErrorDetails
    field = ".".join(str(part) for part in error["loc"])
    if error["type"] == "extra_forbidden":
        names = sorted(f.alias or n for n, f in KINDS[kind].model_fields.items())
        return f"unknown field {field!r}: remove it or use one of {', '.join(names)}"
    if error["type"] == "missing":
        return f"{field} is missing: give it"
    shown = json.dumps(error["input"], ensure_ascii=False, default=str)[:80]
    message = error["msg"].removeprefix("Value error, ")
    return f"{field} is {shown}: {message[:1].lower()}{message[1:]}"
