"""The check of DKIM signatures, over the bytes of mails."""

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.domain.signatures import LARGEST, MOST_CHECKED, MOST_LOOKED_AT, Checked
from services.domain.signing_keys import Unfit, key_of
from services.mime.signatures import LONGEST_HEADER, MOST_FIELDS, check, check_file, usable
from tests.signing import new_key, record, sign

SIGNED = Path(__file__).parents[2] / "golden" / "signed"
GOLDEN = sorted(path.stem for path in SIGNED.glob("*.eml"))
THEIRS = {key.name: key for key in map(key_of, (SIGNED / "keys.txt").read_text().splitlines())}
LEE, NOON = "lee@customer.example", datetime(2026, 11, 24, 12, tzinfo=UTC)
MAIL = (
    b"From: Lee <lee@customer.example>\r\nSubject: Offer\r\nDate: Tue, 24 Nov 2026 10:00:00 +0000\r\n"
    b"Message-ID: <1@customer.example>\r\n\r\nHello\r\n"
)
PRIVATE = new_key()
KEY = key_of(record(PRIVATE))
KEYS = {KEY.name: KEY}
SOUND = sign(MAIL, PRIVATE)


def of(raw: bytes, *, sender: str = LEE, at: datetime = NOON, keys=KEYS) -> Checked:
    return check(raw, sender=sender, at=at, keys=keys)


@pytest.mark.parametrize("name", GOLDEN)
@pytest.mark.parametrize("ends", [b"\r\n", b"\n"])
def test_what_another_implementation_has_signed_is_good_whatever_the_line_ends(name, ends):
    raw = (SIGNED / f"{name}.eml").read_bytes().replace(b"\r\n", ends)

    assert of(raw, keys=THEIRS).good
    assert re.fullmatch(r"[se]1\._domainkey\.customer\.example", of(raw, keys=THEIRS).name)


@pytest.mark.parametrize("name", GOLDEN)
def test_no_byte_that_the_reader_sees_can_be_changed(name):
    raw = (SIGNED / f"{name}.eml").read_bytes()
    shown = [b"Lee, of", b"support@", b"offer", b"10:00", b"<" + name.encode(), b"one", b"please", b"below", b"Gr"]

    for text in (one for one in shown if one in raw):
        assert not of(raw.replace(text, text[:-1] + b"~"), keys=THEIRS).good, text


@pytest.mark.parametrize("name", ["relaxed-relaxed", "ed25519"])
def test_blanks_may_change_where_the_canonical_form_is_relaxed(name):
    raw = (SIGNED / f"{name}.eml").read_bytes()
    changed = raw.replace(b"Dear  all,\t \r\n", b"Dear all,\r\n").replace(b"SUBJECT:   An", b"Subject: An")
    changed += b"\r\n\r\n"

    assert changed != raw
    assert of(changed, keys=THEIRS).good


@pytest.mark.parametrize("name", ["simple-simple"])
def test_blanks_may_not_change_where_it_is_simple(name):
    raw = (SIGNED / f"{name}.eml").read_bytes()

    assert not of(raw.replace(b"Dear  all", b"Dear all"), keys=THEIRS).good
    assert not of(raw.replace(b"SUBJECT:   An", b"SUBJECT: An"), keys=THEIRS).good
    assert of(raw + b"\r\n\r\n", keys=THEIRS).good, "empty lines at the end"


@pytest.mark.parametrize(
    ("mail", "why"),
    [
        pytest.param(MAIL, "", id="not signed"),
        pytest.param(sign(MAIL, PRIVATE, d="own.example"), "", id="another domain's"),
        pytest.param(sign(MAIL, PRIVATE, s="s2"), "", id="no key given"),
        pytest.param(sign(MAIL, new_key()), "another key", id="another key's"),
        pytest.param(sign(MAIL, PRIVATE, l="5"), "l=", id="part of the body"),
        pytest.param(sign(MAIL, PRIVATE, fields="subject:date"), "From", id="From not covered"),
        pytest.param(sign(MAIL, PRIVATE, a="rsa-sha1"), "algorithm", id="rsa-sha1"),
        pytest.param(sign(MAIL, PRIVATE, a="ed25519-sha256"), "algorithm", id="not the key's algorithm"),
        pytest.param(sign(MAIL, PRIVATE, x="1795521599"), "expired", id="expired"),
        pytest.param(sign(MAIL, PRIVATE, t="1795521700", x="1795521650"), "before it was made", id="expires first"),
        pytest.param(sign(MAIL, PRIVATE, t="soon"), "numbers", id="times that are none"),
        pytest.param(sign(MAIL, PRIVATE, i="@other.example"), "i=", id="for another domain"),
        pytest.param(sign(MAIL, PRIVATE, c="relaxed/loose"), "c=", id="unknown form"),
        pytest.param(sign(MAIL, PRIVATE, q="carrier/pigeon"), "q=", id="unknown way to the key"),
        pytest.param(sign(MAIL, PRIVATE, v="2"), "version", id="unknown version"),
        pytest.param(sign(MAIL, PRIVATE, bh="?"), "base64", id="no base64"),
        pytest.param(SOUND.replace(b"; s=s1", b"; s=s1; s=s1"), "", id="a tag twice"),
        pytest.param(sign(MAIL, PRIVATE, fields=":".join(["from", *["x"] * 200])), "names more than", id="many names"),
        pytest.param(sign(MAIL, PRIVATE, z="x" * 9_000), "bytes", id="a long signature"),
        pytest.param(SOUND.replace(b"Hello", b"Hallo"), "body", id="another body"),
        pytest.param(b"From: Eve <eve@x.example>\r\n" + SOUND, "exactly one From", id="a second From"),
        pytest.param(SOUND.replace(b"\r\nSubject", b"\r\nno field\r\nSubject"), "malformed", id="no field"),
        pytest.param(b"X: x\r\nFrom : eve@x.example\r\n" + SOUND, "exactly one From", id="From with a blank"),
        pytest.param(SOUND.replace(b"Offer", b"Of\rFrom: eve@x.example"), "malformed", id="a bare CR"),
        pytest.param(SOUND + b"x" * LARGEST, "bytes", id="a large mail"),
        pytest.param(b"X: " + b"x" * LONGEST_HEADER + b"\r\n" + SOUND, "header block", id="a large header"),
        pytest.param(b"X: x\r\n" * MOST_FIELDS + SOUND, "header fields", id="many fields"),
        pytest.param(b"", "malformed", id="nothing"),
    ],
)  # fmt: skip
def test_what_proves_nothing_says_why(mail, why):
    found = of(mail)

    assert not found.good
    assert why in found.why
    assert bool(why) == bool(found.why) or mail.count(b"s=s1") == 2


def test_a_good_one_is_found_among_others_and_their_number_is_bounded():
    bad, good = sign(MAIL, new_key()).partition(b"\r\n")[0] + b"\r\n", sign(MAIL, PRIVATE)
    others = sign(MAIL, PRIVATE, d="list.example").partition(b"\r\n")[0] + b"\r\n"

    assert of(bad * (MOST_CHECKED - 1) + good).good
    assert not of(bad * MOST_CHECKED + good).good
    assert of(others * (MOST_LOOKED_AT - 1) + good).good
    assert not of(others * MOST_LOOKED_AT + good).good


def test_the_domain_must_be_that_of_the_sender_one_above_or_one_below():
    raw = sign(MAIL, PRIVATE)

    assert of(raw, sender="lee@mail.customer.example").good
    assert not of(raw, sender="lee@notcustomer.example").good
    assert not of(raw, sender="").good


def test_a_strict_key_is_not_for_addresses_in_subdomains():
    strict = key_of(record(PRIVATE, tags="t=s; "))
    raw = sign(MAIL, PRIVATE, i="lee@mail.customer.example")

    assert of(raw).good
    assert not of(raw, keys={strict.name: strict}).good


def test_time_is_that_at_which_the_mail_came():
    raw = sign(MAIL, PRIVATE, t="1795514400", x="1795600800")

    assert of(raw).good
    assert not of(raw, at=NOON + timedelta(days=2)).good


@pytest.mark.parametrize(
    "hostile",
    [
        pytest.param(b" " * 5_000_000 + b"x\r\n", id="blanks"),
        pytest.param(b"\r\n" * 2_500_000, id="empty lines"),
        pytest.param(b"\r\r\n" * 1_500_000, id="bare CRs"),
        pytest.param(b" \r\n" * 1_500_000, id="lines of one blank"),
        pytest.param(b"\n" * 5_000_000, id="LFs"),
        pytest.param(b"\r" * 5_000_000, id="CRs"),
    ],
)
@pytest.mark.parametrize("form", ["relaxed/relaxed", "relaxed/simple"])
def test_hostile_bodies_take_no_time(hostile, form):
    """A quadratic reader needs hours for these."""
    assert not of(sign(MAIL, PRIVATE, c=form) + b"x" + hostile).good


@pytest.mark.parametrize("name", ["relaxed-relaxed", "simple-simple"])
@settings(max_examples=300, deadline=None)
@given(at=st.integers(0, 10_000), bit=st.integers(0, 7), junk=st.binary(max_size=30))
def test_no_damage_raises(name, at, bit, junk):
    raw = bytearray((SIGNED / f"{name}.eml").read_bytes())
    raw[at % len(raw)] ^= 1 << bit
    of(bytes(raw), keys=THEIRS)
    of(bytes(raw[: at % len(raw)]) + junk + bytes(raw[at % len(raw) :]), keys=THEIRS)


def test_a_mail_that_is_gone_proves_nothing(tmp_path: Path):
    assert Checked() == check_file(tmp_path / "gone", sender=LEE, at=NOON, keys=KEYS)

    (tmp_path / "there").write_bytes(sign(MAIL, PRIVATE))
    assert check_file(tmp_path / "there", sender=LEE, at=NOON, keys=KEYS).good

    (tmp_path / "large").write_bytes(sign(MAIL, PRIVATE) + b"x" * LARGEST)
    assert "bytes" in check_file(tmp_path / "large", sender=LEE, at=NOON, keys=KEYS).why


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("s1._domainkey.a.example p=eA==", "no rsa key"),
        ("s1._domainkey.a.example k=ed25519; p=eA==", "no ed25519 key"),
        ("s1._domainkey.a.example p=" + "MFwwDQYJKoZIhvcNAQEBBQADSwAwSAJBALRiMLAHudeSA/x3hB2f+2NRkJLA"
         "HVX3U4L3LYtPEtMjzHmlPXNPf7pRbL5hWHb7GxcB0hgN5xMBBJ6H2TGYnbUCAwEAAQ==", "512 bits"),
    ],
)  # fmt: skip
def test_a_key_with_which_nothing_can_be_checked_is_refused(text, why):
    with pytest.raises(Unfit, match=why):
        usable(key_of(text))
