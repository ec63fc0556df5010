"""From addresses to records: several matches, unknown senders, queue items, and how mail is shown."""

from typing import Literal

from pydantic import model_validator

from services.settings.declaring import About, Strict, setting


class Resolution(Strict):
    """Domain sections 4.2 to 4.8 and 7."""

    resolve_unresolve_on_multiple: bool = setting(
        False,
        "resolve.unresolveOnMultiple",
        "Leave a recipient unresolved when several records have the address.",
        about=About("4.3", row="Unresolved when several records match", acts="resolver"),
    )
    resolve_apply_to_all: bool = setting(
        True,
        "resolve.applyToAll",
        "What a person chooses for an unresolved address counts for all mails in which it is unresolved.",
        about=About("4.4", row="Apply the same address to all unresolved matches", acts="resolver"),
    )
    resolve_sender_unresolve_on_multiple: bool = setting(
        False,
        "resolve.senderUnresolveOnMultiple",
        "Leave the sender unresolved when several records have the address.",
        about=About("4.2", acts="resolver"),
    )
    resolve_sender_max_matches: int = setting(
        100,
        "resolve.senderMaxMatches",
        "With more records than this, the sender stays unresolved.",
        about=About("4.2", unit="records", acts="resolver"),
        ge=1,
        le=10_000,
    )
    resolve_fold_details: bool = setting(
        False,
        "resolve.foldDetails",
        "An address with a detail (name+detail@domain) is that without it, unless a record has exactly that address.",
        about=About("4.1", acts="resolver"),
    )
    resolve_auto_create: Literal["none", "contact", "lead"] = setting(
        "contact",
        "resolve.autoCreate",
        "What the CRM is asked to make for the unknown sender of a mail that is filed, once for an address.",
        about=About("4.8", acts="resolver"),
    )
    queue_item_per_recipient: bool = setting(
        True,
        "queue.itemPerRecipient",
        "One queue item for each queue among the recipients.",
        about=About("4.7", acts="resolver"),
    )
    queue_item_for_polling: bool = setting(
        True,
        "queue.itemForPolling",
        "One queue item for the queue whose mailbox was read, named or not.",
        about=About("4.7", acts="resolver"),
    )
    queue_item_for_already_tracked: bool = setting(
        False,
        "queue.itemForAlreadyTracked",
        "A queue that gets a mail later than others gets its item all the same.",
        about=About("4.7", acts="resolver"),
    )
    form_secure_frames: bool = setting(
        True,
        "form.secureFrames",
        "Show the content of mail in a frame without scripts, forms and remote content.",
        about=About("7", row="Secure frames"),
    )
    form_send_unresolved: bool = setting(
        False,
        "form.sendUnresolved",
        "Mail to recipients that are no records may be sent.",
        about=About("4.5", row="Allow sending with unresolved recipients"),
    )

    @model_validator(mode="after")
    def _only_with_the_previous(self) -> "Resolution":
        if "resolve_apply_to_all" in self.model_fields_set and not self.resolve_unresolve_on_multiple:
            raise ValueError(
                f"resolve.applyToAll is {str(self.resolve_apply_to_all).lower()}, but it can be set only while "
                "resolve.unresolveOnMultiple is true: set that to true too, or leave resolve.applyToAll out"
            )
        return self
