"""Which mail is accepted, and what becomes of mail between colleagues."""

from typing import Literal

from services.settings.declaring import About, Strict, setting

OPTIONS = "0 all, 1 responses to tracked mail, 2 from leads, contacts and accounts, 3 from known records, 4 none"


class Filtering(Strict):
    """Filters of users and queues (domain sections 2.1, 2.2) and internal mail (5.1)."""

    filter_scope: Literal["allRecipients", "pollingMailbox"] = setting(
        "allRecipients",
        "filter.scope",
        "Ask the filters of all recipients, or of the mailbox's owner only.",
        about=About("2.2", acts="resolver"),
    )
    filter_force_users: int = setting(
        -1,
        "filter.forceUsers",
        f"One filter for all users ({OPTIONS}); -1: their own.",
        about=About("2.1", acts="resolver"),
        ge=-1,
        le=4,
    )
    filter_user_default: int = setting(
        1,
        "filter.userDefault",
        f"Filter of a user that has set none: {OPTIONS}.",
        about=About("2.1", acts="resolver"),
        ge=0,
        le=4,
    )
    filter_queue_default: int = setting(
        0,
        "filter.queueDefault",
        f"Filter of a queue that has set none: {OPTIONS}.",
        about=About("2.1", acts="resolver"),
        ge=0,
        le=4,
    )
    internal_two_activities: bool = setting(
        True,
        "internal.twoActivities",
        "Mail from one user to another becomes an outgoing and an incoming activity.",
        about=About("5.1", row="Track e-mail between two users as two activities", acts="resolver"),
    )
    internal_detect_opposite: bool = setting(
        True,
        "internal.detectOpposite",
        "With one activity: leave the incoming copy out only if the outgoing activity is there.",
        about=About("5.1", acts="resolver"),
    )
    internal_keep_to_queues: bool = setting(
        True,
        "internal.keepToQueues",
        "With one activity: mail from a user to a queue is still taken by the queue's filter.",
        about=About("5.1", acts="resolver"),
    )
    internal_drop_from_queues: bool = setting(
        False,
        "internal.dropFromQueues",
        "With one activity: leave out mail from a queue whose outgoing activity is there.",
        about=About("5.1", acts="resolver"),
    )
