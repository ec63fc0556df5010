"""A dry run over given mail: no server is asked, and the answer does not depend on the order of the mails."""

import base64
import json
from dataclasses import replace
from datetime import timedelta
from uuid import UUID

import pytest
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st

from services.cli.main import cli
from services.cli.simulation import conversations, knowing
from services.cli.simulation.deciding import decide
from services.cli.simulation.given import Given
from services.cli.simulation.placing import Placing, place
from services.cli.simulation.verdicts import verdicts
from services.domain.attachments import AttachmentLimits
from services.domain.identity import Direction
from services.domain.message import Mailbox, MessageId
from services.resolver.ledger import Item
from services.resolver.policy import settings_of
from services.settings.snapshot import EMPTY, apply
from tests.messages import PLAIN, message

DIRECTORY = [
    {"type": "user", "id": "anna", "name": "Anna", "addresses": ["anna@own.example"]},
    {"type": "queue", "id": "support", "name": "Support", "addresses": ["support@own.example"]},
]
ENTRIES = [{"owner": None, "active": True, "deleted": False, **one} for one in DIRECTORY]


def mail(name: str, *answers: str, to: str = "anna@own.example", minute: int = 0) -> Given:
    ids = tuple(MessageId(f"{one}@x.example") for one in answers)
    made = message(
        message_id=MessageId(f"{name}@x.example"), in_reply_to=ids[:1], references=ids, to=(Mailbox("", to),)
    )
    return Given(name, made, PLAIN["date"] + timedelta(minutes=minute), 100)


def decided(
    mails: list[Given], organization: dict[str, object] | None = None, limit: int = 1000
) -> dict[str, tuple[object, ...]]:
    placing = place(mails, "anna@own.example", "INBOX", limit=limit)
    ledger = knowing.of_given(placing.arrivals, ENTRIES)
    items = [Item(a.delivered, a.message) for a in placing.arrivals]
    rows = decide(items, ledger, settings_of(apply(EMPTY, "organization", 1, organization or {})))
    found = verdicts(items, rows, ledger, placing.labels, AttachmentLimits())
    return {one.label: (one.outcome, one.method, one.answers) for one in found}


CONVERSATION = [
    mail("root", to="support@own.example"),
    mail("reply", "root", minute=1),
    mail("later", "reply", "root", minute=2),
    mail("alone", minute=3),
    mail("late", "never-seen", minute=4),
    mail("one", "two", minute=5),
    mail("two", "one", minute=6),
]
EXPECTED = {
    "root": ("accepted", "None", None),
    "reply": ("accepted", "InReplyTo", "root"),
    "later": ("accepted", "InReplyTo", "reply"),
    "alone": ("NoCorrelationMatch", "None", None),
    "late": ("NoCorrelationMatch", "None", None),
    "one": ("NoCorrelationMatch", "None", None),
    "two": ("NoCorrelationMatch", "None", None),
}


@given(order=st.permutations(CONVERSATION), minutes=st.permutations(range(len(CONVERSATION))))
@settings(max_examples=50)
def test_the_decisions_do_not_depend_on_order_or_dates(order, minutes):
    moved = [
        Given(m.label, m.message, PLAIN["date"] + timedelta(minutes=n), 1) for m, n in zip(order, minutes, strict=True)
    ]

    assert EXPECTED == decided(moved)


def test_other_names_and_places_are_found_as_in_the_store():
    """A dry run knows aliases, copies and the Thread-Index, whatever comes first."""
    root = bytes(range(1, 23))
    under = [
        replace(one.message, in_reply_to=(), references=(), thread_index=base64.b64encode(root + n * b"12345").decode())
        for n, one in enumerate(CONVERSATION[:3])
    ]
    former = replace(CONVERSATION[3].message, headers=(("x-gmail-original-message-id", "<old@x.example>"),))
    to_former = mail("answer", "old", minute=9)
    made = [*under, replace(former, to=(Mailbox("", "support@own.example"),))]
    mails = [replace(one, message=m) for one, m in zip(CONVERSATION, made, strict=False)]

    found = decided([to_former, *reversed(mails)])

    assert ("accepted", "ConversationIndex", "root") == found["reply"]
    assert ("accepted", "ConversationIndex", "reply") == found["later"]
    assert ("accepted", "InReplyTo", "alone") == found["answer"]


def test_settings_act():
    assert "NoCorrelationMatch" == decided(CONVERSATION, {"tracking.headers": False})["reply"][0]
    assert {"accepted"} == {one[0] for one in decided(CONVERSATION, {"filter.userDefault": 0}).values()}
    assert {"TooLarge"} == {one[0] for one in decided(CONVERSATION, limit=99).values()}


@pytest.mark.parametrize("first", ["sent", "received"])
def test_internal_mail_makes_one_activity_whichever_copy_is_the_older(first):
    note = mail("note", to="support@own.example")
    note = replace(note, message=replace(note.message, from_=(Mailbox("", "anna@own.example"),)))
    placing = place([note], "support@own.example", "INBOX", limit=1000)
    (received,) = (Item(a.delivered, a.message) for a in placing.arrivals)
    later = received.delivered.internal_date + timedelta(minutes=1 if first == "received" else -1)
    sent = replace(
        received,
        delivered=replace(
            received.delivered,
            delivery_id=UUID(int=99),
            direction=Direction.OUTGOING,
            mailbox="anna@own.example",
            folder="Sent",
            internal_date=later,
        ),
    )
    organization = {"internal.twoActivities": False, "internal.keepToQueues": False, "filter.userDefault": 0}
    rows = decide(
        [received, sent],
        knowing.of_given(placing.arrivals, ENTRIES),
        settings_of(apply(EMPTY, "organization", 1, organization)),
    )

    assert {"incoming": "InternalIgnored", "outgoing": "accepted"} == {
        row.delivered.direction: row.current.outcome for row in rows.values()
    }


def threads(placing: Placing) -> dict[str, dict[str, object]]:
    return {
        str(one["message_id"]): dict(one)
        for one in conversations.lines(placing, knowing.of_given(placing.arrivals, ()))
    }


@given(order=st.permutations(CONVERSATION))
@settings(max_examples=50)
def test_every_mail_has_its_parent_and_its_thread_in_whatever_order_it_came(order):
    found = threads(place(order, "", "INBOX", limit=1000))

    assert ["reply", "root", None, None, None] == [
        found[name]["parent"] for name in ("later", "reply", "root", "alone", "late")
    ]
    assert 1 == len({found[name]["thread"] for name in ("root", "reply", "later")})
    assert 4 == len({one["thread"] for one in found.values()})
    assert (1.0, None) == (found["reply"]["confidence"], found["alone"]["confidence"])


@pytest.fixture
def run(monkeypatch):
    """The command line where no server is known."""
    for name in ("KAFKA", "POSTGRES", "REDIS"):
        monkeypatch.setenv(f"MAILWEAVE_{name}", "")
    return lambda *arguments: CliRunner().invoke(cli, ["simulate", *map(str, arguments)])


RAW = b"From: kim@x.example\r\nTo: anna@own.example\r\nMessage-ID: <a@x.example>\r\nSubject: x\r\n\r\nHello\r\n"


def test_mails_in_files_are_decided_without_any_server(run, tmp_path):
    (tmp_path / "a.eml").write_bytes(RAW)
    directory = tmp_path / "d.jsonl"
    directory.write_text("".join(json.dumps(one) + "\n" for one in DIRECTORY))
    candidate = tmp_path / "s.json"
    candidate.write_text('{"organization": {"filter.userDefault": 0}}')
    options = ["--mail", tmp_path, "--directory", directory, "--mailbox", "anna@own.example"]

    plain = run(*options)
    assert "a@x.example: NoCorrelationMatch\n" in plain.stdout
    assert "1 NoCorrelationMatch." in plain.stdout
    changed = run(*options, "--settings", candidate, "--format", "diff")
    assert "a@x.example: accepted: NoCorrelationMatch → accepted for user/anna" in changed.stdout
    assert "1 of 1 delivery would change, 1 accepted." in changed.stdout
    (line,) = run(*options, "--settings", candidate, "--format", "diff", "--json").stdout.splitlines()
    assert ["accepted"] == json.loads(line)["changes"]


def test_blinded_lines_keep_their_opaque_ids(run, tmp_path):
    lines = [
        {"message_id": "m-1", "from": [{"name": "K", "addr": "k@x.example"}], "to": [], "date": "2026-01-01T10:00:00Z"},
        {"message_id": "m-2", "from": [], "in_reply_to": ["m-1"], "references": [], "subject": None, "date": None},
    ]
    file = tmp_path / "messages.jsonl"
    file.write_text("\n".join(map(json.dumps, lines)) + "\n\n")

    first, second = map(json.loads, run("--mail", file, "--format", "threads").stdout.splitlines())

    assert ("m-1", None, None, "None") == tuple(first[key] for key in ("message_id", "parent", "confidence", "method"))
    assert ("m-2", "m-1", 1.0, "InReplyTo") == tuple(
        second[key] for key in ("message_id", "parent", "confidence", "method")
    )
    assert first["thread"] == second["thread"]


@pytest.mark.parametrize(
    ("options", "answered"),
    [
        (("--mode", "compatible"), {"notice": ("first", "SmartMatching"), "indexed": ("third", "ConversationIndex")}),
        (("--mode", "best"), {"notice": (None, "None"), "indexed": (None, "None")}),
        ((), {"notice": (None, "None"), "indexed": (None, "None")}),
        (("--settings", "compatible.json"), {"notice": ("first", "SmartMatching")}),
        (("--settings", "compatible.json", "--mode", "best"), {"notice": (None, "None")}),
        (("--settings", "off.json", "--mode", "compatible"), {"notice": (None, "None")}),
    ],
)
def test_conversations_are_those_of_the_mode(run, tmp_path, options, answered):
    """Equal notices to the same two are one conversation to the product; it asks no people under a Thread-Index."""
    (tmp_path / "compatible.json").write_text('{"organization": {"tracking.mode": "compatible"}}')
    (tmp_path / "off.json").write_text('{"organization": {"tracking.smart.enabled": "off"}}')
    people = {"from": [{"name": "", "addr": "a@x.example"}], "to": [{"name": "", "addr": "b@x.example"}]}
    mails = [
        {"message_id": "first", "subject": "Backup finished", "date": "2026-01-01T10:00:00Z", **people},
        {"message_id": "notice", "subject": "Backup finished", "date": "2026-01-20T10:00:00Z", **people},
    ]
    raw = RAW.replace(b"\r\n\r\n", b"\r\nDate: Thu, 01 Jan 2026 10:00:00 +0000\r\n\r\n")
    index = base64.b64encode(bytes(range(27))).decode()
    for name, sender, value in (
        ("third", "c@y.example", base64.b64encode(bytes(range(22))).decode()),
        ("indexed", "d@z.example", index),
    ):
        one = raw.replace(b"a@x.example", name.encode() + b"@x.example").replace(b"kim@x.example", sender.encode())
        one = one.replace(b"anna@own.example", f"to-{name}@own.example".encode())
        one = one.replace(b"Subject: x", f"Subject: {name}\r\nThread-Index: {value}".encode())
        (tmp_path / "raw").mkdir(exist_ok=True)
        (tmp_path / "raw" / f"{name}.eml").write_bytes(one)
    file = tmp_path / "messages.jsonl"
    file.write_text("".join(json.dumps(one) + "\n" for one in mails))
    more = [tmp_path / one if one.endswith(".json") else one for one in options]

    found = {}
    for path in (file, tmp_path / "raw"):
        lines = run("--mail", path, "--format", "threads", *more).stdout.splitlines()
        for one in map(json.loads, lines):
            parent = one["parent"] and one["parent"].partition("@")[0]
            found[one["message_id"].partition("@")[0]] = (parent, one["method"], one["thread"])

    assert answered == {name: found[name][:2] for name in answered}
    assert (found["notice"][0] is not None) == (found["notice"][2] == found["first"][2])


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((), "say which mail"),
        (("--mail", "{0}", "--stored"), "say which mail"),
        (("--stored", "--since", "2026-01-01", "--mailbox", "a@x"), "--mailbox says nothing here"),
        (("--mail", "{0}/a.eml", "--since", "2026-01-01"), "--since says nothing here"),
        (("--mail", "{0}/a.eml", "--mailbox", "a@x", "--mode", "best"), "--mode says nothing here"),
        (("--mail", "{0}/a.eml", "--format", "threads", "--settings", "{0}/none"), "--settings"),
        (("--mail", "{0}/odd.jsonl", "--format", "threads"), "line 1: no mail (TypeError: ids must be a list)"),
        (("--mail", "{0}/old.jsonl", "--format", "threads"), "line 1: no mail (OverflowError"),
        (("--mail", "{0}/half.jsonl", "--format", "threads"), "line 1: no mail (UnicodeEncodeError"),
        (("--stored",), "--stored needs --since DATE"),
        (("--stored", "--since", "2026-01-01", "--format", "threads"), "--format threads is for --mail"),
        (("--mail", "{0}"), "--format decisions needs --mailbox ADDRESS"),
        (("--mail", "{0}", "--mailbox", "anna"), "--format decisions needs --mailbox ADDRESS"),
        (("--mail", "{0}/none", "--format", "threads"), "does not exist"),
        (("--mail", "{0}/empty", "--format", "threads"), "holds no mail"),
        (("--mail", "{0}/bad.jsonl", "--format", "threads"), "line 1: no mail (KeyError: 'message_id')"),
        (("--mail", "{0}/ugly.jsonl", "--format", "threads"), "line 2: no mail (JSONDecodeError"),
        (("--mail", "{0}/a.eml", "--mailbox", "a@x", "--settings", "{0}/none"), "No such file"),
        (("--mail", "{0}/a.eml", "--mailbox", "a@x", "--settings", "{0}/s.json"), "filter.userDefault is 9"),
        (("--mail", "{0}/a.eml", "--mailbox", "a@x", "--directory", "{0}/none"), "No such file"),
    ],
)
def test_what_makes_no_sense_is_refused_in_plain_words(run, tmp_path, arguments, said):
    (tmp_path / "empty").mkdir()
    (tmp_path / "a.eml").write_bytes(RAW)
    (tmp_path / "bad.jsonl").write_text('{"from": []}\n')
    (tmp_path / "ugly.jsonl").write_text('{"message_id": "m"}\n{')
    (tmp_path / "odd.jsonl").write_text('{"message_id": "m", "in_reply_to": "<a@x>"}')
    (tmp_path / "old.jsonl").write_text('{"message_id": "m", "date": "0001-01-01T00:00:00+14:00"}')
    (tmp_path / "half.jsonl").write_text('{"message_id": "\\ud800"}')
    (tmp_path / "s.json").write_text('{"organization": {"filter.userDefault": 9}}')

    result = run(*(one.format(tmp_path) for one in arguments))

    assert (2, "") == (result.exit_code, result.stdout)
    assert said in result.stderr


def test_mail_in_a_forward_mailbox_is_decided_for_whoever_forwarded_it(run, tmp_path):
    collector = {
        "address": "c@own.example",
        "serverProfile": "p",
        "user": "c",
        "credential": "c",
        "isForwardMailbox": True,
    }
    anna = {"address": "anna@own.example", "incoming": "forward", "owner": {"type": "queue", "id": "anna"}}
    settings_file, forwarded = tmp_path / "settings.json", tmp_path / "mail.eml"
    settings_file.write_text(
        json.dumps(
            {
                "server-profile/p": {"host": "h", "port": 993},
                "mailbox/c@own.example": collector,
                "mailbox/anna@own.example": anna,
            }
        )
    )
    forwarded.write_text(
        "Message-ID: <outer@own.example>\nFrom: anna@own.example\nMIME-Version: 1.0\nContent-Type: message/rfc822\n\n"
        "Message-ID: <inner@x.example>\nFrom: kim@customer.example\nTo: list@x.example\n\nHello.\n"
    )

    done = run("--mail", forwarded, "--settings", settings_file, "--mailbox", "c@own.example")

    assert "inner@x.example: accepted for queue/anna" in done.output
    assert "* forward wrapper from: anna@own.example receives by a forward mailbox" in done.output
    assert "outer@own.example" not in done.output


def test_smart_matching_works_in_a_dry_run_as_in_the_services():
    """In the compatible mode, among the given mails, whatever order they come in."""
    undated = [mail("root"), mail("again", minute=1), mail("third", minute=2)]
    mails = [replace(one, message=replace(one.message, date=one.received)) for one in undated]
    switched = {"tracking.mode": "compatible", "tracking.smart.enabled": "link", "filter.userDefault": 0}
    expected = {
        "root": ("accepted", "None", None),
        "again": ("accepted", "SmartMatching", "root"),
        "third": ("accepted", "SmartMatching", "again"),
    }

    assert expected == decided(mails, switched) == decided(mails[::-1], switched)
    assert {"None"} == {method for _, method, _ in decided(mails, {**switched, "tracking.mode": "best"}).values()}


PARTS = b"""From: Kim <kim@customer.example>
To: support@own.example
Message-ID: <parts@x.example>
Date: Tue, 24 Nov 2026 10:00:00 +0000
Content-Type: multipart/mixed; boundary=b

--b

Hello
--b
Content-Type: application/octet-stream
Content-Disposition: attachment; filename=offer.exe

MZ
--b
Content-Type: application/pdf
Content-Disposition: attachment; filename=offer.pdf

%PDF-1.4
--b--
"""


def test_parts_that_are_left_out_are_told_as_explain_tells_them(run, tmp_path):
    (tmp_path / "parts.eml").write_bytes(PARTS.replace(b"\n", b"\r\n"))
    (tmp_path / "directory.jsonl").write_text(json.dumps(DIRECTORY[1]))
    settings = tmp_path / "settings.json"
    settings.write_text(json.dumps({"organization": {"attachments.blocked": ["pdf"]}}))
    mails = ("--mail", tmp_path / "parts.eml", "--mailbox", "support@own.example",
             "--directory", tmp_path / "directory.jsonl")  # fmt: skip

    assert "not attached: offer.exe (2 bytes): attachments.blocked names .exe\n" in run(*mails).stdout
    (told,) = map(json.loads, run(*mails, "--json").stdout.splitlines())
    assert [("offer.exe", "BlockedName", "exe")] == [
        (one["name"], one["reason"], one["detail"]) for one in told["dropped_attachments"]
    ]
    differing = run(*mails, "--settings", settings, "--format", "diff")
    assert "parts@x.example: attachments: accepted" in differing.stdout
    assert "not attached: offer.pdf (8 bytes): attachments.blocked names .pdf\n" in differing.stdout
    assert "offer.exe" not in differing.stdout
