"""Another address of a user is shown by the mailbox's server, confirmed by a person, followed, and taken back."""

from contextlib import closing
from datetime import UTC, datetime
from uuid import uuid4

import pytest

from services import contracts
from services.domain.directory import RecordRef
from services.domain.facts import Policy
from services.resolver.commands import carry_out
from services.resolver.settings import Settings
from services.runtime.records import Batch, Input
from services.storage.postgres import Database
from services.storage.reports.mailbox_aliases import Alias, aliases
from tests.component.resolver.conftest import KEY, Resolver, mail
from tests.component.resolver.test_late_resolution import late, parties

pytestmark = pytest.mark.component

ANNA = "anna@own.example"
ALIAS = "a.smith@own.example"
LEE = {"From": "Lee <lee@else.example>"}


def delivered(name: str, *, to: str = ALIAS, original: str = ALIAS, **headers: str) -> bytes:
    """A mail as Postfix hands it over: it has written on top for whom it came."""
    above = f"Return-Path: <lee@else.example>\r\nX-Original-To: {original}\r\nDelivered-To: {ANNA}\r\n"
    return above.encode() + b"Received: by mx.own.example\r\n" + mail(name, to=to, **LEE, **headers)


@pytest.fixture
def anna(resolver: Resolver) -> Resolver:
    """Anna takes the mail of customers, of whom Lee is one; Ben takes answers alone."""
    resolver.settings = Settings(policy=Policy(version=1), mailbox_owners={}, options={RecordRef("user", "anna"): 2})
    resolver.directory({"type": "contact", "id": "lee", "addresses": ["lee@else.example"]})
    late(resolver)
    return resolver


def arrive(resolver: Resolver, *mails: bytes, mailbox: str = ANNA) -> None:
    resolver.resolve(*(resolver.record(raw, mailbox=mailbox) for raw in mails))


def command(kind: str, address: str = ALIAS, principal: str = "user/anna") -> bytes:
    value = {
        "id": str(uuid4()), "kind": kind, "object": f"alias/{address}", "author": "mira", "reason": "as on her card",
        "time": datetime.now(UTC), "target": "", "onto": "", "address": address, "record": principal,
        "only_this": False,
    }  # fmt: skip
    return contracts.encode("Command", value)


def say(resolver: Resolver, *values: bytes) -> None:
    batch = Batch([Input("commands", 0, at, b"", value, {}) for at, value in enumerate(values)])
    with closing(Database(resolver.url, "resolver")) as database:
        carry_out(batch, database=database, settings=lambda: resolver.settings, hash_key=KEY)
    assert not batch.rejects
    late(resolver)


def known(resolver: Resolver) -> list[Alias]:
    with closing(Database(resolver.url, "reader")) as database, database.transaction() as connection:
        return aliases(connection)


def states(resolver: Resolver) -> dict[tuple[str, str], tuple[str, int]]:
    return {(one["address"], one["principal"]): (one["state"], one["mails"]) for one in known(resolver)}


def refusals(resolver: Resolver) -> list[str]:
    return [one for (one,) in resolver.rows("SELECT refused FROM resolver.alias_answer WHERE refused <> ''")]


def test_it_is_proposed_after_three_mails_and_one_that_comes_again_counts_once(anna: Resolver):
    arrive(anna, delivered("one"), delivered("one"), delivered("two", to="x@else.example"))
    assert {(ALIAS, "user/anna"): ("seen", 2)} == states(anna)
    arrive(anna, delivered("one"), delivered("three"))

    assert {(ALIAS, "user/anna"): ("proposed", 3)} == states(anna)


@pytest.mark.parametrize(
    ("raw", "mailbox", "folder"),
    [
        (mail("one", to=ALIAS, **LEE, X_Original_To=ALIAS), ANNA, "INBOX"),
        (b"Received: by mx.own.example\r\n" + delivered("one"), ANNA, "INBOX"),
        (delivered("one"), ANNA, "Sent"),
        (delivered("one"), "nobody@own.example", "INBOX"),
        (delivered("one", original="kim@customer.example"), ANNA, "INBOX"),
        (delivered("one", original="ben+x@own.example"), ANNA, "INBOX"),
        (delivered("one", original="anna+news@own.example"), ANNA, "INBOX"),
        (delivered("one", original="all@own.example", List_Id="<all.own.example>"), ANNA, "INBOX"),
    ],
    ids=["no server's", "below ours", "sent", "nobody's mailbox", "a contact's", "a colleague's", "a detail", "a list"],
)
def test_nothing_is_learnt_from_what_shows_no_alias(anna: Resolver, raw: bytes, mailbox: str, folder: str):
    anna.resolve(anna.record(raw, mailbox=mailbox, folder=folder))

    assert {} == states(anna)


def test_an_address_under_which_two_get_mail_is_a_list_and_not_proposed(anna: Resolver):
    for mailbox in (ANNA, "ben@own.example"):
        arrive(anna, *(delivered(f"{mailbox[:3]}{n}", original="all@own.example") for n in range(4)), mailbox=mailbox)

    assert {("shared", 4)} == set(states(anna).values())


def test_confirmed_it_is_followed_by_mail_that_was_refused_and_by_mail_that_comes(anna: Resolver):
    """Also by mail in somebody else's mailbox."""
    arrive(anna, delivered("one"), mailbox="ben@own.example")
    arrive(anna, delivered("two"))
    assert "NoRecipientMatch" == anna.outcomes()["one"]
    say(anna, command("alias-confirm"))
    arrive(anna, delivered("three"), mailbox="ben@own.example")

    assert ("accepted", "accepted") == (anna.outcomes()["one"], anna.outcomes()["three"])
    assert {("user", "anna")} == set(anna.rows("SELECT accepted_type, accepted_id FROM resolver.activity"))
    assert {("to", ALIAS, "")} == {one for one in parties(anna) if one[1] == ALIAS}, "it names no party"


def test_taken_back_it_withdraws_nothing_and_later_mail_is_refused_again(anna: Resolver):
    arrive(anna, delivered("one"))
    say(anna, command("alias-confirm"))
    arrive(anna, mail("two", to=ALIAS, **LEE), mailbox="ben@own.example")
    say(anna, command("alias-remove"))
    arrive(anna, mail("three", to=ALIAS, **LEE), mailbox="ben@own.example")

    assert {"one": "accepted", "two": "accepted", "three": "NoRecipientMatch"} == anna.outcomes()
    assert [("dismissed", "mira")] == [(one["state"], one["author"]) for one in known(anna)]


def test_a_command_that_comes_again_changes_nothing(anna: Resolver):
    arrive(anna, delivered("one"))
    confirm, remove = command("alias-confirm"), command("alias-remove")
    say(anna, confirm, remove, confirm, remove)

    assert ([], []) == (anna.rows("SELECT * FROM resolver.alias"), refusals(anna))


def test_what_was_dismissed_is_not_proposed_again_and_may_be_confirmed_later(anna: Resolver):
    arrive(anna, *(delivered(f"mail{n}") for n in range(3)))
    say(anna, command("alias-dismiss"))
    arrive(anna, delivered("more"))
    assert {(ALIAS, "user/anna"): ("dismissed", 4)} == states(anna)

    say(anna, command("alias-confirm"))
    assert {(ALIAS, "user/anna"): ("confirmed", 4)} == states(anna)


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (command("alias-confirm", "never@own.example"), "no mail came"),
        (command("alias-confirm", principal="user/ben"), "no mail came"),
        (command("alias-confirm", principal="user/nobody"), "no such user or queue"),
        (command("alias-confirm", principal="contact/kim"), "no such user or queue"),
        (command("alias-confirm", ANNA), "has the address already"),
        (command("alias-remove"), "not confirmed"),
    ],
    ids=["unseen", "another's", "nobody's", "a contact's", "a mailbox", "unconfirmed"],
)
def test_what_makes_no_sense_is_refused_and_kept_with_the_reason(anna: Resolver, answer: bytes, said: str):
    arrive(anna, delivered("one"))
    say(anna, answer)

    assert [True] == [said in refused for refused in refusals(anna)]
    assert [] == anna.rows("SELECT * FROM resolver.alias")


def test_an_address_is_that_of_one_user_or_queue(anna: Resolver):
    arrive(anna, delivered("one"))
    arrive(anna, delivered("two"), mailbox="ben@own.example")
    say(anna, command("alias-confirm"), command("alias-confirm", principal="user/ben"))

    assert [(ALIAS, "user", "anna")] == anna.rows("SELECT * FROM resolver.alias")
    assert ["the address is confirmed already: take that back first"] == refusals(anna)


def test_a_record_that_gets_the_address_later_ends_the_proposal(anna: Resolver):
    arrive(anna, *(delivered(f"mail{n}") for n in range(3)))
    anna.directory({"type": "contact", "id": "new", "addresses": [ALIAS]})

    assert {"known"} == {state for state, _ in states(anna).values()}


def test_nothing_of_who_wrote_is_kept_with_what_was_seen(anna: Resolver):
    arrive(anna, delivered("one"))

    assert "else.example" not in str(anna.rows("SELECT * FROM resolver.alias_sighting"))
