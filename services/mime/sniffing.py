"""What a file is by its beginning, whatever it is called: only kinds that an organisation may want to keep out."""

import re

LOOKED_AT = 4096  # bytes of the beginning

_BEGINS = (
    (b"L\0\0\0\x01\x14\x02\0", "lnk"),  # MS-SHLLINK section 2.1
    (b"ITSF", "chm"),
    (b"?_\x03\0", "hlp"),
    (b"!BDN", "pst"),  # MS-PST section 2.2.2.6
    (b"\0\x01\0\0Standard Jet DB", "mdb"),
    (b"#@~^", "vbe"),
)
_PROGRAM, _DOS_HEADER = b"MZ", 64
_CLASS, _FIRST_CLASS_VERSION = b"\xca\xfe\xba\xbe", 45  # programs of macOS begin alike; there it is a small number
_ARCHIVE, _OF_JAVA = b"PK\x03\x04", b"META-INF/MANIFEST.MF"
# MS-CFB section 2.2: the kind of a compound file stands in its root entry, which is the first of the directory.
_COMPOUND = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_COMPOUND_HEADER, _KIND_AT, _KIND_SIZE = 76, 80, 16
_INSTALLER_KINDS = {
    bytes.fromhex("84100c0000000000c000000000000046"): "msi",
    bytes.fromhex("86100c0000000000c000000000000046"): "msp",
    bytes.fromhex("82100c0000000000c000000000000046"): "mst",
}
_BEFORE_XML = rb"(?:\s|<\?[^>]*+>|<!--(?:[^-]|-(?!->))*+-->|<!DOCTYPE[^>\[]*+(?:\[[^\]]*+\]\s*+)?>)*+"
_TEXTS = (
    (re.compile(_BEFORE_XML + rb"<(?:[\w.-]+:)?svg[\s>/]", re.IGNORECASE), "svg"),
    (re.compile(_BEFORE_XML + rb"<MMC_ConsoleFile[\s>]", re.IGNORECASE), "msc"),
    (re.compile(rb"\s*+<.*?<hta:application[\s>/]", re.IGNORECASE | re.DOTALL), "hta"),
    (re.compile(rb"REGEDIT4\s|Windows Registry Editor Version ", re.IGNORECASE), "reg"),
    (re.compile(rb"\s*+\[InternetShortcut\]", re.IGNORECASE), "url"),
    (re.compile(rb"\s*+\[Shell\]\s*+Command=", re.IGNORECASE), "scf"),
    (re.compile(rb"\s*+@echo off\b", re.IGNORECASE), "bat"),
    (re.compile(rb"#![^\n]*\bt?csh\b"), "csh"),
    (re.compile(rb"#![^\n]*\bksh\b"), "ksh"),
)
_PLAUSIBLE = re.compile(rb"[\s<\[@#rw]", re.IGNORECASE)  # what any of them begins with; spares most files the rest
_UTF_8_MARK, _UTF_16_MARK = b"\xef\xbb\xbf", b"\xff\xfe"


def sniff(content: bytes) -> str:
    """
    Return the usual extension of what the bytes begin like ("exe"), empty when it is none of the kinds known here.

    Takes the same time for any size: all but the first 4 KiB is not looked at, except one place in compound files.
    """
    head = content[:LOOKED_AT]
    for begins, name in _BEGINS:
        if head.startswith(begins):
            return name
    if head.startswith(_PROGRAM):
        return "exe" if len(head) >= _DOS_HEADER and b"\0" in head[:_DOS_HEADER] else ""
    if head.startswith(_CLASS):
        return "class" if int.from_bytes(head[4:8], "big") >= _FIRST_CLASS_VERSION else ""
    if head.startswith(_ARCHIVE):
        return "jar" if _OF_JAVA in head else ""
    if head.startswith(_COMPOUND):
        return _INSTALLER_KINDS.get(_kind(content), "")
    return _text(head)


def _kind(content: bytes) -> bytes:
    header = content[:_COMPOUND_HEADER]
    sector = 1 << min(int.from_bytes(header[30:32], "little"), 12)
    root = sector * (int.from_bytes(header[48:52], "little") + 1)
    return content[root + _KIND_AT : root + _KIND_AT + _KIND_SIZE]


def _text(head: bytes) -> str:
    if head.startswith(_UTF_16_MARK):
        head = head.decode("utf-16", "ignore").encode()
    head = head.removeprefix(_UTF_8_MARK)
    if not _PLAUSIBLE.match(head):
        return ""
    return next((name for pattern, name in _TEXTS if pattern.match(head)), "")
