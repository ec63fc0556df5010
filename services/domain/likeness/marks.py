"""What can speak for or against a candidate conversation, by name."""

from enum import Flag, auto


class Mark(Flag):
    """One thing that is true of a mail and a candidate conversation. ``SENTENCE`` says each to a person."""

    SAME_SUBJECT = auto()
    FORMER_SUBJECT = auto()
    QUOTED_SUBJECT = auto()
    REPLY_MARK = auto()
    FORWARD_MARK = auto()
    NAMED_MINUTE = auto()
    NAMED_DAY = auto()
    NAMED_SENDER = auto()
    TWIN = auto()
    NAMED_ELSEWHERE = auto()
    QUOTES = auto()
    QUOTE_HIGH = auto()
    QUOTE_STRONG = auto()
    QUOTE_SOME = auto()
    QUOTE_FOREIGN = auto()
    RIVAL = auto()
    GREETED = auto()
    PEOPLE = auto()
    ANSWERS_SENDER = auto()
    WAS_RECIPIENT = auto()
    SAME_SENDER = auto()
    SAME_NUMBER = auto()
    COVER_LETTER = auto()
    FIRST_PART = auto()
    AT_ONCE = auto()
    DAY = auto()
    WEEK = auto()
    SHORT_SUBJECT = auto()
    UNMARKED_LIST = auto()


SENTENCE = {
    Mark.SAME_SUBJECT: "the subject is equal",
    Mark.FORMER_SUBJECT: 'the former subject, "(was: …)", is equal',
    Mark.QUOTED_SUBJECT: "a quoted header block has its subject",
    Mark.REPLY_MARK: "the subject has the mark of a reply",
    Mark.FORWARD_MARK: "the subject has the mark of a forward",
    Mark.NAMED_MINUTE: "the text names its sender and minute",
    Mark.NAMED_DAY: "the text names its sender and day",
    Mark.NAMED_SENDER: "the text names its sender",
    Mark.TWIN: "another conversation has the same sender and minute",
    Mark.NAMED_ELSEWHERE: "the text names the sender and minute of another conversation",
    Mark.QUOTES: "the text quotes something",
    Mark.QUOTE_HIGH: "most of the quote stands in it",
    Mark.QUOTE_STRONG: "much of the quote stands in it",
    Mark.QUOTE_SOME: "some of the quote stands in it",
    Mark.QUOTE_FOREIGN: "nothing of the quote stands in it",
    Mark.RIVAL: "the quote stands in another conversation as well",
    Mark.GREETED: "the text greets somebody who wrote in it",
    Mark.PEOPLE: "people are in common that are not in every mail",
    Mark.ANSWERS_SENDER: "a recipient wrote in it",
    Mark.WAS_RECIPIENT: "the sender was a recipient",
    Mark.SAME_SENDER: "nobody but the sender wrote in it",
    Mark.SAME_NUMBER: "a business number is equal",
    Mark.COVER_LETTER: "it is the series of this part, with its cover letter",
    Mark.FIRST_PART: "it is the series of this part, which follows the last one",
    Mark.AT_ONCE: "the last part is seconds old",
    Mark.DAY: "its last mail is at most a day old",
    Mark.WEEK: "its last mail is at most a week old",
    Mark.SHORT_SUBJECT: "the subject has fewer than three words",
    Mark.UNMARKED_LIST: "on this list, replies have no mark",
}
