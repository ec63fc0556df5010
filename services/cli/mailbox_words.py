"""Where a mailbox stands, in plain words."""

from services.domain.alert_codes import kind_of
from services.domain.approval import Permit
from services.domain.mailbox_state import TRIES, Phase
from services.domain.polled import Idle
from services.settings.permits import permit_of, sending_of, unpolled, unsent
from services.settings.snapshot import Snapshot
from services.storage.reports.mailbox_states import Standing

IDLE = {
    Idle.NONE: "by its method: nothing is done",
    Idle.CLIENT: "done by the Outlook client: the server does nothing",
    Idle.FORWARD: "its mail comes by a forward mailbox",
    Idle.PUSH: "its mail is pushed here",
    Idle.PROFILE_INACTIVE: "its server profile is not active",
    Idle.NO_SERVER: "its server profile names no outgoing server (outgoingHost)",
    Idle.NO_CREDENTIAL: "it waits for a credential (mailweave credential set NAME, then settings set mailbox/ADDRESS"
    " credential=NAME)",
}
"""Why the settings have nothing done in one direction."""
PROBED = "It is probed now and then, and enabled by itself when that works."
UNSEEN = "new: no fetcher has seen it yet"
_STATES = {
    Phase.CREATED: UNSEEN,
    Phase.PENDING_APPROVAL: "waits for approval: nobody connects to it (mailweave mailbox approve)",
    Phase.APPROVED: "approved: its test is scheduled next",
    Phase.TEST_SCHEDULED: "its test is scheduled: the next check is the test",
    Phase.TESTING: "is being tested",
    Phase.ENABLED: "enabled: it is read",
    Phase.DEACTIVATED: "deactivated by the settings: it is not read",
}


def reader(*, left: bool, router: str | None) -> str:
    """Say who reads the mailboxes now: the fetcher, or whichever router; it may not have come yet."""
    if not left:
        return "the fetcher"
    return f"left to the router, {router} is the last that came" if router else "left to the router; none has come yet"


def short(standing: Standing | None) -> str:
    """Name the state, with the code of what is wrong: ``disabled (login_refused)``."""
    if standing is None:
        return "new"
    name = standing.phase.replace("_", " ")
    return f"{name} ({standing.reason})" if standing.reason and standing.phase != Phase.PENDING_APPROVAL else name


def state(standing: Standing | None) -> str:
    """Say where it stands, why, and what happens by itself."""
    if standing is None:
        return UNSEEN
    phase = Phase(standing.phase)
    if phase is Phase.BACKING_OFF:
        failed = f"{standing.attempts} of {TRIES} tries have failed in a row"
        return f"backing off: {failed}. {kind_of(standing.reason).means}"
    if phase is Phase.DISABLED:
        return f"disabled. {kind_of(standing.reason).means} {PROBED}"
    return _STATES[phase]


def receiving(snapshot: Snapshot, mailbox: str, standing: Standing | None) -> str:
    """Say where a mailbox stands that is read, or why the settings have it not read."""
    match permit_of(snapshot, mailbox):
        case Permit.PENDING:
            return _STATES[Phase.PENDING_APPROVAL]
        case Permit.DEACTIVATED:
            return _STATES[Phase.DEACTIVATED]
        case Permit.ALLOWED:
            why = unpolled(snapshot, mailbox)
            return f"not read: {IDLE[why]}" if why else state(standing)


def sending(snapshot: Snapshot, mailbox: str, standing: Standing | None) -> str:
    """Say where a mailbox stands that may send, or why the settings have nothing sent for it."""
    if why := unsent(snapshot, mailbox):
        return f"not sent: {IDLE[why]}"
    if sending_of(snapshot, mailbox) is not Permit.ALLOWED:
        return "not sent: it is deactivated, or waits for approval"
    said = state(standing).replace("enabled: it is read", "enabled: its outgoing server lets it send")
    return f"{said}; this version sends no mail yet"


def to_do(standing: Standing | None) -> str:
    """Say what a person can do about what is wrong; empty when nothing is."""
    return kind_of(standing.reason).fix if standing is not None and standing.reason else ""


def test(standing: Standing | None) -> str:
    """Say how its last test ended."""
    if standing is None or standing.tested is None:
        return "not run"
    detail = f": {standing.test_detail}" if standing.test_detail else ""
    return f"{standing.test_result} at {standing.tested:%Y-%m-%d %H:%M:%S} UTC{detail}"
