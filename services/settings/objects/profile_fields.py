"""The fields of a server profile besides its incoming server (domain section 1.4)."""

from typing import Literal

from pydantic import Field

from services.settings.declaring import IDLE, Strict

Retrieval = Literal["perMailbox", "profile"]


class ProfileIdentity(Strict):
    """What people know a profile by."""

    name: str = Field(default="", max_length=100, description="Shown beside the id.")
    description: str = Field(default="", max_length=2000, description="For those who administer it.")
    active: bool = Field(default=True, description="Without, none of its mailboxes is read or sent for.")
    notify_owner: bool = Field(
        default=False,
        alias="notifyOwner",
        description=f"Mail its owner on the alert profile_failing, which is made in any case. {IDLE}",
    )
    move_undelivered: bool = Field(
        default=False,
        alias="moveUndelivered",
        description=f"Move a mail that cannot be filed into the folder Undeliverable. {IDLE}",
    )


class ProfileLogin(Strict):
    """Who logs in to the incoming server."""

    credential_retrieval: Retrieval = Field(
        default="perMailbox", alias="credentialRetrieval", description="Whose credential logs in."
    )
    user: str | None = Field(
        default=None,
        min_length=1,
        max_length=250,
        description="With credentialRetrieval profile: login name; null: that of the mailbox.",
    )
    credential: str | None = Field(
        default=None, min_length=1, description="With credentialRetrieval profile: name of the stored credential."
    )
    use_impersonation: bool = Field(
        default=False,
        alias="useImpersonation",
        description="The profile's user opens the mailbox of the mailbox's user (authorization id of SASL PLAIN).",
    )


class OutgoingServer(Strict):
    """Where mail of its mailboxes is submitted, and who logs in there. Acts in tests; nothing is sent yet."""

    outgoing_host: str | None = Field(
        default=None, alias="outgoingHost", min_length=1, max_length=255, description="Null: nothing is sent by it."
    )
    outgoing_port: int = Field(default=587, alias="outgoingPort", ge=1, le=65535, description="TCP port.")
    outgoing_tls: Literal["implicit", "starttls", "none"] = Field(
        default="starttls", alias="outgoingTls", description="No fall-back (RFC 8314)."
    )
    outgoing_auth: Literal["auto", "login", "plain", "xoauth2", "oauthbearer", "none"] = Field(
        default="auto", alias="outgoingAuth", description="How to log in; none: the server takes mail without."
    )
    use_same_for_outgoing: bool = Field(
        default=True, alias="useSameForOutgoing", description="Log in to both servers as to the incoming one."
    )
    outgoing_credential_retrieval: Retrieval = Field(
        default="perMailbox", alias="outgoingCredentialRetrieval", description="Whose credential logs in to send."
    )
    outgoing_user: str | None = Field(
        default=None,
        alias="outgoingUser",
        min_length=1,
        max_length=250,
        description="With outgoingCredentialRetrieval profile: login name; null: that of the mailbox.",
    )
    outgoing_credential: str | None = Field(
        default=None,
        alias="outgoingCredential",
        min_length=1,
        description="With outgoingCredentialRetrieval profile: name of the stored credential.",
    )
