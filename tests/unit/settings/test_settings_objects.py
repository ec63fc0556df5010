"""What server profile and mailbox say together: who logs in, what contradicts itself, what is read and sent for."""

import pytest

from services.domain.approval import Permit
from services.domain.errors import Refused
from services.domain.polled import Idle
from services.settings import references
from services.settings.models import MailboxSettings, ServerProfile
from services.settings.objects import logins
from services.settings.objects.logins import Login
from services.settings.permits import polling_of, readable, sending_of, unpolled, unsent
from services.settings.snapshot import EMPTY, apply

ADA = "ada@example.org"


def profile(**fields):
    return {"host": "h", "port": 993, **fields}


def mailbox(**fields):
    return {"address": ADA, "serverProfile": "main", **fields}


def settings(server, box):
    return apply(apply(EMPTY, "server-profile/main", 1, server), f"mailbox/{ADA}", 2, box)


SHARED = {"credentialRetrieval": "profile", "credential": "shared"}
APART = {"useSameForOutgoing": False}


@pytest.mark.parametrize(
    ("server", "box", "receives", "sends"),
    [
        ({}, {"user": "ada", "credential": "c"}, Login("ada", "c"), Login("ada", "c")),
        ({}, {"credential": "c"}, Login(ADA, "c"), Login(ADA, "c")),
        ({}, {"user": "ada"}, None, None),
        (SHARED, {"user": "ada*master"}, Login("ada*master", "shared"), Login("ada*master", "shared")),
        ({**SHARED, "user": "master"}, {"credential": "c"}, Login("master", "shared"), Login("master", "shared")),
        (
            {**SHARED, "user": "master", "useImpersonation": True},
            {"user": "ada"},
            Login("master", "shared", "ada"),
            Login("master", "shared", "ada"),
        ),
        (APART, {"user": "ada", "credential": "c"}, Login("ada", "c"), None),
        (APART, {"user": "ada", "credential": "c", "outgoingCredential": "o"}, Login("ada", "c"), Login("ada", "o")),
        (
            {**APART, "outgoingCredentialRetrieval": "profile", "outgoingUser": "relay", "outgoingCredential": "o"},
            {"credential": "c"},
            Login(ADA, "c"),
            Login("relay", "o"),
        ),
    ],
)
def test_who_logs_in(server, box, receives, sends):
    found, at = MailboxSettings.model_validate(mailbox(**box)), ServerProfile.model_validate(profile(**server))

    assert (receives, sends) == (logins.incoming(found, at), logins.outgoing(found, at))


@pytest.mark.parametrize(
    ("server", "box", "said"),
    [
        ({"credentialRetrieval": "profile"}, {}, "credential is not set"),
        ({**APART, "outgoingCredentialRetrieval": "profile"}, {}, "outgoingCredential is not set"),
        ({"useImpersonation": True}, {}, "no user of the profile logs in"),
        ({**SHARED, "user": "m", "useImpersonation": True, "auth": "login"}, {}, "SASL PLAIN"),
        ({**SHARED, "user": "m", "useImpersonation": True, "protocol": "pop3"}, {}, "SASL PLAIN"),
        ({}, {"act": "sss"}, "no appointments"),
        ({}, {"isForwardMailbox": True, "outgoing": "sss"}, "sends nothing"),
        ({}, {"isForwardMailbox": True, "owner": {"type": "user", "id": "u"}}, "belongs to nobody"),
        ({}, {"isForwardMailbox": True, "incoming": "none"}, "is read here"),
    ],
)
def test_what_contradicts_itself_is_refused_with_what_to_do(server, box, said):
    with pytest.raises(Refused, match=said):
        references.check(settings(profile(**server), mailbox(**box)))


def test_why_a_mailbox_is_not_read_or_sent_for():
    good = mailbox(credential="c", outgoing="sss")
    with_server = profile(outgoingHost="s")

    assert (Idle.NO_CREDENTIAL, Idle.NONE) == both(settings(profile(), mailbox()))
    assert (Idle.CLIENT, Idle.CLIENT) == both(settings(profile(), mailbox(incoming="client", outgoing="client")))
    assert (None, Idle.NO_SERVER) == both(settings(profile(), good))
    assert (None, None) == both(settings(with_server, good))
    assert (Idle.PROFILE_INACTIVE, Idle.PROFILE_INACTIVE) == both(settings({**with_server, "active": False}, good))
    assert (Idle.NO_CREDENTIAL, None) == both(
        settings({**with_server, "outgoingAuth": "none"}, mailbox(outgoing="sss"))
    )


def both(found):
    return unpolled(found, ADA), unsent(found, ADA)


def test_what_is_not_read_by_its_method_is_deactivated_and_approval_comes_first():
    owned = {"owner": {"type": "user", "id": "u"}, "approved": False}
    waiting, refused = settings(profile(), mailbox()), settings(profile(), mailbox(**owned))

    assert (Permit.DEACTIVATED, []) == (polling_of(waiting, ADA), readable(waiting))
    assert (Permit.PENDING, Permit.DEACTIVATED) == (polling_of(refused, ADA), sending_of(refused, ADA))
