"""The mails of a fault run, made from a seed: conversations of customers with queues and users, and odd mails."""

import random
from collections.abc import Sequence

from tests.faults.mails import INBOX, MISSING, QUEUES, SENT, USERS, Mail, Plan
from tests.faults.rendering import Form

ODD_SHARE = 0.4
CHILD_SHARE = 0.2  # these take the parser a child process, so there are fewer
BACK = 40  # a mail joins threads that began so many mails before it, so that both exist when it comes
NEAR = 12  # mails arrive that far out of order


def plan(seed: int, count: int) -> Plan:
    """Return at least ``count`` appends; the same seed and count give the same bytes in the same order."""
    chance = random.Random(seed)
    company = _Company(chance, f"{seed}x")
    appends = 0
    while appends < count:
        appends += sum(len(mail.places) for mail in company.conversation())
    order = [(mail, *place) for mail in company.mails for place in mail.places]
    late = [(n + chance.uniform(0, NEAR), n) for n in range(len(order))]
    return Plan(seed, company.mails, [order[n] for _, n in sorted(late)])


class _Company:
    """Writes one conversation after the other."""

    def __init__(self, chance: random.Random, prefix: str) -> None:
        self.mails: list[Mail] = []
        self._chance = chance
        self._prefix = prefix
        self._roots: list[tuple[int, Mail]] = []

    def conversation(self) -> list[Mail]:
        """Return the mails of another conversation."""
        customer = f"customer{self._chance.randrange(40)}@customer.example"
        queue, user, other = self._chance.choice(QUEUES), *self._chance.sample(USERS, 2)
        first = len(self.mails)
        begun = [root for number, root in self._roots[-80:] if first - number > BACK]
        kind = self._chance.random()
        if kind < 0.03:
            self._mail(customer, [queue], (queue, MISSING))
        elif kind < 0.13:
            asked = self._mail(customer, [self._chance.choice([user, "stranger@elsewhere.example"])], (user, INBOX))
            self._mail(customer, [user], (user, INBOX), answers=(asked,))
        elif kind < 0.2 and len(begun) > 1:
            self._mail(customer, [queue], (queue, INBOX), answers=tuple(self._chance.sample(begun, 2)))
        else:
            root = self._mail(customer, [queue], (queue, INBOX))
            if root.message_id:
                self._roots.append((first, root))
            self._answers(first, customer, queue, user, other)
        return self.mails[first:]

    def _answers(self, first: int, customer: str, queue: str, user: str, other: str) -> None:
        """Let them answer to and fro. Whoever answers a mail without an id names nothing, so there it ends."""
        for _ in range(self._chance.randrange(6)):
            way = tuple(self.mails[first:][-3:])
            if way[-1].message_id is None:
                return
            kind = self._chance.random()
            if kind < 0.35:
                self._mail(customer, [queue], (queue, INBOX), (user, INBOX), answers=way, cc=(user,))
            elif kind < 0.5:
                self._mail(customer, [user], (user, INBOX), answers=way)
            elif kind < 0.65:
                self._mail(customer, [queue], (queue, INBOX), (queue, INBOX), answers=way)
            elif kind < 0.85:
                self._mail(queue, [customer], (queue, SENT), answers=way)
            else:
                self._mail(queue, [other], (queue, SENT), (other, INBOX), answers=way)

    def _mail(
        self,
        sender: str,
        to: Sequence[str],
        *places: tuple[str, str],
        answers: tuple[Mail, ...] = (),
        cc: tuple[str, ...] = (),
    ) -> Mail:
        form = self._chance.choice([*Form]) if self._chance.random() < ODD_SHARE else Form.PLAIN
        if form == Form.TRUNCATED_BASE64 and self._chance.random() > CHILD_SHARE:
            form = Form.PLAIN
        mark = f"m{self._prefix}{len(self.mails)}"
        self.mails.append(Mail(mark, form, sender, tuple(to), cc, answers, places))
        return self.mails[-1]
