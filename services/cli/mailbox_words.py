"""Where a mailbox stands, in plain words."""

from services.domain.alert_codes import kind_of
from services.domain.mailbox_state import TRIES, Phase
from services.storage.reports.mailbox_states import Standing

OUTGOING = "not driven: this version sends no mail"
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


NOT_POLLED = {
    "none": "none: it receives nothing here",
    "client": "client: the Outlook client files its mail, nothing is read here",
    "forward": "forward: its mail comes through a forward mailbox, nothing is read here",
}
"""Ways of receiving that no server is asked for."""


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


def to_do(standing: Standing | None) -> str:
    """Say what a person can do about what is wrong; empty when nothing is."""
    return kind_of(standing.reason).fix if standing is not None and standing.reason else ""


def test(standing: Standing | None) -> str:
    """Say how its last test ended."""
    if standing is None or standing.tested is None:
        return "not run"
    detail = f": {standing.test_detail}" if standing.test_detail else ""
    return f"{standing.test_result} at {standing.tested:%Y-%m-%d %H:%M:%S} UTC{detail}"
