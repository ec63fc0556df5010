"""What correlation looks at of a mail itself, beside what it points at."""

from dataclasses import dataclass

from services.domain.addresses import normalise
from services.domain.forward_marks import ForwardMarks, marks_of
from services.domain.identity import Direction
from services.domain.message import Message
from services.domain.subjects import SubjectKey, normalise_subject


@dataclass(frozen=True, slots=True)
class Features:
    """
    Way, people, subject and text of a mail. ``people`` are everybody its header names, normalised; ``own`` those of
    them that are ours.
    """

    direction: Direction
    people: frozenset[str]
    recipients: frozenset[str]
    subject: SubjectKey
    marks: ForwardMarks
    body: str
    sender: str = ""
    own: frozenset[str] = frozenset()


def people_of(message: Message) -> frozenset[str]:
    """Return the normalised addresses of everybody the header names."""
    lists = (message.from_, message.reply_to, message.to, message.cc, message.bcc)
    return frozenset(normalise(m.address) for mailboxes in lists for m in mailboxes)


def features_of(message: Message, direction: Direction, *, own: frozenset[str] = frozenset()) -> Features:
    """Return what correlation looks at of a mail that was found going this way."""
    subject = normalise_subject(message.subject)
    return Features(
        direction=direction,
        people=people_of(message),
        recipients=frozenset(normalise(m.address) for m in (*message.to, *message.cc)),
        subject=subject,
        marks=marks_of(subject, (part.content_type for part in message.parts), message.body_text),
        body=message.body_text,
        sender=normalise(message.from_[0].address) if message.from_ else "",
        own=own,
    )


def participants_of(message: Message) -> frozenset[str]:
    """Return the normalised addresses that become parties: the sender and the recipients."""
    lists = (message.from_[:1], message.to, message.cc, message.bcc)
    return frozenset(normalise(m.address) for mailboxes in lists for m in mailboxes)
