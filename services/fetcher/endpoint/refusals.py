"""Why a request of a router is refused: a status, a code for the router, words for its administrator."""

from services.domain.errors import MailweaveError


class Refusal(MailweaveError):  # noqa: N818 - named for what it is
    """
    The request is refused as a whole; nothing of it was kept.

    ``again`` is after how many seconds it may be made again, None when only a change would help.
    """

    status = 400
    code = "bad_request"
    again: int | None = None


class BadRequest(Refusal):
    """It is not what this endpoint takes."""


class Damaged(Refusal):
    """The bytes are not those that were announced."""

    code = "damaged"
    again = 1


class TokenRefused(Refusal):
    """No token, nobody's, or a revoked one."""

    status = 401
    code = "token_refused"

    def __init__(self) -> None:
        super().__init__("no router has this token: make one with mailweave router token create and give it the router")


class RouterNotAllowed(Refusal):
    """The mailbox is another router's."""

    status = 403
    code = "router_not_allowed"


class NotFound(Refusal):
    """There is no such thing here."""

    status = 404
    code = "not_found"


class OtherVersion(Refusal):
    """The router is older or newer than the installation, and means other things by what it says."""

    status = 409
    code = "other_version"
    again = 60

    def __init__(self, version: int) -> None:
        super().__init__(
            f"the installation speaks version {version} to routers, and this one another: update the older"
        )


class MailboxUnknown(NotFound):
    """The settings have no such mailbox."""

    code = "mailbox_unknown"


class TooSlow(Refusal):
    """The bytes come at less than a reasonable pace."""

    status = 408
    code = "too_slow"
    again = 5


class LeftToFetcher(Refusal):
    """The organisation has its mailboxes read by the fetcher."""

    status = 409
    code = "left_to_fetcher"
    again = 30

    def __init__(self) -> None:
        super().__init__("processing.engine is sss: the mailboxes are not left to routers now; ask again later")


class MailboxNotRead(Refusal):
    """The mailbox is deactivated, or its address is not approved."""

    status = 409
    code = "mailbox_not_read"
    again = 60

    def __init__(self) -> None:
        super().__init__("the settings do not let this mailbox be read: it is deactivated or not approved")


class Outrun(Refusal):
    """Another has claimed the mailbox since."""

    status = 409
    code = "fence_lost"
    again = 1


class RuleUnknown(Refusal):
    """A mail is handed in under a folder rule that its mailbox does not have, or no more."""

    status = 409
    code = "rule_unknown"
    again = 1

    def __init__(self) -> None:
        super().__init__("the settings have no such folder rule for this mailbox: claim it again to hear of its rules")


class TooLarge(Refusal):
    """More than is taken."""

    status = 413
    code = "too_large"


class Busy(Refusal):
    """As many mails as can be taken are on their way in."""

    status = 429
    code = "busy"
    again = 2

    def __init__(self) -> None:
        super().__init__("as much as can be taken at once is on its way in: try again")


class StoresAway(Refusal):
    """A store does not answer, or something broke that nobody foresaw."""

    status = 503
    code = "stores"
    again = 5

    def __init__(self) -> None:
        super().__init__("the mail cannot be made durable now: hand it in again")
