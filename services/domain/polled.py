"""Whether the server side reads and sends for a mailbox, by its methods (domain rule 1.2); approval is apart."""

from enum import StrEnum


class Idle(StrEnum):
    """Why nothing is done for a mailbox in one direction."""

    NONE = "none"
    CLIENT = "client"
    FORWARD = "forward"
    PUSH = "push"
    PROFILE_INACTIVE = "profile_inactive"
    NO_SERVER = "no_server"
    NO_CREDENTIAL = "no_credential"


_METHODS = {"none": Idle.NONE, "client": Idle.CLIENT, "forward": Idle.FORWARD, "push": Idle.PUSH}


def polled(*, incoming: str, profile_active: bool, credential: bool) -> Idle | None:
    """Return why a mailbox is not read from its server; None when it is. ``credential``: whether one is named."""
    if incoming != "sss":
        return _METHODS[incoming]
    return _by_profile(profile_active=profile_active, credential=credential)


def sent_for(*, outgoing: str, server: bool, profile_active: bool, credential: bool) -> Idle | None:
    """Return why nothing is sent for a mailbox; None when it may be. ``server``: whether the profile names one."""
    if outgoing != "sss":
        return _METHODS[outgoing]
    if not server:
        return Idle.NO_SERVER
    return _by_profile(profile_active=profile_active, credential=credential)


def _by_profile(*, profile_active: bool, credential: bool) -> Idle | None:
    if not profile_active:
        return Idle.PROFILE_INACTIVE
    return None if credential else Idle.NO_CREDENTIAL
