import json

import pytest

from services.domain.errors import Refused
from services.settings.models import KINDS, MailboxSettings, ServerProfile, validate
from services.settings.organization import Organization
from services.settings.organization.content import BLOCKED
from tests.unit.contracts import examples

MAILBOX = {
    "address": "ada@example.org",
    "serverProfile": "main",
    "user": "ada",
    "credential": "mailbox/ada@example.org",
}
PROFILE = {"host": "imap.example.org", "port": 993}

# Domain section 13 and the settings of ours; a changed default must be changed here too.
ED25519 = "s1._domainkey.customer.example k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo="
DEFAULTS = {
    "processing.engine": "sss",
    "defaults.serverProfileId": None,
    "defaults.incoming": "sss",
    "defaults.outgoing": "sss",
    "defaults.act": "none",
    "approval.usersOnly": True,
    "approval.queuesOnly": True,
    "tracking.mode": "best",
    "tracking.folderLevel": True,
    "tracking.folderWins": False,
    "tracking.headers": True,
    "tracking.ignoreForwards": True,
    "tracking.sentItems": True,
    "tracking.trustedAuthserv": (),
    "tracking.dkimKeys": (),
    "tracking.sameOrganisation": False,
    "tracking.token.enabled": True,
    "tracking.token.prefix": "CRM:",
    "tracking.token.prefixHistory": (),
    "tracking.token.base": 0,
    "tracking.token.userDigits": 3,
    "tracking.token.counterDigits": 3,
    "tracking.token.ownInSubject": False,
    "tracking.subjectMaxLength": 255,
    "tracking.smart.enabled": "suggest",
    "tracking.smart.filterRegex": r"^[\s]*([\w]+\s?:[\s]*)+",
    "tracking.smart.maxCount": 20,
    "tracking.smart.deltaSubject": 0,
    "tracking.smart.minAddress": 2,
    "tracking.smart.lookbackDays": 90,
    "tracking.smart.linkThreshold": 0.8,
    "tracking.smart.suggestThreshold": 0.6,
    "filter.scope": "allRecipients",
    "filter.forceUsers": -1,
    "filter.userDefault": 1,
    "filter.queueDefault": 0,
    "internal.twoActivities": True,
    "internal.detectOpposite": True,
    "internal.keepToQueues": True,
    "internal.dropFromQueues": False,
    "resolve.unresolveOnMultiple": False,
    "resolve.applyToAll": True,
    "resolve.senderUnresolveOnMultiple": False,
    "resolve.senderMaxMatches": 100,
    "resolve.foldDetails": False,
    "resolve.autoCreate": "contact",
    "queue.itemPerRecipient": True,
    "queue.itemForPolling": True,
    "queue.itemForAlreadyTracked": False,
    "form.secureFrames": True,
    "form.sendUnresolved": False,
    "attachments.maxKb": 5120,
    "attachments.blocked": tuple(BLOCKED.split()),
    "message.maxMb": 150,
    "alerts.error": True,
    "alerts.warning": True,
    "alerts.information": True,
    "alerts.notifyMailboxOwner": False,
    "alerts.retentionDays": 30,
    "monitor.itemRetentionDays": 90,
}
SWITCHES = [key for key, value in DEFAULTS.items() if isinstance(value, bool)]


def test_the_defaults_are_those_of_the_product_or_ours():
    assert list(DEFAULTS.items()) == list(Organization().model_dump(by_alias=True).items())


def test_a_server_profile_is_safe_unless_told_otherwise():
    profile = validate("server-profile/main", PROFILE)

    assert isinstance(profile, ServerProfile)
    assert ("implicit", 30, 10, 10) == (
        profile.tls,
        profile.timeout_seconds,
        profile.poll_seconds,
        profile.max_connections,
    )


def test_a_mailbox_reads_its_inbox_and_has_no_owner_unless_told_otherwise():
    mailbox = validate("mailbox/ada@example.org", MAILBOX)

    assert isinstance(mailbox, MailboxSettings)
    assert (None, ("INBOX",), True) == (mailbox.owner, mailbox.folders, mailbox.enabled)


@pytest.mark.parametrize(
    ("key", "field", "allowed", "refused"),
    [
        *(("organization", key, (True, False), ("yes", 1, None)) for key in SWITCHES if key != "resolve.applyToAll"),
        ("organization", "processing.engine", ("sss", "router"), ("SSS", None, True)),
        ("organization", "defaults.serverProfileId", ("main", None), ("", 1, "x" * 321)),
        ("organization", "defaults.incoming", ("none", "client", "sss", "forward"), ("imap", None)),
        ("organization", "defaults.outgoing", ("none", "client", "sss"), ("forward", None)),
        ("organization", "defaults.act", ("client", "sss", "none"), ("forward", None)),
        ("organization", "tracking.mode", ("best", "compatible"), ("worst", None)),
        (
            "organization",
            "tracking.token.prefix",
            ("#", "x" * 20, "Ärger "[:5]),
            ("", "x" * 21, "A\n", "A:\r\nBcc:", " A", "A "),
        ),
        ("organization", "tracking.token.prefixHistory", ([], ["A:"] * 50), (["A:"] * 51, [""], "A:", ["x" * 21])),
        (
            "organization",
            "tracking.trustedAuthserv",
            ([], ["mx.own.example"] * 50),
            (["mx"] * 51, "mx", [""], ["a b"], ["a;b"], ["x" * 256]),
        ),
        (
            "organization",
            "tracking.dkimKeys",
            ([], [ED25519]),
            (
                [ED25519] * 2,
                ED25519,
                [""],
                ["x"],
                [ED25519.replace("s1", "s2") + "A"],
                [1],
                [f"{ED25519} {' ' * 2000}"],
            ),
        ),
        ("organization", "tracking.token.base", (0, 2_147_483_647), (-1, 2_147_483_648, 1.5, "1")),
        ("organization", "tracking.token.userDigits", (1, 10), (0, 11)),
        ("organization", "tracking.token.counterDigits", (1, 9), (0, 10)),
        ("organization", "tracking.subjectMaxLength", (255, 400), (254, 401)),
        ("organization", "tracking.smart.enabled", ("off", "suggest", "link"), (True, "on", None)),
        (
            "organization",
            "tracking.smart.filterRegex",
            ("", "^(re|fw):", "x" * 500),
            ("(", "*", "[[a]", "a\n", "x" * 501, None),
        ),
        ("organization", "tracking.smart.maxCount", (0, 2_147_483_647), (-1, 2_147_483_648)),
        ("organization", "tracking.smart.deltaSubject", (0, 2_147_483_647), (-1, 2_147_483_648)),
        ("organization", "tracking.smart.minAddress", (0, 2_147_483_647), (-1, 2_147_483_648)),
        ("organization", "tracking.smart.lookbackDays", (1, 3650), (0, 3651)),
        ("organization", "tracking.smart.linkThreshold", (0.5, 1, 1.0), (0.49, 1.01, "0.8", None)),
        ("organization", "tracking.smart.suggestThreshold", (0.5, 1, 1.0), (0.49, 1.01, "0.8", None)),
        ("organization", "resolve.autoCreate", ("none", "contact", "lead"), ("account", None)),
        ("organization", "attachments.maxKb", (0, 131_072), (-1, 131_073)),
        (
            "organization",
            "attachments.blocked",
            ([], ["exe", "mp3"]),
            ([".exe"], ["EXE"], ["a b"], "exe", ["x"] * 1001),
        ),
        ("organization", "alerts.retentionDays", (0, 3650), (-1, 3651)),
        ("organization", "monitor.itemRetentionDays", (0, 3650), (-1, 3651)),
        ("organization", "filter.forceUsers", (-1, 4), (-2, 5)),
        ("organization", "filter.userDefault", (0, 4), (-1, 5)),
        ("organization", "filter.queueDefault", (0, 4), (-1, 5)),
        ("organization", "resolve.senderMaxMatches", (1, 10_000), (0, 10_001)),
        ("organization", "message.maxMb", (1, 150), (0, 151)),
        ("organization", "filter.scope", ("allRecipients", "pollingMailbox"), ("all", None)),
        ("server-profile/main", "protocol", ("imap", "pop3"), ("IMAP", "ews", None)),
        ("mailbox/ada@example.org", "processAndDelete", (True, False), ("true", None)),
        *(
            (
                key,
                "receivedAfter",
                (None, "2026-11-01T00:00:00Z", "2026-11-01T00:00:00+01:00"),
                (1761955200, "2026-11-01", "2026-11-01T00:00:00", "yesterday", True),
            )
            for key in ("server-profile/main", "mailbox/ada@example.org")
        ),
        ("server-profile/main", "port", (1, 65535), (0, 65536, "993", 99.5)),
        ("server-profile/main", "tls", ("implicit", "starttls", "none"), ("auto", True)),
        ("server-profile/main", "auth", ("auto", "login", "plain", "xoauth2", "oauthbearer"), ("LOGIN", "", None)),
        ("server-profile/main", "timeoutSeconds", (1, 100), (0, 101)),
        ("server-profile/main", "pollSeconds", (1, 86_400), (0, 86_401)),
        ("server-profile/main", "maxConnections", (1, 300), (0, 301)),
        ("server-profile/main", "idle", (True, False), ("yes", 1, None)),
        ("server-profile/main", "host", ("h",), ("", 5)),
        (
            "server-profile/main",
            "router",
            ("berlin", "b-2", "r" * 63, None),
            ("", "Berlin", "-b", "r" * 64, "a b", "b\n", 5),
        ),
        ("mailbox/ada@example.org", "folders", (["INBOX", "Sent"],), ([], "INBOX", [1])),
        ("mailbox/ada@example.org", "enabled", (True, False), ("true", None)),
        ("mailbox/ada@example.org", "approved", (True, False), ("true", None)),
        ("mailbox/ada@example.org", "owner", (None, {"type": "user", "id": "u1"}), ({"type": "user"}, "u1")),
        ("mailbox/ada@example.org", "user", ("u",), ("",)),
        ("folder-rule/r", "folder", ("Kunden/Müller", "x" * 500), ("", "x" * 501, 1, None)),
        ("folder-rule/r", "regarding", (None, {"type": "account", "id": "a1"}), ({"type": "account"}, "a1")),
        ("folder-rule/r", "enabled", (True, False), ("true", None)),
        ("mailbox/ada@example.org", "credential", (None, "c"), ("",)),
        ("mailbox/ada@example.org", "name", ("", "x" * 200), ("x" * 201, None)),
        ("mailbox/ada@example.org", "incoming", ("none", "client", "sss", "forward", "push"), ("router", None)),
        ("mailbox/ada@example.org", "outgoing", ("none", "client", "sss"), ("forward", None)),
        ("mailbox/ada@example.org", "act", ("none", "client", "sss"), ("forward", None)),
        ("mailbox/ada@example.org", "isForwardMailbox", (True, False), ("true", None)),
        ("server-profile/main", "name", ("", "x" * 100), ("x" * 101, None)),
        ("server-profile/main", "description", ("", "x" * 2000), ("x" * 2001, None)),
        ("server-profile/main", "owner", (None, {"type": "user", "id": "u1"}), ({"type": "user"}, "u1")),
        ("server-profile/main", "outgoingHost", (None, "h"), ("", 5)),
        ("server-profile/main", "outgoingPort", (1, 65535), (0, 65536)),
        ("server-profile/main", "outgoingTls", ("implicit", "starttls", "none"), ("auto", None)),
        ("server-profile/main", "outgoingAuth", ("auto", "login", "none"), ("LOGIN", None)),
        *(
            (key, field, (None, "u"), ("",))
            for key, field in (
                ("server-profile/main", "user"),
                ("server-profile/main", "credential"),
                ("server-profile/main", "outgoingUser"),
                ("server-profile/main", "outgoingCredential"),
                ("mailbox/ada@example.org", "outgoingUser"),
                ("mailbox/ada@example.org", "outgoingCredential"),
            )
        ),
        *(
            ("server-profile/main", field, (True, False), ("true", None))
            for field in ("active", "notifyOwner", "moveUndelivered", "useImpersonation", "useSameForOutgoing")
        ),
        *(
            ("server-profile/main", field, ("perMailbox", "profile"), ("anonymous", None))
            for field in ("credentialRetrieval", "outgoingCredentialRetrieval")
        ),
        ("principal/user:u1", "filter", (0, 4, None), (-1, 5, "all", True)),
        ("principal/user:u1", "autoCreate", ("none", "contact", "lead", None), ("account", True)),
    ],
    ids=lambda one: one if isinstance(one, str) else "",
)
def test_the_bounds_of_every_field(key, field, allowed, refused):
    complete: dict[str, dict[str, object]] = {
        "server-profile": {**PROFILE},
        "mailbox": {**MAILBOX},
        "folder-rule": {"mailbox": "ada@example.org", "folder": "Kunden"},
    }
    base = complete.get(key.partition("/")[0], {})
    for value in allowed:
        validate(key, {**base, field: value})
    for value in refused:
        with pytest.raises(Refused) as error:
            validate(key, {**base, field: value})
        assert str(error.value).startswith(f"{key}: {field}")


def test_every_bounded_field_is_in_the_test_above():
    mark = next(m for m in test_the_bounds_of_every_field.pytestmark if m.name == "parametrize")
    tested = {(key.partition("/")[0], field) for key, field, _, _ in mark.args[1]}
    free = {("mailbox", "address"), ("mailbox", "serverProfile")}
    free |= {("organization", "resolve.applyToAll"), ("folder-rule", "mailbox")}

    declared = {(kind, f.alias or name) for kind, model in KINDS.items() for name, f in model.model_fields.items()}

    assert declared == tested | free


@pytest.mark.parametrize("field", ["address", "serverProfile"])
def test_a_missing_field_is_named(field):
    with pytest.raises(Refused, match=rf"^mailbox/ada@example\.org: {field} is missing: give it$"):
        validate("mailbox/ada@example.org", {k: v for k, v in MAILBOX.items() if k != field})


@pytest.mark.parametrize("incoming", ["none", "client", "forward", "push"])
def test_a_mailbox_that_is_not_read_needs_no_server(incoming):
    validate("mailbox/ada@example.org", {"address": "ada@example.org", "incoming": incoming})


@pytest.mark.parametrize("field", ["filter.usersDefault", "filter_user_default", "tracking.token"])
def test_an_unknown_field_is_refused_with_those_there_are(field):
    with pytest.raises(Refused) as error:
        validate("organization", {field: 1})

    assert f"unknown field {field!r}" in str(error.value)
    assert all(name in str(error.value) for name in DEFAULTS)


def test_the_refusal_names_key_field_value_and_bound():
    with pytest.raises(Refused) as error:
        validate("organization", {"filter.userDefault": 9})

    assert "organization: filter.userDefault is 9: input should be less than or equal to 4" == str(error.value)


@pytest.mark.parametrize(
    "key",
    [
        "",
        "organisation",
        "organization/x",
        "organization/",
        "mailbox",
        "mailbox/",
        "principal/",
        "folder-rule/",
        "x/y",
    ],
)
def test_what_is_no_settings_key_is_refused_with_those_there_are(key):
    with pytest.raises(Refused, match="expected organization, server-profile/ID"):
        validate(key, {})


@pytest.mark.parametrize("text", ["a\0b", "\ud800", "\udc00x"])
def test_a_text_that_cannot_be_stored_is_refused(text):
    with pytest.raises(Refused, match="a text holds a NUL or half a character"):
        validate("mailbox/ada@example.org", {**MAILBOX, "user": text})


@pytest.mark.parametrize("key", ["principal/\x1b[2Jx", "principal/a\nb", "principal/a\0"])
def test_a_key_that_would_move_the_cursor_of_a_terminal_is_refused(key):
    with pytest.raises(Refused, match="cannot be printed"):
        validate(key, {})


def test_a_key_without_bound_is_refused():
    with pytest.raises(Refused, match="too long"):
        validate(f"principal/{'x' * 400}", {})


@pytest.mark.parametrize("value", [None, [], "x", 3])
def test_what_is_no_object_is_refused(value):
    with pytest.raises(Refused, match="must be an object"):
        validate("organization", value)


def test_the_address_of_a_mailbox_is_its_key():
    with pytest.raises(Refused, match=r"the key must be mailbox/ada@example\.org"):
        validate("mailbox/bob@example.org", {**MAILBOX, "address": "Ada@Example.ORG"})
    with pytest.raises(Refused, match="must be an e-mail address"):
        validate("mailbox/ada", {**MAILBOX, "address": "ada"})


def test_the_examples_of_the_topic_are_valid():
    shown = [good.value for good in examples.good() if good.record == "SettingsRecord"]
    for one in shown:
        if one["value"] is not None:
            validate(one["key"], json.loads(one["value"]))

    assert set(KINDS) == {one["key"].partition("/")[0] for one in shown}


@pytest.mark.parametrize("value", [True, False])
def test_apply_to_all_can_be_set_only_with_unresolved_on_multiple(value):
    with pytest.raises(Refused) as error:
        validate("organization", {"resolve.applyToAll": value})

    said = f"organization: resolve.applyToAll is {str(value).lower()}, but it can be set only while "
    assert str(error.value).startswith(f"{said}resolve.unresolveOnMultiple is true: set that to true too")
    validate("organization", {"resolve.applyToAll": value, "resolve.unresolveOnMultiple": True})


def test_a_value_in_force_cannot_be_changed():
    with pytest.raises(ValueError, match="frozen"):
        Organization().tracking_headers = False
