"""What would have had to be true for a record, as a table of decisions and of what is asked about them."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.domain.acceptance import (
    CUSTOMERS_ONLY,
    NOTHING,
    RECORDS_ONLY,
    RESPONSES_ONLY,
    Candidate,
    FilterOption,
    Outcome,
    Scope,
    ask,
)
from services.domain.correlation import Looked
from services.domain.directory import RecordRef
from services.domain.identity import Direction
from services.domain.internal import USERS_FILED
from services.domain.parties import Party, Role
from services.domain.regardings import Regarding, Source
from services.domain.why_not.answers import why_not
from services.domain.why_not.facts import Asked, Filed, Kept, Place, Pointed

ANNA, BEN, KIM, CASE = (RecordRef(*one.split("/")) for one in ("user/anna", "user/ben", "contact/kim", "case/1"))
SENDER = Party(Role.FROM, "kim@x", "Kim", (KIM,))


def heard(ref: RecordRef, why: str, *, counts: bool = False) -> Looked:
    return Looked("filter", "to 1", f"{ref.type}/{ref.id}", counts, why)


def pointing(why: str, *, counts: bool = False, name: str = "root@x") -> Looked:
    return Looked("in_reply_to", name, name, counts, why, "H2", "header")


def filed(regarding: Regarding | None = None, *parties: Party, taken_away: tuple[RecordRef, ...] = ()) -> Filed:
    hangs = (regarding,) if regarding else ()
    return Filed(acceptor=BEN, regardings=hangs, parties=parties or (SENDER,), taken_away=frozenset(taken_away))


REJECTED = Kept(
    outcome=Outcome.NO_CORRELATION_MATCH,
    direction=Direction.INCOMING,
    mailbox="anna@o",
    acceptor=None,
    looked=(),
)
ACCEPTED = replace(REJECTED, outcome=Outcome.ACCEPTED, acceptor=BEN, filed=filed())
ASKED = Asked(ref=ANNA, active=True, addresses=("anna@o", "a@o"), mailboxes=("anna@o",))
OTHER = replace(ASKED, mailboxes=())
ON_KIM = Asked(ref=KIM, active=True, addresses=("kim@x",))
ON_CASE = Asked(ref=CASE, active=None)
TARGET = Pointed("root@x", True, (CASE,))


@pytest.mark.parametrize(
    ("kept", "asked", "place", "said"),
    [
        pytest.param(REJECTED, replace(OTHER, active=None), Place.ACCEPTOR, "has no such record", id="unknown"),
        pytest.param(REJECTED, replace(ASKED, active=False), Place.ACCEPTOR, "would have had to be active", id="off"),
        pytest.param(
            replace(REJECTED, outcome=Outcome.TOO_LARGE),
            ASKED,
            Place.ACCEPTOR,
            "no larger than message.maxMb",
            id="large",
        ),
        pytest.param(
            replace(REJECTED, outcome=Outcome.REPORT),
            ASKED,
            Place.ACCEPTOR,
            "none that only reports",
            id="report",
        ),
        pytest.param(
            replace(REJECTED, outcome=Outcome.INTERNAL_IGNORED, looked=(heard(ANNA, USERS_FILED),)),
            ASKED,
            Place.ACCEPTOR,
            "user anna would have been asked with internal.twoActivities on",
            id="internal",
        ),
        pytest.param(
            replace(REJECTED, looked=(heard(ANNA, RESPONSES_ONLY),)),
            ASKED,
            Place.ACCEPTOR,
            "neither its header nor its subject points at a message",
            id="no-evidence",
        ),
        pytest.param(
            replace(REJECTED, looked=(pointing("no stored message has this id"), heard(ANNA, RESPONSES_ONLY))),
            ASKED,
            Place.ACCEPTOR,
            "In-Reply-To says (<root@x>) would have had to count, and did not: no stored message",
            id="evidence",
        ),
        pytest.param(
            replace(REJECTED, looked=(heard(ANNA, CUSTOMERS_ONLY),)),
            ASKED,
            Place.ACCEPTOR,
            "the sender would",
            id="customers",
        ),
        pytest.param(
            replace(REJECTED, direction=Direction.OUTGOING, looked=(heard(ANNA, RECORDS_ONLY),)),
            ASKED,
            Place.ACCEPTOR,
            "a recipient would",
            id="records-outgoing",
        ),
        pytest.param(
            replace(REJECTED, looked=(heard(ANNA, NOTHING),)),
            ASKED,
            Place.ACCEPTOR,
            "it takes no messages",
            id="nothing",
        ),
        pytest.param(
            replace(
                ACCEPTED, looked=(heard(BEN, "takes all messages", counts=True), heard(ANNA, "takes all messages"))
            ),
            ASKED,
            Place.ACCEPTOR,
            "user ben was asked first",
            id="first",
        ),
        pytest.param(REJECTED, OTHER, Place.ACCEPTOR, "name an address of user anna (anna@o, a@o)", id="unnamed"),
        pytest.param(
            REJECTED, replace(OTHER, addresses=()), Place.ACCEPTOR, "no address in the directory", id="no-address"
        ),
        pytest.param(
            REJECTED,
            replace(OTHER, scope=Scope.POLLING_MAILBOX),
            Place.ACCEPTOR,
            "filter.scope is pollingMailbox",
            id="scope",
        ),
        pytest.param(
            replace(REJECTED, direction=Direction.OUTGOING),
            OTHER,
            Place.ACCEPTOR,
            "Of sent mail only the owner",
            id="outgoing",
        ),
        pytest.param(REJECTED, ON_CASE, Place.REGARDING, "filed at all: it is not (NoCorrelationMatch)", id="unfiled"),
        pytest.param(ACCEPTED, ON_CASE, Place.REGARDING, "no folder has such a rule", id="no-rule"),
        pytest.param(
            ACCEPTED,
            replace(ON_CASE, folders=("anna@o, Case 1",)),
            Place.REGARDING,
            "gives case 1: anna@o, Case 1",
            id="rule",
        ),
        pytest.param(
            replace(ACCEPTED, answers="root@x", pointed=(TARGET,), filed=filed(taken_away=(CASE,))),
            ON_CASE,
            Place.REGARDING,
            "only a person files it there again",
            id="taken-away",
        ),
        pytest.param(
            replace(ACCEPTED, answers="root@x", pointed=(TARGET,), filed=filed(Regarding(KIM, Source.FOLDER))),
            ON_CASE,
            Place.REGARDING,
            "decided again",
            id="another-folder",
        ),
        pytest.param(
            replace(ACCEPTED, looked=(pointing("the mail forwards this message: its subject"),), pointed=(TARGET,)),
            ON_CASE,
            Place.REGARDING,
            "(<root@x>) would have had to count, and did not: the mail forwards",
            id="forward",
        ),
        pytest.param(
            replace(ACCEPTED, answers="root@x", verified=False, pointed=(TARGET,)),
            ON_CASE,
            Place.REGARDING,
            "sender would have had to belong to the conversation of <root@x>",
            id="unverified",
        ),
        pytest.param(
            replace(ACCEPTED, answers="root@x", pointed=(TARGET,)),
            ON_CASE,
            Place.REGARDING,
            "decided again",
            id="by-now",
        ),
        pytest.param(
            replace(ACCEPTED, answers="root@x", pointed=(Pointed("root@x", True, (KIM,)),)),
            ON_CASE,
            Place.REGARDING,
            "filed under case 1: it is filed under contact kim",
            id="other-record",
        ),
        pytest.param(
            replace(ACCEPTED, answers="root@x", pointed=(Pointed("root@x", True, ()),)),
            ON_CASE,
            Place.REGARDING,
            "it is filed under no record",
            id="no-record",
        ),
        pytest.param(
            replace(ACCEPTED, looked=(pointing("the message with this id is not tracked"),)),
            ON_CASE,
            Place.REGARDING,
            "is not tracked",
            id="untracked",
        ),
        pytest.param(REJECTED, ON_KIM, Place.PARTY, "no addresses are kept of such mail", id="party-of-rejected"),
        pytest.param(ACCEPTED, ON_CASE, Place.PARTY, "has no such record", id="party-unknown"),
        pytest.param(
            ACCEPTED,
            replace(ON_CASE, active=True),
            Place.PARTY,
            "have an address in the directory",
            id="party-no-address",
        ),
        pytest.param(ACCEPTED, ASKED, Place.PARTY, "anna@o, a@o; it has none of them", id="party-unnamed"),
        pytest.param(
            ACCEPTED,
            replace(ASKED, addresses=("kim@x",)),
            Place.PARTY,
            "from kim@x is taken for contact kim",
            id="party-shared-sender",
        ),
        pytest.param(
            replace(ACCEPTED, filed=filed(None, Party(Role.TO, "a@o", "", ()))),
            ASKED,
            Place.PARTY,
            "to a@o is unresolved",
            id="party-unresolved",
        ),
        pytest.param(
            replace(ACCEPTED, filed=filed(None, Party(Role.TO, "a@o", "", (BEN,)))),
            ASKED,
            Place.PARTY,
            "to a@o is taken for user ben",
            id="party-shared-recipient",
        ),
    ],
)
def test_it_is_said_what_would_have_had_to_be_true(kept, asked, place, said):
    (answer,) = [one for one in why_not(kept, asked) if one.place == place]

    assert not answer.holds
    assert said in " ".join(answer.sentences)


@pytest.mark.parametrize(
    ("kept", "asked", "place", "said"),
    [
        pytest.param(ACCEPTED, replace(ASKED, ref=BEN), Place.ACCEPTOR, "It is filed for user ben.", id="acceptor"),
        pytest.param(
            replace(ACCEPTED, acceptor=ANNA),
            ASKED,
            Place.ACCEPTOR,
            "This copy is accepted for user anna; the",
            id="copy",
        ),
        pytest.param(
            replace(ACCEPTED, answers="root@x", filed=filed(Regarding(CASE, Source.CORRELATED))),
            ON_CASE,
            Place.REGARDING,
            "<root@x>, which it answers",
            id="answered",
        ),
        pytest.param(
            replace(ACCEPTED, filed=filed(Regarding(CASE, Source.FOLDER))),
            ON_CASE,
            Place.REGARDING,
            "its folder",
            id="folder",
        ),
        pytest.param(ACCEPTED, ON_KIM, Place.PARTY, "contact kim takes part: from.", id="party"),
    ],
)
def test_what_is_so_is_said_to_be_so(kept, asked, place, said):
    (answer,) = [one for one in why_not(kept, asked) if one.place == place]

    assert answer.holds
    assert said in answer.sentences[0]


def test_users_accept_mail_and_other_records_have_it_filed_under_them():
    places = [[one.place for one in why_not(ACCEPTED, asked)] for asked in (ASKED, ON_CASE)]

    assert [[Place.ACCEPTOR, Place.PARTY], [Place.REGARDING, Place.PARTY]] == places


@given(st.sampled_from(FilterOption), st.booleans(), st.frozensets(st.sampled_from(["contact", "user", "case"])))
def test_every_filter_that_does_not_take_a_mail_has_its_sentence(option, correlated, counterparts):
    """And one that takes it is never said to have refused it."""
    said = ask(Candidate(ANNA, option, 0, "anna@o"), correlated=correlated, counterparts=counterparts)
    (answer, _) = why_not(replace(ACCEPTED, looked=(heard(ANNA, said.why),)), ASKED)

    assert said.accepts == ("took it as well" in answer.sentences[0])
    assert answer.sentences


texts = st.text(max_size=5)
looks = st.builds(
    Looked,
    st.sampled_from(["filter", "in_reply_to", "references", "likeness", "folder", "sender", "?"]),
    texts,
    st.none() | texts | st.just("user/anna"),
    st.booleans(),
    st.sampled_from([RESPONSES_ONLY, NOTHING, "x"]),
)
records = st.sampled_from([ANNA, BEN, KIM, CASE])
regardings = st.lists(st.builds(Regarding, records, st.sampled_from(Source)), max_size=3).map(tuple)
people = st.lists(
    st.builds(Party, st.sampled_from(Role), st.sampled_from(["kim@x", "a@o"]), texts, st.lists(records).map(tuple))
)


@given(
    st.builds(
        Kept,
        outcome=st.sampled_from(Outcome),
        direction=st.sampled_from(Direction),
        mailbox=texts,
        acceptor=st.none() | records,
        looked=st.lists(looks, max_size=4).map(tuple),
        verified=st.booleans(),
        answers=st.none() | texts,
        pointed=st.lists(
            st.builds(Pointed, texts, st.booleans(), st.lists(records, max_size=2).map(tuple)), max_size=3
        ).map(tuple),
        filed=st.none() | st.builds(Filed, acceptor=records, regardings=regardings, parties=people.map(tuple)),
    ),
    st.builds(
        Asked,
        ref=records,
        active=st.none() | st.booleans(),
        addresses=st.lists(st.sampled_from(["kim@x", "a@o"])).map(tuple),
        mailboxes=st.lists(texts).map(tuple),
        folders=st.lists(texts).map(tuple),
        scope=st.sampled_from(Scope),
    ),
)
def test_every_question_has_an_answer_in_whole_sentences(kept, asked):
    for answer in why_not(kept, asked):
        assert answer.sentences or (answer.place, kept.acceptor) == (Place.ACCEPTOR, None)
        assert all(one.endswith(".") for one in answer.sentences)
