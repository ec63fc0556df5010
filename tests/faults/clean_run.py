"""A small clean run, made by hand, for the tests of the judge to spoil."""

from tests.faults.history import Append, Ended, Place
from tests.faults.mails import ACCEPTED, DUPLICATE, INBOX, SENT, Mail, Plan
from tests.faults.rendering import Form
from tests.faults.state import Activity, Alert, Decided, Moved, Record, State, Stored, Taken

QUEUE, USER, KIM = "support@own.example", "anna@own.example", "kim@customer.example"
ROOT = Mail("root", Form.PLAIN, KIM, (QUEUE,), places=((QUEUE, INBOX),))
ANSWER = Mail("answer", Form.PLAIN, QUEUE, (KIM,), answers=(ROOT,), places=((QUEUE, SENT),))
COPIED = Mail("copied", Form.PLAIN, KIM, (QUEUE,), cc=(USER,), places=((QUEUE, INBOX), (USER, INBOX), (QUEUE, INBOX)))
REJECTED = Mail("rejected", Form.PLAIN, KIM, (USER,), places=((USER, INBOX),))
REFUSED = Mail("refused", Form.PLAIN, KIM, (QUEUE,), places=((QUEUE, "Nowhere"),))
MAILS = (ROOT, ANSWER, COPIED, REJECTED, REFUSED)
DEAD_LETTER = "stage/correlator/mail-received|dead_letter|"
RAISED, CLEARED = "fault/1-0|login_refused|", "fault/1-1|login_refused|"
FAILED_ONCE = "mailbox/support@own.example|connection_lost|incoming"
PLAN = Plan(0, MAILS, [(mail, *place) for mail in MAILS for place in mail.places])


def appended() -> list[Append]:
    """Every mail appended as planned."""
    found = []
    for uid, (mail, mailbox, folder) in enumerate(PLAN.appends, 1):
        ended, place = (Ended.FAIL, None) if mail.refused else (Ended.OK, Place(mailbox, folder, 7, uid))
        found.append(Append(mail.mark, mailbox, folder, mail.sha256, ended, place))
    return found


def state() -> State:
    """What a clean run leaves."""
    taken, stored, decisions, received, correlated, decided = [], [], [], [], [], []
    activities: dict[str, Activity] = {}
    parties: dict[str, list[tuple[str, str, str]]] = {}
    items: dict[str, list[tuple[str, str]]] = {}
    seen = set()
    for number, one in enumerate(append for append in appended() if append.place):
        assert one.place
        mail = next(mail for mail in MAILS if mail.mark == one.mark)
        direction = "outgoing" if one.folder == SENT else "incoming"
        outcome = mail.outcomes[one.mailbox, one.folder]
        if (one.mark, one.mailbox, one.folder) in seen:
            outcome = DUPLICATE
        seen.add((one.mark, one.mailbox, one.folder))
        delivery, activity = f"d{number}", f"a-{one.mark}-{direction}"
        taken.append(Taken(delivery, one.place, one.sha256))
        stored.append(Stored(delivery, f"k-{one.mark}", direction, one.place, one.sha256))
        decisions.append(Decided(delivery, 1, True, outcome, activity if outcome == ACCEPTED else None))
        if outcome == ACCEPTED:
            activities[activity] = Activity(activity, f"k-{one.mark}", direction, 1)
            parties[activity] = [(activity, *party) for party in mail.parties]
            items[activity] = [(activity, queue) for queue in sorted(mail.queues(direction))]
        received.append(Record(0, number, delivery, more=one.sha256))
        correlated.append(Record(1, number, delivery))
        decided.append(Record(2, number, delivery, 1, outcome, f"digest {delivery}"))
    poison = len(received)
    received.append(Record(0, poison, "", poison=True))
    threads = {"root": 1, "answer": 1, "copied": 2, "rejected": 3}
    return State(
        taken=taken,
        stored=stored,
        decisions=decisions,
        activities=list(activities.values()),
        parties=[party for those in parties.values() for party in those],
        queue_items=[item for those in items.values() for item in those],
        threads=[(f"k-{mark}", thread) for mark, thread in threads.items()],
        dead=[("mail-received", 0, poison)],
        alerts=[
            Alert("al0", DEAD_LETTER, 1, open=True, shown=True),
            Alert("al1", RAISED, 2, open=True, shown=True),
            Alert("al2", CLEARED, 2, open=False, shown=True),
            Alert("al3", FAILED_ONCE, 1, open=False, shown=False),
        ],
        requests=["r0"],
        moves=[Moved(QUEUE, INBOX, 7, 0, 1), Moved(QUEUE, INBOX, 7, 1, 3)],
        topics={
            "mail-received": received,
            "mail-correlated": correlated,
            "mail-decided": decided,
            "activity-events": [Record(0, n, one, 1, digest=one) for n, one in enumerate(activities)],
            "record-requests": [Record(0, 0, "r0", 1, digest="r0")],
            "alert-signals": [
                Record(0, 0, DEAD_LETTER, more="raised"),
                *(Record(0, n, RAISED, more="raised") for n in (1, 2)),
                *(Record(0, n, CLEARED, more=how) for n, how in ((3, "raised"), (4, "cleared"))),
                *(Record(0, n, FAILED_ONCE, more=how) for n, how in ((5, "raised"), (6, "cleared"))),
            ],
            "alert-events": [
                Record(0, n, alert, version, digest=f"{alert} {version}")
                for n, (alert, version) in enumerate([("al0", 1), ("al1", 1), ("al1", 2), ("al2", 1), ("al2", 2)])
            ],
            "mail-received-dead": [Record(0, 0, f"mail-received/0/{poison}", digest="x")],
        },
        committed={("alert-signals", 0): 7, ("mail-received", 0): poison + 1, ("mail-correlated", 1): poison},
    )
