"""What a file is by its beginning, whatever it is called."""

import base64
from email.message import EmailMessage

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from services.domain.attachments import extension
from services.mime import parse
from services.mime.sniffing import LOOKED_AT, sniff
from services.settings.organization.content import BLOCKED

PROGRAM = b"MZ\x90\0\3\0\0\0\4\0\0\0\xff\xff\0\0" + b"\0" * 44 + b"\x80\0\0\0" + b"\0" * 64 + b"PE\0\0" + b"\0" * 100


def compound(kind: str, *, root: int = 0) -> bytes:
    """A compound file (MS-CFB) whose directory begins in this sector and names this class."""
    header = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 22 + b"\x09\0" + b"\0" * 16 + root.to_bytes(4, "little")
    return header.ljust(512 * (root + 1), b"\0") + b"\0" * 80 + bytes.fromhex(kind) + b"\0" * 32


FILES = {
    "exe": PROGRAM,
    "lnk": b"L\0\0\0\x01\x14\x02\0\0\0\0\0\xc0\0\0\0\0\0\0F" + b"\0" * 60,
    "chm": b"ITSF\3\0\0\0" + b"\0" * 90,
    "hlp": b"?_\x03\0" + b"\0" * 90,
    "class": b"\xca\xfe\xba\xbe\0\0\0\x34\0\x10",
    "jar": b"PK\3\4\x14\0\x08\0\x08\0" + b"\0" * 16 + b"\x14\0\0\0META-INF/MANIFEST.MF" + b"\0" * 90,
    "msi": compound("84100c0000000000c000000000000046"),
    "msp": compound("86100c0000000000c000000000000046", root=70),
    "mdb": b"\0\1\0\0Standard Jet DB\0" + b"\0" * 90,
    "pst": b"!BDN" + b"\0" * 90,
    "vbe": b"#@~^mQAAAA==",
    "svg": b"\xef\xbb\xbf<?xml version='1.0'?>\n<!-- <a> -- b -->\n<!DOCTYPE svg [<!ENTITY a 'b'>]>\n<svg xmlns='x'/>",
    "msc": b"<?xml version='1.0'?>\n<MMC_ConsoleFile ConsoleVersion='3.0'>",
    "hta": b"<html><head><HTA:APPLICATION id=x>",
    "reg": "\ufeffWindows Registry Editor Version 5.00\r\n".encode("utf-16-le"),
    "url": b"[InternetShortcut]\r\nURL=file://x/y\r\n",
    "scf": b"[Shell]\r\nCommand=2\r\n",
    "bat": b"@ECHO OFF\r\n",
    "csh": b"#!/bin/tcsh -f\n",
    "ksh": b"#!/usr/bin/env ksh\n",
}
HARMLESS = {
    "nothing": b"",
    "pdf": b"%PDF-1.7\n",
    "png": b"\x89PNG\r\n\x1a\n" + b"\0" * 50,
    "docx": b"PK\3\4\x14\0\x06\0\x08\0" + b"\0" * 16 + b"\x13\0\0\0[Content_Types].xml" + b"\0" * 90,
    "doc": compound("0609020000000000c000000000000046"),
    "a compound file that breaks off": compound("84100c0000000000c000000000000046")[:590],
    "a text that begins with MZ": b"MZ is the initials of Mark Zbikowski, " * 3,
    "a program of macOS": b"\xca\xfe\xba\xbe\0\0\0\2\1\0\0\7",
    "html with a picture in it": b"<html><body><svg></svg></body></html>",
    "text": b"Windows are clean.\n",
    "a signature": bytes.fromhex("308006092a864886f70d010702a080"),
    "an encrypted text": b"-----BEGIN PGP MESSAGE-----\n\nhQ",
}


@pytest.mark.parametrize("name", FILES)
def test_a_file_is_known_by_its_beginning(name):
    assert name == sniff(FILES[name])


@pytest.mark.parametrize("name", FILES)
def test_only_what_is_blocked_by_default_is_looked_for(name):
    assert name in BLOCKED.split()


@pytest.mark.parametrize("name", HARMLESS)
def test_what_is_none_of_them_is_nothing(name):
    assert sniff(HARMLESS[name]) == ""


@given(st.binary(max_size=300) | st.sampled_from([*FILES.values(), *HARMLESS.values()]), st.integers(0, 300))
@example(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\xff" * 100, 0)
def test_no_bytes_break_it(data, cut):
    assert sniff(data[cut:]) in {"", "mst", *FILES}


@pytest.mark.parametrize("text", [b"<!--" * 2000, b"<? >" * 2000, b" \n" * 4000, b"<!DOCTYPE " * 900, b"<" * 8000])
def test_no_text_takes_more_than_one_look(text):
    """What would need quadratic time or worse with a careless expression ends at once."""
    assert sniff(text) == ""
    assert sniff(text[:LOOKED_AT] + b"<svg>") == ""


def with_file(data: bytes, head: str) -> bytes:
    """A mail with one file, under these headers."""
    return (
        b"Message-ID: <f@x>\nMIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=b\n\n--b\n"
        b"Content-Type: text/plain\n\nHello\n--b\nContent-Transfer-Encoding: base64\n"
        + head.encode("utf-8", "surrogateescape")
        + b"\n\n"
        + base64.encodebytes(data)
        + b"\n--b--\n"
    )


def test_the_parser_says_of_each_attachment_what_it_begins_like():
    made = EmailMessage()
    made.set_content("MZ")
    for name, data in (("invoice.pdf", PROGRAM), ("offer.pdf", HARMLESS["pdf"])):
        made.add_attachment(data, maintype="application", subtype="pdf", filename=name)

    assert ["", "exe", ""] == [part.sniffed for part in parse(made.as_bytes()).parts]


@pytest.mark.parametrize(
    "head",
    [
        pytest.param('Content-Disposition: attachment; filename="../../a/setup.exe"', id="path separators"),
        pytest.param('Content-Disposition: attachment; filename="C:\\\\temp\\\\setup.exe"', id="of Windows"),
        pytest.param("Content-Disposition: attachment; filename*=UTF-8''set%C3%BCp%2Eexe", id="RFC 2231"),
        pytest.param("Content-Disposition: attachment; filename*0=setup; filename*1=.e; filename*2=xe", id="in pieces"),
        pytest.param(
            "Content-Disposition: attachment; filename*0*=UTF-8''setup; filename*1*=%2Eex; filename*2=e",
            id="in encoded pieces",
        ),
        pytest.param('Content-Disposition: attachment; filename="=?utf-8?B?c2V0dXAuZXhl?="', id="encoded word"),
        pytest.param(
            'Content-Disposition: attachment; filename="=?utf-8?Q?setup=2Ee?= =?utf-8?Q?xe?="', id="two words"
        ),
        pytest.param('Content-Disposition: attachment; filename="invoice.pdf.exe"', id="double extension"),
        pytest.param('Content-Disposition: attachment; filename="setup.exe\x00"', id="NUL behind it"),
        pytest.param("Content-Disposition: attachment; filename*=UTF-8''setup.exe%00", id="encoded NUL behind it"),
        pytest.param("Content-Disposition: attachment; filename*=UTF-8''invoice%E2%80%AEfdp.exe", id="bidi override"),
        pytest.param("Content-Disposition: attachment; filename*=UTF-8''setup.e%E2%80%8Fxe", id="bidi mark in it"),
        pytest.param('Content-Disposition: attachment; filename="setup.exe. "', id="dot and blank behind it"),
        pytest.param(f'Content-Disposition: attachment; filename="{"a" * 400}.exe"', id="longer than a name may be"),
        pytest.param('Content-Type: application/pdf; name="setup.exe"', id="name of the content type"),
    ],
)
def test_no_way_to_write_a_name_hides_its_extension(head):
    (found,) = parse(with_file(b"x", head)).attachments

    assert "exe" == extension(found.filename), found.filename
    assert len(found.filename) <= 255
    assert not set(found.filename) & set("/\\\0\u202e\u200f")
