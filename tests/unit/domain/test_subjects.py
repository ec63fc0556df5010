"""Subjects without the marks of mail programs and lists."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.domain.subjects import LONGEST_SUBJECT, Prefix, SubjectKey, normalise_subject

REPLY, FORWARD = Prefix.REPLY, Prefix.FORWARD


@pytest.mark.parametrize(
    ("subject", "prefixes"),
    [
        ("Offer 7", ()),
        ("Re: Offer 7", (REPLY,)),
        ("RE : Offer 7", (REPLY,)),
        ("Re[2]: Offer 7", (REPLY,)),
        ("Re(3): Offer 7", (REPLY,)),
        ("Re^4: Offer 7", (REPLY,)),
        ("Re2: Offer 7", (REPLY,)),
        ("AW: WG: Offer 7", (REPLY, FORWARD)),
        ("SV: Antw: odp: Offer 7", (REPLY, REPLY, REPLY)),
        ("R: I: Offer 7", (REPLY, FORWARD)),
        ("TR: Offer 7", (FORWARD,)),
        ("RV: Offer 7", (FORWARD,)),
        ("ENC: Offer 7", (FORWARD,)),
        ("VS: Offer 7", (Prefix.EITHER,)),
        ("Doorst: Offer 7", (FORWARD,)),
        ("PD: Offer 7", (FORWARD,)),
        ("İLT: Offer 7", (FORWARD,)),
        ("ПЕРЕСЛ: Offer 7", (FORWARD,)),
        ("转发\N{FULLWIDTH COLON}Offer 7", (FORWARD,)),
        ("回复: Offer 7", (REPLY,)),
        ("Re\N{FULLWIDTH COLON}Offer 7", (REPLY,)),
        ("[Fwd: Offer 7]", (FORWARD,)),
        ("Offer 7 (fwd)", (FORWARD,)),
        ("Re:Re:Re:\tOffer   7", (REPLY, REPLY, REPLY)),
    ],
)
def test_marks_of_every_language_come_off(subject: str, prefixes: tuple[Prefix, ...]) -> None:
    """The key is that of the first mail; which marks were there is told, outermost first."""
    assert normalise_subject(subject) == SubjectKey("offer 7", prefixes)


@pytest.mark.parametrize(
    ("subject", "key"),
    [
        ("Re: [sales] Re: [EXT] Offer", SubjectKey("offer", (REPLY, REPLY), ("sales", "EXT"))),
        ("[PATCH v2 3/5] mm: fix", SubjectKey("patch v2 3 5 mm fix")),
        ("[RFC] New layout", SubjectKey("rfc new layout")),
        ("Re: [GIT PULL] fixes", SubjectKey("git pull fixes", (REPLY,))),
        ("[#4711] Printer", SubjectKey("4711 printer")),
        ("[URGENT]", SubjectKey("urgent")),
        ("Re: Price (was: AW: Offer)", SubjectKey("price", (REPLY,), (), "offer")),
    ],
)
def test_list_tags_come_off_and_numbers_stay(subject: str, key: SubjectKey) -> None:
    """A list writes its tag anywhere among the marks; the number of a ticket or a patch tells mails apart."""
    assert normalise_subject(subject) == key


@pytest.mark.parametrize(
    "subject",
    [
        "EXTERNAL: Re: Offer 12",
        "Re: EXTERNAL: Re: Offer 12",
        "***UNCHECKED*** Re: Offer 12",
        "Re: [EXT] ** Spam ** Offer 12",
        "Reply\uff1a Caution: Offer 12",
    ],
)
def test_what_a_gateway_writes_before_a_subject_comes_off(subject: str) -> None:
    found = normalise_subject(subject)
    assert found.text == "offer 12"
    assert found.reply


@pytest.mark.parametrize("subject", ["External:", "*** 12 *** free", "** Urgent **"])
def test_a_subject_that_is_no_more_than_what_a_gateway_writes_stays(subject: str) -> None:
    assert normalise_subject(subject).text == " ".join(subject.strip("*: ").replace("*", "").lower().split())


@pytest.mark.parametrize("subject", ["Invoice: 4711 overdue", "10:30 meeting", "i: think", "https://x.example/z"])
def test_words_of_business_stay(subject: str) -> None:
    """Only known marks come off: a colon alone does not make one."""
    assert not normalise_subject(subject).prefixes


def test_an_answer_to_a_forwarded_mail_is_an_answer() -> None:
    """The outermost mark says what the mail itself is."""
    assert normalise_subject("Fwd: Re: x").forward
    assert not normalise_subject("Re: Fwd: x").forward
    assert normalise_subject("Re: Fwd: x").reply


@given(st.text(max_size=60), st.sampled_from(["", "Re: ", "AW: WG: ", "Re[2]: ", "转发\N{FULLWIDTH COLON}"]))
def test_a_mark_changes_no_key(text: str, mark: str) -> None:
    """For every subject: the key of the answer is the key of the mail, and a key is its own key."""
    key = normalise_subject("x " + text)

    assert key.text == normalise_subject(mark + "x " + text).text
    assert key.text == normalise_subject(key.text).text


def test_a_subject_of_two_megabytes_is_cut() -> None:
    """Only its beginning is looked at, however many marks it has."""
    assert len(normalise_subject("Re: " * 500_000).prefixes) <= LONGEST_SUBJECT
    assert normalise_subject("[" * 2_000_000).text == ""
    assert len(normalise_subject("x" * 2_000_000).text) == LONGEST_SUBJECT
