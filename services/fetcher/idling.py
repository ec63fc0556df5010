"""The mailboxes that idle at this replica between their checks, each under its lease."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from random import SystemRandom
from time import monotonic

from services.domain import idling
from services.domain.approval import Permit
from services.domain.schedule import next_delay
from services.fetcher.checks import Ended
from services.fetcher.failures import LoginUnavailable
from services.fetcher.idle_dialogue import How
from services.fetcher.idle_limits import IdleLimits
from services.fetcher.idle_wires import Idled, IdleWires
from services.fetcher.kept import Awake, Kept
from services.fetcher.timers import Timers
from services.runtime import metrics
from services.settings.permits import left_to_routers, polling_of
from services.settings.snapshot import Snapshot

STEADY_SECONDS = 60.0  # an IDLE that ends sooner was of no use
SPREAD_SECONDS = 5.0
LATER_SECONDS = 1.0
AT_ONCE = 50
_SYSTEM = SystemRandom()


@dataclass(slots=True)
class _Entry:
    kept: Kept
    fruitless: int = 0
    checking: bool = False
    full: bool = False  # its next check, or the one that runs, reads every folder


class Idling:
    """
    What idles, what is awake, and what is to be released. Only the dispatcher's thread calls it.

    ``leased`` are those whose lease must be kept; a mailbox leaves them through :meth:`take` or :meth:`freed`.
    ``told`` is called, in another thread, when there is something for :meth:`turn`.
    """

    def __init__(
        self, limits: IdleLimits, *, told: Callable[[], None], chance: Callable[[], float] = _SYSTEM.random
    ) -> None:
        self._told = told
        self._wires = IdleWires(told, chance=chance)
        self._limits = limits
        self._chance = chance
        self._entries: dict[str, _Entry] = {}
        self._awake: dict[str, Idled] = {}
        self._looks: Timers[str] = Timers()
        self._freed: list[tuple[str, float]] = []
        self._closed = False
        metrics.IDLE_CONNECTIONS.set_function(lambda: len(self._entries))

    def leased(self) -> list[str]:
        """Return the mailboxes that idle or wait for a check."""
        return [mailbox for mailbox, entry in self._entries.items() if not entry.checking]

    def connections(self) -> Mapping[str, int]:
        """Return how many connections of each profile are kept, those of running checks among them."""
        return self._limits.profiles()

    def follow(self, snapshot: Snapshot) -> None:
        """End what the settings do not allow any more, or under which they have changed."""
        self._limits.follow(snapshot)
        for mailbox, entry in list(self._entries.items()):
            allowed = polling_of(snapshot, mailbox) is Permit.ALLOWED and not left_to_routers(snapshot)
            under = self._limits.under(mailbox)
            if not allowed or under is None or not entry.kept.under(*under):
                self.end(mailbox)

    def share(self, replicas: int) -> None:
        """Keep what the bounds allow, beside so many other replicas; the rest goes little by little."""
        self._limits.replicas = replicas
        for mailbox in self._limits.above()[:AT_ONCE]:
            self.end(mailbox)

    def after(self, mailbox: str, ended: Ended, *, leased: bool) -> float | None:
        """Let a mailbox idle after a check, if it is still leased; when it does not, return when it is due again."""
        entry, kept = self._entries.pop(mailbox, None), ended.kept
        if ended.code == LoginUnavailable.code:
            self._limits.nobody_let_in(mailbox)
        under = self._limits.under(mailbox)
        if kept is None or under is None or not (leased and kept.under(*under) and self._room(mailbox)):
            self._leave(mailbox)
            if kept is None:
                return ended.delay
            kept.close()
            return min(ended.delay, kept.profile.poll_seconds)
        if entry is None or entry.full:
            look = idling.next_look(kept.profile.poll_seconds, ended.folders)
            delay = next_delay(look, errors=0, disabled=False, chance=self._chance())
            self._looks.set(mailbox, monotonic() + delay.total_seconds())
        in_vain = entry is not None and not entry.full and not ended.mails
        fruitless = entry.fruitless + 1 if entry is not None and in_vain else 0
        self._entries[mailbox] = _Entry(kept, fruitless)
        self._limits.add(mailbox, kept.settings.server, kept.profile.host)
        self._wires.keep(mailbox, kept, idling.quiet(fruitless))
        return None

    def turn(self) -> None:
        """See what has ended, and what is due for a look."""
        broken = self._wires.broken
        for idled in self._wires.ended():
            metrics.IDLE_ENDS.labels(idled.how.value).inc()
            entry = self._entries.get(idled.mailbox)
            if entry is None or entry.kept is not idled.kept:
                idled.kept.close()  # it was ended meanwhile
                continue
            if idled.seconds >= STEADY_SECONDS:
                self._limits.well(idled.mailbox)
            if idled.how in (How.WOKEN, How.LOOKED):
                self._awake[idled.mailbox] = idled
                continue
            if idled.how is not How.LOST or idled.seconds < STEADY_SECONDS:
                self._limits.trouble(idled.mailbox)
            # A server that ends has all its mailboxes come back; not all at once.
            self._free(idled.mailbox, SPREAD_SECONDS * self._chance())
        if broken:
            self._begin_anew()
        for mailbox in self._looks.due(monotonic()):
            entry = self._entries.get(mailbox)
            if entry is not None and entry.checking:
                self._looks.set(mailbox, monotonic() + LATER_SECONDS)
            elif entry is not None:
                entry.full = True
                self._wires.want(mailbox)

    def take(self, most: int, lost: Callable[[Collection[str]], Collection[str]]) -> list[Awake]:
        """Return what is awake, at most so many, without those of which ``lost`` says that the lease has ended."""
        some = list(self._awake)[: max(0, most)]
        gone = lost(some) if some else ()
        found = []
        for mailbox in some:
            if mailbox in gone:
                self.lose(mailbox)
                continue
            entry, idled = self._entries[mailbox], self._awake.pop(mailbox)
            entry.checking, entry.full = True, idled.how is How.LOOKED or entry.full
            found.append(Awake(mailbox, entry.kept, entry.full))
        return found

    def end(self, mailbox: str) -> None:
        """End the idling of a mailbox, if it idles, and have it checked anew over a new connection."""
        entry = self._entries.get(mailbox)
        if entry is not None and not entry.checking:
            self._free(mailbox, 0.0)

    def lose(self, mailbox: str) -> None:
        """Forget a mailbox whose lease is lost."""
        self._forget(mailbox)

    def freed(self) -> list[tuple[str, float]]:
        """Return the mailboxes that idle no more, each with the time in which it is due, to be released."""
        found, self._freed = self._freed, []
        return found

    def close(self) -> None:
        """Close every connection; what idled is freed."""
        self._closed = True
        for mailbox in self.leased():
            self._free(mailbox, 0.0)
        self._wires.close()

    def _begin_anew(self) -> None:
        """Have what idled rest and be polled, and whatever idles from now on do so in a new thread."""
        for mailbox in self.leased():
            if mailbox not in self._awake:
                metrics.IDLE_ENDS.labels("broken").inc()
                self._limits.trouble(mailbox)
                self._entries[mailbox].kept.close()  # it may not have come to the thread
                self._free(mailbox, SPREAD_SECONDS * self._chance())
        self._wires = IdleWires(self._told, chance=self._chance)

    def _room(self, mailbox: str) -> bool:
        return not self._closed and self._limits.room(mailbox)

    def _free(self, mailbox: str, delay: float) -> None:
        self._forget(mailbox)
        self._freed.append((mailbox, delay))

    def _forget(self, mailbox: str) -> None:
        if self._entries.pop(mailbox, None) is not None:
            self._leave(mailbox)
            self._wires.drop(mailbox)
            if idled := self._awake.pop(mailbox, None):
                idled.kept.close()

    def _leave(self, mailbox: str) -> None:
        self._looks.forget(mailbox)
        self._limits.remove(mailbox)
