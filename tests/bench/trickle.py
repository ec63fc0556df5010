"""How long a mail takes when little is going on: from its APPEND to the event that tells the CRM of its activity."""

import imaplib
import random
import threading
import time
from contextlib import closing
from email.message import EmailMessage

from kafka import KafkaConsumer

from services import contracts
from tests.bench.installation import PASSWORD, Installation


def percentile(values: list[float], share: float) -> float:
    """Return the smallest value that at least this share of the values does not exceed (nearest rank)."""
    ordered = sorted(values)
    return ordered[max(0, -(-int(share * 1000) * len(ordered) // 1000) - 1)]


def measure(world: Installation, address: str, count: int) -> dict[str, float]:
    """
    Append ``count`` mails one by one, 0.4 to 1.2 s apart; return the percentiles of seconds to the activity event.

    The clock starts when the server has acknowledged the APPEND and ends when a consumer of ``activity-events`` has
    the event, which is after the activity was committed.
    """
    seen: dict[str, float] = {}
    ready, done = threading.Event(), threading.Event()
    listener = threading.Thread(target=_listen, args=(world, seen, ready, done), daemon=True)
    listener.start()
    ready.wait(30)
    sent: dict[str, float] = {}
    chance = random.Random(3)
    host, _, port = world.environ["MAILWEAVE_IMAP"].rpartition(":")
    client = imaplib.IMAP4(host, int(port))
    with closing(client.socket()):
        client.login(address, PASSWORD)
        for number in range(count):
            own = f"trickle.{time.time_ns()}.{number}@bench.example"
            mail = EmailMessage()
            mail["From"], mail["To"], mail["Subject"] = "Kim <kim@customer.example>", address, f"Trickle {number}"
            mail["Message-ID"] = f"<{own}>"
            mail.set_content("One mail in quiet times.")
            client.append("INBOX", "", imaplib.Time2Internaldate(time.time()), mail.as_bytes())
            sent[own] = time.time()
            time.sleep(chance.uniform(0.4, 1.2))
        client.logout()
    end = time.time() + 30
    while time.time() < end and not sent.keys() <= seen.keys():
        time.sleep(0.1)
    done.set()
    listener.join()
    took = [seen[own] - begun for own, begun in sent.items() if own in seen]
    if len(took) < count:
        raise SystemExit(f"bench: {count - len(took)} mails of the trickle have no event after 30 s")
    return {f"p{share * 100:.0f}": round(percentile(took, share), 2) for share in (0.5, 0.95, 0.99)}


def _listen(world: Installation, seen: dict[str, float], ready: threading.Event, done: threading.Event) -> None:
    consumer = KafkaConsumer(
        "activity-events", bootstrap_servers=world.environ["MAILWEAVE_KAFKA"], auto_offset_reset="latest", group_id=None
    )
    while not done.is_set():
        for records in consumer.poll(timeout_ms=100).values():
            for record in records:
                _, event = contracts.decode(record.value)
                seen.setdefault(event["message_id"], time.time())
        if consumer.assignment():
            ready.set()
    consumer.close()
