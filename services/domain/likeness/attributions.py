"""Whom a text quotes and when that was written: "On …, NAME wrote:" lines and quoted header blocks."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from services.domain.likeness.stated_times import Stated, stated_times
from services.domain.likeness.wordings import LABEL, NO_NAMES, VERB
from services.domain.subjects import normalise_subject

MOST_ATTRIBUTIONS = 8
"""How many attributions of one mail are read, outermost first."""
_MOST_TRIED = 40
_LONGEST_LINE = 400


@dataclass(frozen=True, slots=True)
class Attribution:
    """
    One line or block that says whom the text behind it is from.

    ``words`` are the words it names, in lower case, the sender's name among them; ``addresses`` likewise.
    ``subject`` is the key of the subject that a header block states, else empty. ``start`` is where it begins.
    """

    stated: tuple[Stated, ...]
    words: frozenset[str]
    addresses: frozenset[str]
    subject: str
    start: int


_LINE_END = re.compile(r"[:\uff1a][ \t*]{0,4}(?:\r?\n|$)")
_MARKS = re.compile(r"[ \t]{0,8}(?:[>|][ \t]?){0,20}")
_ADDRESS = re.compile(r"[\w.+=-]{1,64}(?:@| at )[\w-]{1,63}(?:\.[\w-]{1,63}){1,4}")
_WORD = re.compile(r"[^\W\d_]{3,}")
_BLOCK_LINES = 10
_LONGEST_BLOCK = 1_500
_BEFORE_SUBJECT = 700
_SHORTEST_WITH_NAME = 25
_FOLDED_FROM = 55


def attributions(text: str) -> tuple[Attribution, ...]:
    """
    Return what a text quotes by name, in the order of the text, at most :data:`MOST_ATTRIBUTIONS`.

    An attribution has a moment, or a verb of writing with a name, or is a block with a subject. Linear: a bounded
    number of lines of bounded length is looked at.
    """
    found = [*_lines(text), *_blocks(text)]
    found.sort(key=lambda one: one.start)
    return tuple(found[:MOST_ATTRIBUTIONS])


def _lines(text: str) -> Iterator[Attribution]:
    accepted = 0
    for tried, end in enumerate(_LINE_END.finditer(text)):
        if tried == _MOST_TRIED or accepted == MOST_ATTRIBUTIONS:
            return
        one = _line(text, end.start(), end.end())
        if one is not None:
            accepted += 1
            yield one


def _line(text: str, end: int, behind: int) -> Attribution | None:
    start = text.rfind("\n", max(0, end - _LONGEST_LINE), end) + 1
    if start == 0 and end > _LONGEST_LINE:
        return None
    marks = _MARKS.match(text, start)
    depth = _depth(text[start : marks.end()]) if marks else 0
    line = text[marks.end() if marks else start : end]
    verb = VERB.search(line)
    stated = stated_times(line)
    if verb is None and not (stated and stated[0].exact):
        return None
    for _ in range(3):
        if (stated and len(line) > _SHORTEST_WITH_NAME) or start == 0:
            break
        above = text.rfind("\n", max(0, start - 1 - _LONGEST_LINE), start - 1) + 1
        mark = _MARKS.match(text, above, start - 1)
        begin = mark.end() if mark else above
        more = text[begin : start - 1].strip()
        if not more or _depth(text[above:begin]) != depth or start - 1 - above >= _LONGEST_LINE:
            break
        line, start = f"{more} {line}", above
        stated = stated_times(line)
    if verb is None:
        follows = _MARKS.match(text, behind)
        if follows is None or _depth(follows[0]) <= depth:
            return None
    return _attribution(line, stated, "", start)


def _depth(marks: str) -> int:
    return marks.count(">") + marks.count("|")


def _blocks(text: str) -> Iterator[Attribution]:
    labels = []
    for label in LABEL.finditer(text):
        labels.append(label)
        if len(labels) == 3 * MOST_ATTRIBUTIONS:
            break
    used = -1
    for number, label in enumerate(labels):
        if label[1]:
            following = labels[number + 1] if number + 1 < len(labels) else None
            subject = (
                following if following and following[2] and following.start() - label.end() < _LONGEST_BLOCK else None
            )
            stop = following.start() if following else len(text)
            block = _unmarked(text[label.end() : stop][:_LONGEST_BLOCK], _BLOCK_LINES)
            stated = stated_times(block)
            if not (stated and stated[0].exact) and subject is None:
                continue
            if subject:
                used = subject.start()
            name = label[3] if label[3].strip() else block.split("\n", 1)[0]
            name += " " + _continuation(block)
            yield _attribution(name, stated, _subject(text, subject), label.start())
        elif label.start() != used:
            before = text[max(0, label.start() - _BEFORE_SUBJECT) : label.start()]
            block = _unmarked("\n".join(before.rsplit("\n", _BLOCK_LINES)[1:]), _BLOCK_LINES)
            stated = stated_times(block)
            if stated and stated[0].exact:
                yield _attribution(block, stated, _subject(text, label), label.start())


def _continuation(block: str) -> str:
    first = block.lstrip("\n").split("\n", 2)[:2]
    return " ".join(line for line in first if ":" not in line.replace("mailto:", ""))


def _unmarked(text: str, most: int) -> str:
    return "\n".join(_MARKS.sub("", line[:_LONGEST_LINE], count=1) for line in text.split("\n", most)[:most])


def _subject(text: str, label: "re.Match[str] | None") -> str:
    if label is None:
        return ""
    subject = label[3]
    following = text[label.end() + 1 : label.end() + 200].split("\n", 1)[0]
    marks = _MARKS.match(following)
    rest = following[marks.end() :] if marks else following
    if len(subject) > _FOLDED_FROM and rest and ":" not in rest[:20]:
        subject = f"{subject} {rest}"  # folded
    return normalise_subject(subject).text


def _attribution(line: str, stated: tuple[Stated, ...], subject: str, start: int) -> Attribution:
    addresses = frozenset(one.replace(" at ", "@").lower() for one in _ADDRESS.findall(line)[:6])
    words = frozenset(_WORD.findall(line.casefold())[:40]) - NO_NAMES
    return Attribution(stated, words, addresses, subject, start)
