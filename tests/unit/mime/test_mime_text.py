"""Charsets, encoded words, dates and HTML: bytes to text a person reads."""

from datetime import UTC, datetime

import pytest

from services.mime.characters import clean, clean_body, decode
from services.mime.dates import instant
from services.mime.htmltext import html_text
from services.mime.words import decode_words, header_text


@pytest.mark.parametrize(
    ("data", "charset", "expected"),
    [
        ("Größe".encode(), "utf-8", ("Größe", False)),
        ("Größe".encode("latin-1"), "iso-8859-1", ("Größe", False)),
        ("Größe".encode("latin-1"), "utf-8", ("Größe", True)),
        ("Größe".encode(), "us-ascii", ("Größe", True)),
        ("Größe".encode(), "", ("Größe", False)),
        ("日本".encode("shift_jis"), "Shift-JIS", ("日本", False)),
        ("日本".encode("iso2022_jp"), "iso-2022-jp", ("日本", False)),
        (b"caf\xe9", "no-such-charset", ("café", True)),
        (b"caf\xe9", "punycode", ("café", True)),
        (b"caf\xe9", "zlib", ("café", True)),
        (b"caf\xe9", "\0", ("café", True)),
    ],
)
def test_decode_believes_the_label_only_where_it_fits(data, charset, expected):
    assert expected == decode(data, charset)


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("=?utf-8?q?a_b?=", "a b"),
        ("=?utf-8?q?a?= =?utf-8?q?b?= c", "ab c"),
        ("x =?utf-8?q?a?= y", "x a y"),
        ("=?utf-8*de?q?a?=", "a"),
        ("=?utf-8?b?4oI=?= =?utf-8?b?rA==?=", "€"),
        ("=?utf-8?b?4oKs?=", "€"),
        ("=?utf-8?q?=E2=82?= =?utf-8?q?=AC?=", "€"),
        ("=?utf-8?x?a?=", "=?utf-8?x?a?="),
        ("=?utf-8?q?open", "=?utf-8?q?open"),
    ],
)
def test_encoded_words(written, expected):
    assert expected == decode_words(written)


def test_header_in_raw_iso_2022_jp_is_read():
    assert "日本" == header_text("日本".encode("iso2022_jp"))


def test_clean_drops_what_cannot_be_seen():
    assert "a b" == clean(" a\t \u202e\0b\u2069 ")
    assert "a\nb\tc" == clean_body("a\r\nb\tc\0\x1b")
    assert "é?" == clean_body("\ufeffé\ud800")


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("Tue, 3 Mar 2026 09:15:00 +0100", datetime(2026, 3, 3, 8, 15, tzinfo=UTC)),
        ("3 Mar 2026 09:15:60 -0000 (UTC)", datetime(2026, 3, 3, 9, 15, 59, tzinfo=UTC)),
        ("Tue, 3 Mar 26 09:15 EST", datetime(2026, 3, 3, 14, 15, tzinfo=UTC)),
        ("Tue, 3 Mar 2026 09:15:00", datetime(2026, 3, 3, 9, 15, tzinfo=UTC)),
        ("Mon, 1 Jan 0001 00:00:00 +0000", None),
        ("1 Jan 1970 00:00:00 +0100", None),
        ("31 Feb 2026 09:15:00 +0000", None),
        ("3 Mar 99999999999 09:15:00 +0000", None),
        ("yesterday", None),
        ("", None),
        ("1 " * 10_000, None),
    ],
)
def test_dates(written, expected):
    assert expected == instant(written)


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("<p>one</p><p>two</p>", "one\n\ntwo"),
        ("a<br>b<br/>c", "a\nb\nc"),
        ("<ul><li>one<li>two</ul>", "one\ntwo"),
        ("<table><tr><td>a</td><td>b</td></tr><tr><td>c</table>", "a b\n\nc"),
        ("a<blockquote>b</blockquote>c", "a\n\nb\n\nc"),
        ("<head><title>x</title><style>p{}</style></head>a<script>if (1<2) b()</script>c", "ac"),
        ("a<!-- <p>b</p> -->c<!doctype html>d", "acd"),
        ("a  \n b&nbsp;&amp;&lt;&eacute;", "a b &<é"),
        ('<a href="x>y">link</a> 1 < 2', "link 1 < 2"),
        ("<pre>a\n  b</pre>", "a\n  b"),
        ("<o:p>a</o:p><abbr>b</abbr>", "ab"),
        ("a<!-- open", "a"),
        ("a<p open", "a"),
        ("&#" + "9" * 5000 + ";x", "x"),
    ],
)
def test_html_text(source, expected):
    assert expected == html_text(source)


HOSTILE = {
    "nesting": "<div>" * 100_000 + "x" + "</div>" * 100_000,
    "attributes": "<a " + " ".join(f"a{i}" for i in range(100_000)) + ">x",
    "options": "<select>" + "<option>x" * 100_000,
    "fonts": "".join(f"<p><font a={i}></p>" for i in range(20_000)) + "x",
    "quotes": "<a ' >\"" * 100_000 + "x",
    "open comments": "x" + "<!--" * 200_000,
}


@pytest.mark.parametrize("source", HOSTILE.values(), ids=HOSTILE.keys())
def test_html_text_survives(source):
    """Each of these takes a tree builder seconds or minutes; here each is read once."""
    assert "x" in html_text(source)
