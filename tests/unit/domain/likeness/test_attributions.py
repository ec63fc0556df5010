"""Whom a text quotes, in the forms that mail programs write."""

import pytest

from services.domain.likeness.attributions import MOST_ATTRIBUTIONS, attributions

ONE_LINE = "Thanks!\n\nOn Tue, May 21, 2019 at 1:05 PM Kim Lee <kim@x.example> wrote:\n> Hello\n"
WRAPPED = "On Tue, May 21, 2019 at 1:05 PM Kim Lee\n<kim@x.example> wrote:\n\n> Hello\n"
GERMAN = "Am 21.05.2019 um 13:05 schrieb Kim Lee:\n> Hallo\n"
UNKNOWN_VERB = "21.05.2019 13:05, Kim Lee qwertz:\n> x\n> y\n"
BLOCK = (
    "Yes.\n\nFrom: Kim Lee <kim@x.example>\nSent: Tuesday, May 21, 2019 1:05 PM\nTo: Anna\n"
    "Subject: RE: The offer\n\nHello\n"
)
FRENCH_BLOCK = (
    "Oui.\n\nDe : Kim Lee <kim@x.example>\nEnvoyé : mardi 21 mai 2019 13:05\nÀ : Anna\nObjet : The offer\n\nx"
)
NOTES = "ok\n\n\nKim Lee\n05/21/2019 01:05 PM\nTo:\tAnna\ncc:\nSubject:\tThe offer\n\nHello\n"
QUOTED = "> On Tue, May 21, 2019 at 1:05 PM Kim Lee wrote:\n> > Hello\n> Hi\n"


@pytest.mark.parametrize(
    ("text", "subject"),
    [
        (ONE_LINE, ""),
        (WRAPPED, ""),
        (GERMAN, ""),
        (UNKNOWN_VERB, ""),
        (BLOCK, "the offer"),
        (FRENCH_BLOCK, "the offer"),
        (NOTES, "the offer"),
        (QUOTED, ""),
    ],
    ids=["one line", "wrapped", "German", "unknown verb", "block", "French block", "Notes", "in a quote"],
)
def test_sender_and_minute_are_read(text, subject):
    (found,) = attributions(text)

    assert {"kim", "lee"} <= found.words
    assert any(one.exact and 13 * 60 + 5 == one.local % 1440 for one in found.stated)
    assert subject == found.subject


@pytest.mark.parametrize(
    "text", ["", "See you at 10:30.\nBye\n", "The list:\n- a\n- b\n", "Opening hours 9:00 to 17:00:\n- x"]
)
def test_ordinary_text_names_nobody(text):
    assert () == attributions(text)


@pytest.mark.parametrize(
    "text", [">" * 10_000_000, "a:\n" * 1_000_000, "From: a\n" * 500_000, "x " * 2_000_000 + "wrote:\n"]
)
def test_hostile_text_is_bounded(text):
    assert MOST_ATTRIBUTIONS >= len(attributions(text))
