"""
Score the new text of replies on the sets of other parsers: ``python -m tests.corpora.reply_run``.

``--each`` shows every text that differs; ``--peer`` scores mail-parser-reply, where it is installed. Three sets bring
their expected texts; of the others a text is right when it has every phrase that is listed for it below and none of
those that must be gone. Needs MAILWEAVE_CORPORA.
"""

import collections
import importlib
import sys
import tarfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from services.domain.likeness.new_text import new_text
from services.mime import parse
from services.mime.htmltext import html_text
from tests.corpora.mime_run import corpora

_LOREM = ("Fusce bibendum", "nec nibh.")  # where the paragraph begins and ends that two sets have as the new text
_SETS = (
    "talon", "crisp-reply-parser", "discourse-reply-trimmer", "quotequail", "willdurand-reply-parser",
)  # fmt: skip

PHRASES: Mapping[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    # what must be there, and what must not
    "correct_sig.txt": (("a correct -- signature.",), ("rick",)),
    "sig_no_empty_line.txt": (("no empty line above.",), ("rick",)),
    "email_1.txt": (("Hi folks", "Java HTTP API."), ("lists.basho.com",)),
    "email_2.txt": (("Hi,", "You can list", "would do it."), ("Hi folks", "On Tue", "lists.basho.com")),
    "email_2_1.txt": (("Outlook with a reply",), ("Google", "Dear", "---")),
    "email_4.txt": (("Awesome!",), ("Loader", "defunkt")),
    "email_6.txt": (("as well.",), ("Corey", "wrote:", "Was this")),
    "email_19.txt": (("On Thursday, I get",), ("Corey", "wrote:", "Was this")),
    "email_21.txt": (("On Thursday:", "est laborum."), ()),
    "email_bullets.txt": (("test 2", "and another"), ("examples@", "Give us", "Joe Smith")),
    "email_customer_quote_header_2.txt": (("Thank you very much.",), ("somedude", "Developer")),
    "email_custom_quote_header.txt": (("Thank you!",), ("keltez", "imdb.com", "scr34m")),
    "email_emoji.txt": (("🎉",), ()),
    "email_iphone.txt": (("Here is another email",), ("iPhone",)),
    "email_multi_word_sent_from_my_mobile_device.txt": (("Here is another email",), ("BlackBerry",)),
    "email_one_is_not_on.txt": (("One outstanding question", "when I run..."), ("Tapley", "good news")),
    "email_reply_header.txt": (("the latest reply.", "happen TWICE!"), ("mrmister again", "Wed, Dec 9", "wrote:")),
    "email_sent_from.txt": (("paragraphs.",), ("TypeApp", "Valerian", "replicate")),
    "email_sent_from_my_not_signature.txt": (("another email", "my desk"), ()),
    "email_thread.txt": (("This is new email reply",), ("Nov 21", "wrote:", "Jim Beam")),
    "email_tricky_17_forward_header.txt": (("See the forwarded",), ("John Smith", "should be treated")),
    "email_tricky_18_inline_reply.txt": (("is great.", "drawbacks.", "our use case."), ("opinion", "Jane", "go with")),
    "email_tricky_1_on_false_positive.txt": (("On the surface", "On average", "performance is great."), ()),
    "email_tricky_3_code_block.txt": (("Here's the code", "return mailer", "as actual signatures."), ()),
    "email_tricky_9_nested_quotes.txt": (("I agree",), ("Jane", "Thanks for", "option A")),
    "email_issue_77.txt": (("Bonjour Test", "qui pose", "Text paragraph 2"), ("a écrit",)),
    "email_w10_mail.txt": (("Great thanks Bort", "Braxton"), ("Windows 10", "Tickets", "other stuff")),
    "email_with_from_headers.txt": (("My email is",), ()),
    "apple_forward.html": ((), ("Begin forwarded", "From:")),
    "gmail_forward.html": ((), ("Forwarded message", "From:")),
    "ios_mail_reply_unescaped_address.html": ((), ("wrote:",)),
    "mailru_forward.html": ((), ("From:", "Пересылаемое сообщение")),
    "outlook_forward.html": ((), ("From:", "Subject:")),
    "yahoo_reply_unescaped_address.html": ((), ("wrote:",)),
}


@dataclass(frozen=True, slots=True)
class Case:
    """A text, and what its new text is: as a whole, or by phrases."""

    name: str
    text: str
    expected: str | None
    phrases: tuple[tuple[str, ...], tuple[str, ...]] = ((), ())

    def right(self, found: str) -> bool:
        """Whether a text is the new text; white space counts for nothing."""
        if self.expected is not None:
            return found.split() == self.expected.split()
        there, gone = self.phrases
        return all(one in found for one in there) and not any(one in found for one in gone)


@dataclass
class Result:
    """How many are right in each set, and the cases that are not."""

    right: dict[str, int] = field(default_factory=lambda: collections.defaultdict(int))
    cases: dict[str, int] = field(default_factory=lambda: collections.defaultdict(int))
    wrong: list[tuple[Case, str]] = field(default_factory=list)

    def table(self) -> str:
        """Return the figures as text for tests/bench/RESULTS.md."""
        rows = [f"| {name} | {self.cases[name]} | {self.right[name]} |" for name in _SETS]
        whole = f"| all | {sum(self.cases.values())} | {sum(self.right.values())} |"
        return "\n".join(["| set | texts | right |", "|---|---|---|", *rows, whole])


def cases(folder: Path) -> Iterator[tuple[str, Case]]:
    """Yield the set and each case of it."""
    for name in _SETS:
        with tarfile.open(folder / f"{name}.tar.xz") as tar:
            files = {m.name: (tar.extractfile(m) or sys.stdin.buffer).read() for m in tar if m.isfile()}
        for path, raw in sorted(files.items()):
            case = _case(path, raw, files)
            if case is not None:
                yield name, case


def _case(path: str, raw: bytes, files: Mapping[str, bytes]) -> Case | None:
    folder, _, name = path.rpartition("/")
    if folder.endswith("test/emails"):
        return Case(path, _text(raw), _text(files[f"{folder[:-6]}trimmed/{name}"]))
    if folder.endswith("standard_replies") and name.endswith(".eml"):
        known = files.get(f"{path[:-4]}_reply_text")
        return Case(path, parse(raw).body_text, _text(known) if known else "Hello")
    if folder.endswith("html_replies"):
        return Case(path, html_text(_text(raw)), "Hi. I am fine. Thanks, Alex")
    if folder.endswith("stripped") and name.endswith("_body"):
        signature = _text(files[f"{path[:-5]}_signature"]).strip()
        return Case(path, _text(raw), _text(raw).rpartition(signature)[0])
    if folder.endswith(("fixtures", "Fixtures", "tests/files")):
        text = _text(raw) if name.endswith(".txt") else html_text(_text(raw))
        first, last = (text.find(mark) for mark in _LOREM)
        if 0 <= first < last:
            return Case(path, text, text[first : last + len(_LOREM[1])])
        if name in PHRASES:
            return Case(path, text, None, PHRASES[name])
    return None


def _text(raw: bytes) -> str:
    return raw.decode("utf-8", "replace").replace("\r\n", "\n")


def run(folder: Path, split: Callable[[str], str] = new_text) -> Result:
    """Score a way to split."""
    result = Result()
    for name, case in cases(folder):
        found = split(case.text)
        result.cases[name] += 1
        if case.right(found):
            result.right[name] += 1
        else:
            result.wrong.append((case, found))
    return result


def peer(text: str) -> str:
    """Split by mail-parser-reply, with every language that it knows and without signatures."""
    parser = importlib.import_module("mailparser_reply")
    languages = ["en", "cs", "da", "de", "es", "fr", "it", "ja", "ko", "nl", "pl", "sv", "zh"]
    replies = parser.EmailReplyParser(languages=languages).read(text).replies
    return str(replies[0].body) if replies else ""


def main() -> int:
    """Print the table."""
    folder = corpora()
    if folder is None:
        print("set MAILWEAVE_CORPORA to the folder of the corpora", file=sys.stderr)  # noqa: T201
        return 2
    result = run(folder, peer if "--peer" in sys.argv else new_text)
    print(result.table())  # noqa: T201
    if "--each" in sys.argv:
        for case, found in result.wrong:
            print(f"== {case.name}\n{found}\n-- expected\n{case.expected or case.phrases}")  # noqa: T201
    return 0


if __name__ == "__main__":
    sys.exit(main())
