"""The one form of a domain name, however it is written: IDNA 2008, with the mapping of UTS 46 (not transitional)."""

import unicodedata
from functools import lru_cache

LONGEST_LABEL = 63
_DOTS = str.maketrans(dict.fromkeys("\u3002\uff0e\uff61", "."))
_KEPT = frozenset("ßς\u200c\u200d")
"""What IDNA 2008 tells apart and case folding, or IDNA 2003, does not."""
_IGNORED = frozenset(
    map(
        chr,
        (
            *(0xAD, 0x34F, 0x115F, 0x1160, 0x17B4, 0x17B5, *range(0x180B, 0x1810), 0x200B, *range(0x2060, 0x2065)),
            *(*range(0x206A, 0x2070), 0x3164, *range(0xFE00, 0xFE10), 0xFEFF, 0xFFA0, *range(0x1BCA0, 0x1BCA4)),
            *(*range(0x1D173, 0x1D17B), *range(0xE0100, 0xE01F0)),
        ),
    )
)
"""What nobody sees; the mapping leaves it out."""
_PLAIN = frozenset("abcdefghijklmnopqrstuvwxyz0123456789-_")
_MARKS = frozenset({"Mn", "Mc", "Me"})


@lru_cache(maxsize=4_096)
def ascii_form(name: str) -> str:
    """
    Return a domain name in lower case with its labels as A-labels, without the dot at its end.

    A label that has no A-label (too long, or of characters that no domain has) stays as it is written, in lower case,
    so that it is equal to nothing but itself, and so does an A-label, whatever it stands for. Symbols have A-labels
    although IDNA 2008 has none for them, because such domains are in use.
    """
    return ".".join(map(_label, name.translate(_DOTS).rstrip(".").split(".")))


def lowered(text: str) -> str:
    """Return a text in lower case; a letter that looks like one of ASCII and is none does not become it."""
    if text.isascii():
        return text.lower()
    return "".join(one if not one.isascii() and one.lower().isascii() else one.lower() for one in text)


def _label(label: str) -> str:
    return label.lower() if label.isascii() else _encoded(_mapped(label)) or lowered(label)


def _mapped(label: str) -> str:
    folded = (
        one if one in _KEPT else "ß" if one == "ẞ" else unicodedata.normalize("NFKC", one).casefold()
        for one in label
        if one not in _IGNORED
    )
    return unicodedata.normalize("NFKC", "".join(folded))


def _encoded(label: str) -> str:
    """Return the A-label of a mapped label, or nothing where it has none; one of ASCII is its own."""
    if not label or label[2:4] == "--" or unicodedata.category(label[0]) in _MARKS:
        return ""
    if any(one.isascii() and one not in _PLAIN for one in label):
        return ""
    encoded = label if label.isascii() else "xn--" + label.encode("punycode").decode("ascii")
    return encoded if len(encoded) <= LONGEST_LABEL else ""
