"""Whatever is written around an address, a mail is from the address itself, and only its record is the sender."""

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.domain.activity import shape
from services.domain.decide import decide
from services.domain.parties import Role
from services.mime import parse
from services.mime.addresses import mailboxes
from tests.unit.domain.test_decide import ANNA, KIM, facts

VICTIM, WRITER = "kim@customer.example", "mallory@evil.example"


def quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def comment(text: str) -> str:
    return "(" + text.replace("\\", "\\\\").replace("(", "\\(").replace(")", "\\)") + ")"


def q_word(text: str) -> str:
    return "=?utf-8?q?" + "".join(f"={byte:02X}" for byte in text.encode()) + "?="


def b_word(text: str) -> str:
    return f"=?utf-8?b?{base64.b64encode(text.encode()).decode()}?="


texts = st.sampled_from(
    [
        VICTIM, f"<{VICTIM}>", f"Kim <{VICTIM}>", f"{VICTIM},", f", {VICTIM},", f"Kim <{VICTIM}>,", f";{VICTIM};",
        f"x:{VICTIM};", f'"{VICTIM}"', f"{VICTIM}\0", f"\u202e{VICTIM}", f"{VICTIM}>", f"({VICTIM})", "Kim", "",
    ]
)  # fmt: skip
forms = st.sampled_from([quoted, comment, q_word, b_word])
written = st.builds(lambda form, text: form(text), forms, texts)
names = st.lists(written | st.sampled_from([VICTIM, "Kim", "kim"]), max_size=3).map(" ".join)
alone = st.one_of(
    st.builds(lambda name, after: f"{name} <{WRITER}> {comment(after)}", names, texts),
    texts.map(lambda text: f"{WRITER} {comment(text)}"),
    texts.map(lambda text: f"<{comment(text)}{WRITER}>"),
    texts.map(lambda text: f"<{WRITER}{comment(text)}>"),
    st.just(f"<@customer.example,@x.example:{WRITER}>"),
).map(lambda value: (value, 1))
groups = st.builds(
    lambda name, inside: (f"{name}: {', '.join(value for value, _ in inside)};", len(inside)),
    written | st.just("team"),
    st.lists(alone, max_size=2),
)


@given(st.lists(alone | groups, min_size=1, max_size=3))
def test_nothing_around_an_address_is_an_address(values: list[tuple[str, int]]):
    """Names, comments, groups and routes may say what they want, encoded or not."""
    found = mailboxes(", ".join(value for value, _ in values))

    assert [WRITER] * sum(count for _, count in values) == [one.address for one in found]


@given(texts)
def test_a_quoted_local_part_is_one_whatever_stands_in_it(text: str):
    (found,) = mailboxes(f"<{quoted(text)}@evil.example>")

    assert found.address.endswith('"@evil.example')


SPOOFS = {
    "a name": f'"{VICTIM}" <{WRITER}>',
    "a name without quotes": f"{VICTIM} <{WRITER}>",
    "an encoded name": f"{q_word(VICTIM)} <{WRITER}>",
    "an encoded name with brackets": f"{b_word(f'Kim <{VICTIM}>')} <{WRITER}>",
    "a comment": f"{WRITER} ({VICTIM})",
    "a comment with brackets in brackets": f"<{WRITER}(<{VICTIM}>)>",
    "the name of a group": f"{VICTIM}: {WRITER};",
    "an encoded name of an empty group": f"{q_word(VICTIM)}: ;",
    "a route": f"<@{VICTIM}:{WRITER}>",
    "a quoted local part": f'"{VICTIM}"@evil.example',
    "two signs": f"{VICTIM}@evil.example",
    "a NUL inside": "<kim\0@customer.example>",
    "a NUL before the rest": f"<{VICTIM}\0.evil.example>",
    "a mark of direction": "<kim\u202e@customer.example>",
    "an unseen mark": "<kim\u200b@customer.example>",
    "an unusual blank": "<kim\u2003@customer.example>",
    "a control that counts as blank": "<kim\x1f@customer.example>",
    "a Cyrillic letter": "<k\u0456m@customer.example>",
    "a Cyrillic letter in the domain": "<kim@custom\u0435r.example>",
    "a wide letter": "<\uff4bim@customer.example>",
    "the sign for Kelvin": "<\u212aim@customer.example>",
    "a dotless letter": "<k\u0131m@customer.example>",
    "a domain that goes on": f"<{VICTIM}.evil.example>",
    "a second From": f"{WRITER}\r\nFrom: {VICTIM}",
    "Sender and Reply-To": f"{WRITER}\r\nSender: {VICTIM}\r\nReply-To: {VICTIM}",
}


@pytest.mark.parametrize("from_", SPOOFS.values(), ids=SPOOFS)
def test_a_mail_that_only_looks_like_hers_is_not_resolved_to_her(from_: str):
    raw = f"Message-ID: <a@x.example>\r\nFrom: {from_}\r\nTo: anna@own.example\r\n\r\nHello\r\n".encode()
    given_ = facts(message=parse(raw), options={ANNA: 0})

    form = shape(given_, decide(given_).correlation, ANNA)

    assert KIM not in {ref for party in form.parties if party.role == Role.FROM for ref in party.records}


def test_her_own_mail_is_resolved_to_her():
    raw = f"Message-ID: <a@x.example>\r\nFrom: Mallory <{VICTIM}>\r\nTo: anna@own.example\r\n\r\nHello\r\n".encode()
    given_ = facts(message=parse(raw), options={ANNA: 0})

    form = shape(given_, decide(given_).correlation, ANNA)

    assert [(KIM,)] == [party.records for party in form.parties if party.role == Role.FROM]
