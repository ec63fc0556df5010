"""
HTML to the text a person reads, in linear time for any input.

A tokenizer without a tree on purpose: building the tree of an HTML5 document takes quadratic time for deep
nesting, many attributes or open options, and mail is written by strangers. Each piece between two "<" is
looked at once.
"""

import re
from html import unescape

_TAG = re.compile(
    r"""(/?)([a-zA-Z][a-zA-Z0-9]*)(?:[\s/](?:(?:[^>"']++|"[^"]*+"|'[^']*+')*+>|[^>]*>)|(?:[:_.-][^>]*)?>)"""
)
_UNFINISHED = re.compile(r"[a-zA-Z/!?]")
_SPACES = re.compile(r"[ \t\r\n\f\v\xa0\u200b\u200c\u00ad\u034f]+")
_ENDLESS = re.compile(r"&#(?:[0-9]{8,}|[xX][0-9a-fA-F]{8,});?")  # no character, and too long a number
_KEPT_SPACE = "\x00"  # stands for a blank inside pre until the others are trimmed
_BLANK_LINES = re.compile(r"\n{3,}")

_BREAKS = frozenset(
    [
        "p",
        "div",
        "br",
        "tr",
        "li",
        "h1",
        "h2",
        "h3",
        "h4",
        "h5",
        "h6",
        "blockquote",
        "table",
        "ul",
        "ol",
        "dl",
        "dt",
        "dd",
        "hr",
        "pre",
        "section",
        "article",
        "header",
        "footer",
        "address",
        "center",
        "form",
        "fieldset",
        "figure",
        "figcaption",
        "main",
        "nav",
        "aside",
        "title",
        "caption",
        "body",
    ]
)
_CELLS = frozenset({"td", "th"})
_UNSHOWN = frozenset({"script", "style", "title", "template", "textarea", "noframes", "xmp", "svg"})
# Paragraphs have a blank line between them, as plain text does.
_PARAGRAPHS = frozenset({"p", "h1", "h2", "h3", "blockquote"})


def html_text(source: str) -> str:
    """
    Return the text of an HTML document, never raising.

    Blocks, line breaks, rows, list items and quotes begin new lines, cells are set apart by a blank, white
    space is collapsed except in ``pre``; scripts, styles, titles and comments are dropped.
    """
    pieces = source.replace(_KEPT_SPACE, "").split("<")
    out: list[str] = [_collapsed(pieces[0])]
    unshown = ""  # the element, or "!--", whose end is awaited
    preformatted = 0
    for piece in pieces[1:]:
        if unshown:
            rest = _after_end(piece, unshown)
            if rest is None:
                continue
            unshown = ""
            out.append(_collapsed(rest))
            continue
        match = _TAG.match(piece)
        if match is None:
            rest, unshown = _other(piece)
            out.append(_collapsed(rest))
            continue
        text = piece[match.end() :]
        name = match[2].lower()
        if name in _BREAKS:
            out.append("\n\n" if name in _PARAGRAPHS else "\n")
            if name == "pre":
                preformatted = max(0, preformatted + (-1 if match[1] else 1))
        elif name in _CELLS and not match[1]:
            out.append(" ")
        if name in _UNSHOWN and not match[1]:
            unshown = name
            continue
        out.append(text.replace(" ", _KEPT_SPACE) if preformatted else _collapsed(text))
    text = "".join(out)
    return _tidy(unescape(_ENDLESS.sub("", text) if "&#" in text else text) if "&" in text else text)


def _collapsed(text: str) -> str:
    return _SPACES.sub(" ", text)


def _after_end(piece: str, unshown: str) -> str | None:
    if unshown == "!--":
        _, end, rest = piece.partition("-->")
        return rest if end else None
    if piece[:1] == "/" and piece[1 : 1 + len(unshown)].lower() == unshown:
        return piece.partition(">")[2]
    return None


def _other(piece: str) -> tuple[str, str]:
    """Return the text after a comment, declaration or stray "<", and what is awaited then."""
    if piece.startswith("!--"):
        _, end, rest = piece[3:].partition("-->")
        if not end and piece[3:4] == ">":
            return piece[4:], ""
        return (rest, "") if end else ("", "!--")
    if _UNFINISHED.match(piece):
        return piece.partition(">")[2], ""
    return "<" + piece, ""


def _tidy(text: str) -> str:
    lines = [_SPACES.sub(" ", line).strip() if "\xa0" in line else line.strip(" ") for line in text.split("\n")]
    return _BLANK_LINES.sub("\n\n", "\n".join(lines)).strip().replace(_KEPT_SPACE, " ")
