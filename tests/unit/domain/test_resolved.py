"""Which addresses a message waits for, which written addresses are the same, and what stays as it was resolved."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.domain.acceptance import Outcome
from services.domain.addresses import normalise, without_detail
from services.domain.directory import RecordRef
from services.domain.message import Mailbox
from services.domain.parties import Party, Role
from services.domain.resolved import awaited, records_of
from tests.messages import message

KIM = RecordRef("contact", "kim")
RECORDS = {(Role.FROM, "kim@x.example"): (KIM,), (Role.TO, "ada+news@x.example"): ()}
MESSAGE = message(from_=(Mailbox("", "Kim@x.example"),), to=(Mailbox("", "ada+news@x.example"),))


@pytest.mark.parametrize(
    ("outcome", "addresses"),
    [
        pytest.param(Outcome.ACCEPTED, {"ada+news@x.example", "ada@x.example"}, id="accepted-unresolved"),
        pytest.param(
            Outcome.NO_CORRELATION_MATCH,
            {"kim@x.example", "ada+news@x.example", "ada@x.example", "box@x.example"},
            id="rejected-all",
        ),
        pytest.param(Outcome.DUPLICATE, set(), id="duplicate"),
        pytest.param(Outcome.TOO_LARGE, set(), id="too-large"),
    ],
)
def test_a_message_waits_for_whom_a_record_would_change_it(outcome: Outcome, addresses: set[str]):
    assert addresses == awaited(outcome, MESSAGE, ["Box@x.example"], RECORDS)


def test_the_owner_is_no_address_that_is_resolved():
    parties = (Party(Role.FROM, "kim@x.example", "Kim", (KIM,)), Party(Role.OWNER, "", "Ben", (KIM,)))

    assert {(Role.FROM, "kim@x.example"): (KIM,)} == records_of(parties)


@pytest.mark.parametrize(
    ("written", "looked_up"),
    [
        (" <Ada.L@Example.ORG> ", "ada.l@example.org"),
        ("ada@example.org.", "ada@example.org"),
        ("Ada@BÜCHER.example", "ada@xn--bcher-kva.example"),
        ("ada@bücher.example.", "ada@xn--bcher-kva.example"),
        ("ada@XN--BCHER-KVA.example", "ada@xn--bcher-kva.example"),
        ("ada+News@example.org", "ada+news@example.org"),
        ("Nobody", "nobody"),
        ("a@" + "ü" * 80 + ".example", "a@" + "ü" * 80 + ".example"),
    ],
)
def test_written_addresses_are_looked_up_in_one_form(written: str, looked_up: str):
    assert looked_up == normalise(written)


@given(st.from_regex(r"[a-zA-Z0-9.+_-]{1,20}@[a-zäöüéß0-9]{1,12}\.(example|рф)\.?", fullmatch=True))
def test_the_form_of_a_form_is_itself_and_leaving_out_a_detail_twice_is_once(written: str):
    looked_up = normalise(written)
    plain = without_detail(looked_up)

    assert looked_up == normalise(looked_up) == normalise(written.upper()) or "ß" in written
    assert plain == without_detail(plain) == normalise(plain)


@pytest.mark.parametrize(
    ("address", "plain"),
    [("a+b@x", "a@x"), ("a+b+c@x", "a@x"), ("+b@x", "+b@x"), ("a@x", "a@x"), ("nobody", "nobody")],
)
def test_a_detail_is_what_follows_the_first_plus_of_a_name(address: str, plain: str):
    assert plain == without_detail(address)
