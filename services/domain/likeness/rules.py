"""
The rule table: what has to speak for a candidate, what must not speak against it, and how sure that makes.

The first rule that holds gives the confidence. At 0.80 (the default) a mail is linked, from 0.50 it is suggested.
"""

from dataclasses import dataclass

from services.domain.likeness.marks import SENTENCE, Mark

_NOTHING = Mark(0)


@dataclass(frozen=True, slots=True)
class Rule:
    """One row: all of ``needs`` must be there, none of ``forbids``."""

    name: str
    confidence: float
    needs: Mark
    forbids: Mark = _NOTHING

    @property
    def sentence(self) -> str:
        """The rule as a person reads it."""
        unless = " or ".join(SENTENCE[mark] for mark in self.forbids)
        return ", ".join(SENTENCE[mark] for mark in self.needs) + (f", unless {unless}" if unless else "")


_REPLY = Mark.SAME_SUBJECT | Mark.REPLY_MARK
_LIST = Mark.SAME_SUBJECT | Mark.UNMARKED_LIST | Mark.WEEK

LINK = 0.80
SUGGEST = 0.50
CERTAIN = 0.98
"""From here a link counts as known, where the engine learns whether replies have a mark on a list."""
_TWIN = Mark.TWIN | Mark.NAMED_ELSEWHERE
"""What forbids most rules: the text points at several conversations, or at another one."""

TABLE = (
    Rule("attribution+subject", 0.99, Mark.NAMED_MINUTE | Mark.SAME_SUBJECT, Mark.TWIN),
    Rule("attribution+quoted-subject", 0.99, Mark.NAMED_MINUTE | Mark.QUOTED_SUBJECT, Mark.TWIN),
    Rule("attribution+quote", 0.99, Mark.NAMED_MINUTE | Mark.QUOTE_STRONG, _TWIN),
    Rule("attribution+some-quote", 0.985, Mark.NAMED_MINUTE | Mark.QUOTE_SOME, _TWIN),
    Rule("quote+subject", 0.985, Mark.QUOTE_HIGH | Mark.SAME_SUBJECT, Mark.RIVAL),
    Rule("day+reply", 0.98, Mark.NAMED_DAY | _REPLY, Mark.RIVAL | _TWIN),
    Rule("quote+reply", 0.97, Mark.QUOTE_STRONG | _REPLY, Mark.RIVAL | _TWIN),
    Rule("cover-letter", 0.97, Mark.COVER_LETTER, Mark.REPLY_MARK),
    Rule("quote+answer", 0.95, Mark.QUOTE_HIGH | Mark.ANSWERS_SENDER, Mark.RIVAL | Mark.NAMED_ELSEWHERE),
    Rule(
        "quote+quoted-subject",
        0.95,
        Mark.QUOTE_HIGH | Mark.QUOTED_SUBJECT | Mark.REPLY_MARK,
        Mark.RIVAL | Mark.NAMED_ELSEWHERE,
    ),
    Rule("number", 0.95, Mark.SAME_NUMBER | Mark.PEOPLE),
    Rule("name+reply", 0.94, Mark.NAMED_SENDER | _REPLY, _TWIN),
    Rule("reply+answer", 0.93, _REPLY | Mark.ANSWERS_SENDER, _TWIN),
    Rule("reply+greeting", 0.92, _REPLY | Mark.GREETED, _TWIN),
    Rule("reply+quotes", 0.92, _REPLY | Mark.QUOTES | Mark.PEOPLE, _TWIN),
    Rule("reply+same-sender", 0.91, _REPLY | Mark.SAME_SENDER | Mark.PEOPLE, Mark.NAMED_ELSEWHERE),
    Rule("some-quote+subject", 0.90, Mark.QUOTE_SOME | Mark.SAME_SUBJECT, Mark.RIVAL | Mark.NAMED_ELSEWHERE),
    Rule("day+subject", 0.90, Mark.NAMED_DAY | Mark.SAME_SUBJECT, Mark.NAMED_ELSEWHERE),
    Rule("former-subject", 0.90, Mark.FORMER_SUBJECT | Mark.PEOPLE, Mark.NAMED_ELSEWHERE),
    Rule("next-part", 0.85, Mark.FIRST_PART | Mark.AT_ONCE, Mark.REPLY_MARK),
    Rule("list+greeting", 0.84, _LIST | Mark.GREETED, Mark.SHORT_SUBJECT),
    Rule("list+quotes", 0.83, _LIST | Mark.QUOTES, Mark.SHORT_SUBJECT),
    Rule("list+day", 0.82, _LIST | Mark.DAY, Mark.SHORT_SUBJECT | Mark.SAME_SENDER),
    Rule("reply+recipient", 0.81, _REPLY | Mark.WAS_RECIPIENT, _TWIN),
    Rule("reply+day", 0.80, _REPLY | Mark.QUOTES | Mark.PEOPLE | Mark.DAY),
    Rule("list", 0.80, _LIST, Mark.SAME_SENDER),
    Rule("list+later", 0.80, Mark.SAME_SUBJECT | Mark.UNMARKED_LIST | Mark.QUOTES, Mark.SHORT_SUBJECT),
    Rule("list+same-sender", 0.80, _LIST | Mark.SAME_SENDER | Mark.DAY, Mark.SHORT_SUBJECT),
    Rule("attribution", 0.79, Mark.NAMED_MINUTE, _TWIN),
    Rule("reply", 0.77, _REPLY),
    Rule("forward", 0.75, Mark.SAME_SUBJECT | Mark.FORWARD_MARK),
    Rule("later-part", 0.74, Mark.FIRST_PART, Mark.REPLY_MARK),
    Rule("quoted-subject", 0.72, Mark.QUOTED_SUBJECT | Mark.PEOPLE),
    Rule("quote", 0.70, Mark.QUOTE_HIGH, Mark.RIVAL),
    Rule("subject+recipient", 0.66, Mark.SAME_SUBJECT | Mark.WAS_RECIPIENT | Mark.WEEK),
    Rule("subject+answer", 0.65, Mark.SAME_SUBJECT | Mark.ANSWERS_SENDER | Mark.WEEK),
    Rule("subject+week", 0.50, Mark.SAME_SUBJECT | Mark.WEEK, Mark.SAME_SENDER),
)
