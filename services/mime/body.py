"""The text of a mail that a person reads, from its body parts."""

from dataclasses import dataclass

from services.mime.characters import clean_body, decode
from services.mime.htmltext import html_text
from services.mime.limits import Limits
from services.mime.parts import Leaf, is_body

_WIDEST = 4  # bytes of one character


@dataclass(slots=True)
class Body:
    """The text read so far, whether something was left out, and what was mended."""

    text: str
    truncated: bool
    has_html: bool
    repairs: list[str]


def body(found: list[Leaf], limits: Limits) -> Body:
    """
    Return the text: of every alternative its plain form, or its HTML where that is blank; the rest in order.

    At most ``limits.body_chars`` characters; of one part no more bytes are looked at than can matter.
    """
    bodies = [leaf for leaf in found if is_body(leaf)]
    result = Body("", truncated=False, has_html=False, repairs=[])
    result.has_html = any(leaf.node.content_type == "text/html" for leaf in bodies)
    texts: list[str] = []
    length = 0
    spoken: set[str] = set()  # alternatives whose plain form was taken
    for leaf in _in_order(bodies):
        html = leaf.node.content_type == "text/html"
        if html and leaf.alternative and leaf.alternative in spoken:
            continue
        if length > limits.body_chars:
            result.truncated = True
            break
        text = _text(leaf, html=html, limits=limits, result=result)
        if not text.strip():
            continue
        if not html and leaf.alternative:
            spoken.add(leaf.alternative)
        texts.append(text)
        length += len(text) + 1
    joined = texts[0] if len(texts) == 1 else "\n".join(texts)
    result.truncated = result.truncated or len(joined) > limits.body_chars
    if result.truncated:
        result.repairs.append(f"body cut at {limits.body_chars} characters")
    result.text = joined[: limits.body_chars]
    return result


def _in_order(bodies: list[Leaf]) -> list[Leaf]:
    """Plain before HTML inside one alternative, else as written."""
    begins: dict[str, int] = {}
    keyed = []
    for at, leaf in enumerate(bodies):
        if leaf.alternative:
            html = leaf.node.content_type == "text/html"
            keyed.append((begins.setdefault(leaf.alternative, at), int(html), at, leaf))
        else:
            keyed.append((at, 0, at, leaf))
    return [leaf for *_, leaf in sorted(keyed, key=lambda key: key[:3])]


def _text(leaf: Leaf, *, html: bool, limits: Limits, result: Body) -> str:
    data = leaf.node.content or b""
    room = limits.html_chars if html else limits.body_chars * _WIDEST + 2
    if len(data) > room:
        result.truncated = True
        cut = data.rfind(b">" if html else b"\n", room // 2, room)
        data = data[: cut + 1 if cut > 0 else room]
    text, repaired = decode(data, leaf.node.charset)
    if repaired:
        result.repairs.append(f"charset-fallback: {leaf.path}")
    return clean_body(html_text(text) if html else text)
