"""Who fetches mail, what a new mailbox is given, and whose mail is processed at all."""

from typing import Literal

from services.settings.declaring import About, Strict, setting


class Processing(Strict):
    """Processing method, defaults of new mailboxes, approval (domain sections 1.1, 1.2, 1.6)."""

    processing_engine: Literal["sss", "router"] = setting(
        "sss",
        "processing.engine",
        "Who reads the mailboxes: the server itself (sss), or a router that runs near the mail server.",
        about=About("1.1", row="Processing method", acts="fetcher"),
    )
    defaults_server_profile: str | None = setting(
        None,
        "defaults.serverProfileId",
        "Id of the server profile of a new mailbox; null: it is given by hand.",
        about=About("1.2", row="Default synchronization method", acts="command line"),
        min_length=1,
        max_length=320,
    )
    defaults_incoming: Literal["none", "client", "sss", "forward"] = setting(
        "sss",
        "defaults.incoming",
        "How a new mailbox receives: not at all, through the Outlook client, from the server, by a forward mailbox.",
        about=About("1.2", row="Default synchronization method: incoming e-mail", acts="command line"),
    )
    defaults_outgoing: Literal["none", "client", "sss"] = setting(
        "sss",
        "defaults.outgoing",
        "How a new mailbox sends.",
        about=About("1.2", row="Default synchronization method: outgoing e-mail", acts="command line"),
    )
    defaults_act: Literal["client", "sss", "none"] = setting(
        "none",
        "defaults.act",
        "How a new mailbox synchronizes appointments, contacts and tasks; impossible with POP3 and IMAP.",
        about=About("1.2", row="Default synchronization method: appointments, contacts, tasks", acts="command line"),
    )
    approval_users_only: bool = setting(
        True,
        "approval.usersOnly",
        "Process mail of users only when their mailbox is approved.",
        about=About("1.6", row="Process e-mail only for approved users", acts="fetcher"),
    )
    approval_queues_only: bool = setting(
        True,
        "approval.queuesOnly",
        "Process mail of queues only when their mailbox is approved.",
        about=About("1.6", row="Process e-mail only for approved queues", acts="fetcher"),
    )
