"""How a mailbox receives, sends and synchronizes (domain sections 1.2 and 1.5)."""

from typing import Literal

from pydantic import Field

from services.settings.declaring import Strict


class MailboxMethods(Strict):
    """The three methods; what is done by the Outlook client is not done by the server."""

    name: str = Field(default="", max_length=200, description="Shown beside the address.")
    incoming: Literal["none", "client", "sss", "forward", "push"] = Field(
        default="sss",
        description="How it receives: sss: read on its server, and pushed; push: pushed only; forward: through a "
        "forward mailbox; none, client: not here.",
    )
    outgoing: Literal["none", "client", "sss"] = Field(
        default="none", description="How it sends: through the outgoing server of its profile (sss), or not by us."
    )
    act: Literal["client", "sss", "none"] = Field(
        default="none",
        description="How appointments, contacts and tasks are synchronized; sss is impossible with POP3 and IMAP.",
    )
    is_forward_mailbox: bool = Field(
        default=False,
        alias="isForwardMailbox",
        description="Collects what the servers of others forward to it as attachments.",
    )
    outgoing_user: str | None = Field(
        default=None,
        alias="outgoingUser",
        min_length=1,
        max_length=250,
        description="Login name to send with, where the profile has useSameForOutgoing false; null: user.",
    )
    outgoing_credential: str | None = Field(
        default=None,
        alias="outgoingCredential",
        min_length=1,
        description="Name of the stored credential to send with, where the profile has useSameForOutgoing false.",
    )
