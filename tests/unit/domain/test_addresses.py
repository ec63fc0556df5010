"""When two written addresses are one address (domain rule 4.1); ``idna`` is asked about every form of a domain."""

import sys
import unicodedata

import idna
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from services.domain.addresses import normalise
from services.domain.domain_names import ascii_form


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        (" <Kim@EXAMPLE.com> ", "kim@example.com"),
        ("kim+tag@x.example", "kim+tag@x.example"),
        ("kim@x.example.", "kim@x.example"),
        ("not an address", "not an address"),
        ("\u212aim@x.example", "\u212aim@x.example"),
    ],
)
def test_an_address_has_one_form_for_look_ups(written: str, expected: str):
    """And a letter that only looks like one of another address makes it another one."""
    assert expected == normalise(written)


@pytest.mark.parametrize(
    "written",
    [
        "kim@bücher.example", "kim@BÜCHER.Example", "kim@xn--bcher-kva.example", "kim@XN--BCHER-KVA.EXAMPLE",
        "kim@bücher\u3002example", "kim@bücher\uff0eexample", "kim@bücher\uff61example\uff0e",
        "kim@bu\u0308cher.example",
        "kim@ｂüｃｈｅｒ.example", "kim@b\u00adü\u200bcher.example",
    ],
)  # fmt: skip
def test_a_domain_is_one_however_it_is_written(written: str):
    assert "kim@xn--bcher-kva.example" == normalise(written)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("straße.example", "strasse.example"),
        ("βόλος.example", "βόλοσ.example"),
        ("a\u200db.example", "ab.example"),
        ("bücher.example", "bucher.example"),
        ("xn--bücher.example", "xn--bcher-kva.example"),
        ("bücher.example", "xn--bcher-fva.example"),
        ("kelvin\u2100c.example", "kelvina/cc.example"),
        ("a\u2024example.example", "a.example.example"),
        ("ü" * 70 + ".example", "ü" * 71 + ".example"),
        ("\u0301a.example", "a.example"),
    ],
)
def test_domains_that_are_two_stay_two(one: str, other: str):
    assert ascii_form(one) != ascii_form(other)


@pytest.mark.parametrize(
    "written",
    ["ü" * 70, "xn--ü", "\u0301a", "a\u2024b", "a\u2100b", "ü b", "xn--0", "xn--", "xn--a-ecp.example", "a..ü\t"],
)
def test_what_is_no_domain_stays_as_it_is_written(written: str):
    assert written == ascii_form(written)


known = st.characters(exclude_categories=("Cs", "Cn", "Co", "Cc"))
labels = st.text(known, min_size=1, max_size=12)


def asked(label: str) -> str | None:
    """The A-label by ``idna``, or None where it knows none."""
    try:
        return idna.encode(label, uts46=True, std3_rules=True, transitional=False).decode().rstrip(".")
    except (idna.IDNAError, UnicodeError):
        return None


@given(labels)
@example("ΣΑΣ")
@example("ẞ")
@example("नी\u200dल")
def test_every_label_that_idna_knows_has_the_form_that_idna_gives(label: str):
    assert asked(label) in (None, ascii_form(label))


def test_every_character_has_the_form_that_idna_gives_where_it_knows_one():
    for one in map(chr, range(0x80, min(sys.maxunicode, 0x20000), 7)):
        if unicodedata.category(one) not in ("Cs", "Cn", "Co"):
            assert asked(f"a{one}b") in (None, ascii_form(f"a{one}b")), ascii(one)


@given(labels)
def test_u_label_and_a_label_are_one(label: str):
    try:
        a_label = idna.encode(label).decode().lower()
    except (idna.IDNAError, UnicodeError):
        return
    assert ascii_form(label) == a_label == ascii_form(idna.decode(a_label)) == ascii_form(a_label.upper())


@given(st.text(max_size=30))
@example("a@\ud800")
@example("xn--\uffff@xn--\uffff.")
def test_any_text_has_a_form_and_that_form_is_its_own(text: str):
    once = normalise(text)

    assert once == normalise(once)


@given(labels, labels)
def test_two_labels_that_idna_tells_apart_are_told_apart(one: str, other: str):
    known_one, known_other = asked(one), asked(other)
    if known_one is not None and known_other is not None and known_one != known_other:
        assert ascii_form(one) != ascii_form(other)
