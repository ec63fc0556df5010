"""One connection that idles: its socket, what is said on it, and when it is looked after next. Never blocks."""

import ssl
from collections.abc import Callable
from dataclasses import dataclass, field
from time import monotonic

from services.domain.idling import renewal
from services.fetcher.idle_dialogue import Dialogue, GivenUp, How, Step
from services.fetcher.kept import Kept
from services.runtime import metrics

CHUNK = 16 * 1024
CHUNKS_AT_ONCE = 4  # then the others get their turn
_BLOCKED = (BlockingIOError, ssl.SSLWantReadError)


@dataclass(slots=True, eq=False, kw_only=True)
class Line:
    """
    Every method raises ``GivenUp``, or ``OSError``, when the connection is of no more use.

    ``at`` is when :meth:`on_time` is due; ``pending`` is whether there is something to read that no selector sees;
    ``wanted`` is whether somebody wants the connection.
    """

    mailbox: str
    kept: Kept
    quiet_until: float
    answer_seconds: float
    chance: Callable[[], float]
    at: float = 0.0
    pending: bool = True  # TLS may hold bytes from before
    wanted: bool = False
    began: float = field(default_factory=monotonic)
    dialogue: Dialogue = field(init=False, repr=False)
    _renew_at: float = 0.0
    _waiting: bytes = field(default=b"", repr=False)

    def __post_init__(self) -> None:
        self.dialogue = Dialogue(self.kept.exists)
        self.dialogue.changed = self.kept.changed

    def enter(self) -> None:
        """Begin with a connection that takes commands."""
        self._waiting = self.kept.rest()
        self._begin()

    def _begin(self) -> None:
        self._renew_at = monotonic() + renewal(self.chance())
        self._say(self.dialogue.begin())

    def want(self) -> None:
        """Ask for the connection."""
        self.wanted = True
        self._go_on()

    def read(self) -> None:
        """Take what the server has sent, as far as it is this connection's turn."""
        sock = self.kept.connection.wire.sock
        self.pending = False
        got, self._waiting = self._waiting, b""
        for _ in range(CHUNKS_AT_ONCE):
            if got:
                self.dialogue.receive(got)
            try:
                got = sock.recv(CHUNK)
            except _BLOCKED:
                break
            if not got:
                raise GivenUp(How.LOST)
        else:
            self._waiting, self.pending = got, True
        self._go_on()

    def on_time(self) -> None:
        """Do what is due; a server that owes an answer has had its time."""
        if self.dialogue.step is not Step.IDLING:
            raise GivenUp(How.TIMED_OUT)
        self._go_on()

    def how(self) -> How | None:
        """Return how it has ended well; None while it goes on."""
        if self.dialogue.step is not Step.ENDED:
            return None
        return How.WOKEN if self.dialogue.changed else How.LOOKED

    def _go_on(self) -> None:
        dialogue = self.dialogue
        if dialogue.step is Step.ENDED and not (dialogue.changed or self.wanted):
            self._begin()
            metrics.IDLE_RENEWALS.inc()
        elif dialogue.step is Step.IDLING:
            due = min(self._renew_at, self.quiet_until) if dialogue.changed else self._renew_at
            if self.wanted or due <= monotonic():
                self._say(dialogue.finish())
            else:
                self.at = due

    def _say(self, data: bytes) -> None:
        if self.kept.connection.wire.sock.send(data) != len(data):
            raise GivenUp(How.LOST)
        self.at = monotonic() + self.answer_seconds
