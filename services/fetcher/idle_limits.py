"""How many mailboxes may idle here: by server profile, by host, by a fair share among replicas; and which rest."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from time import monotonic

from services.domain import idling
from services.fetcher.kept import inbox_of
from services.settings.models import MailboxSettings, ServerProfile
from services.settings.permits import fetched
from services.settings.snapshot import EMPTY, Snapshot

REFUSED_SECONDS = 3600.0
ONCE_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class _Refused:
    idling: int
    at: float


class IdleLimits:
    """
    The bounds, and what counts against them. One thread changes it; any thread may ask :meth:`room`.

    ``polling`` is how many connections to a host are left for checks. ``replicas`` is how many fetchers share the work.
    """

    def __init__(self, polling: int) -> None:
        self._polling = polling
        self._snapshot = EMPTY
        self._wanted: Counter[str] = Counter()  # mailboxes that would idle, by profile
        self._read: Counter[str] = Counter()  # mailboxes that are read, by profile
        self._places: dict[str, tuple[str, str]] = {}  # profile and host of what idles, oldest first
        self._profiles: Counter[str] = Counter()
        self._hosts: Counter[str] = Counter()
        self._refused: dict[str, _Refused] = {}
        self._rests: dict[str, tuple[int, float]] = {}
        self.replicas = 1

    def follow(self, snapshot: Snapshot) -> None:
        """Act by these settings from now on."""
        self._snapshot = snapshot
        names = fetched(snapshot)
        self._read = Counter(snapshot.mailboxes[name].server for name in names)
        self._wanted = Counter(p for name in names if (p := self._idles(name)))
        self._rests = {name: rest for name, rest in self._rests.items() if name in snapshot.mailboxes}

    def under(self, mailbox: str) -> tuple[MailboxSettings, ServerProfile] | None:
        """Return the settings of a mailbox and of its server; None when the settings do not have both."""
        settings = self._snapshot.mailboxes.get(mailbox)
        profile = self._snapshot.profile_of(mailbox)
        return (settings, profile) if settings and profile else None

    def _idles(self, mailbox: str) -> str:
        """Return the profile of a mailbox that would idle; nothing when it would not."""
        found = self.under(mailbox)
        if found is None or not found[1].idle or found[1].protocol != "imap" or inbox_of(found[0]) is None:
            return ""
        return found[0].server

    def room(self, mailbox: str) -> bool:
        """Whether a mailbox may idle, or go on idling, beside those that do."""
        profile = self._idles(mailbox)
        if not profile or self._rests.get(mailbox, (0, 0.0))[1] > monotonic():
            return False
        host = self._snapshot.profiles[profile].host
        own = self._places.get(mailbox, ("", ""))
        return (
            len(self._places) - (own != ("", "")) < self._share()
            and self._profiles[profile] - (own[0] == profile) < self._most_of_profile(profile)
            and self._hosts[host] - (own[1] == host) < self._most_of_host(host)
        )

    def add(self, mailbox: str, profile: str, host: str) -> None:
        """Count a mailbox that idles."""
        self.remove(mailbox)
        self._places[mailbox] = profile, host
        self._profiles[profile] += 1
        self._hosts[host] += 1

    def remove(self, mailbox: str) -> None:
        """Count it no more."""
        if place := self._places.pop(mailbox, None):
            self._profiles[place[0]] -= 1
            self._hosts[place[1]] -= 1

    def profiles(self) -> Mapping[str, int]:
        """Return how many mailboxes of each profile idle."""
        return self._profiles

    def above(self) -> list[str]:
        """Return the mailboxes that must end, so that every bound is kept."""
        by_profile = {mailbox: profile for mailbox, (profile, _) in self._places.items()}
        by_host = {mailbox: host for mailbox, (_, host) in self._places.items()}
        ending = idling.above(by_profile, {p: self._most_of_profile(p) for p in set(by_profile.values())})
        ending += idling.above(by_host, {h: self._most_of_host(h) for h in set(by_host.values())})
        ending += list(self._places)[: max(0, len(self._places) - self._share())]
        return list(dict.fromkeys(ending))

    def trouble(self, mailbox: str) -> None:
        """Have a mailbox rest: its idling went wrong."""
        troubles = self._rests.get(mailbox, (0, 0.0))[0] + 1
        self._rests[mailbox] = troubles, monotonic() + idling.rest(troubles)

    def well(self, mailbox: str) -> None:
        """Forget its troubles."""
        self._rests.pop(mailbox, None)

    def nobody_let_in(self, mailbox: str) -> None:
        """Idle less for an hour: the host of this mailbox lets nobody log in for now, maybe because of us."""
        found = self.under(mailbox)
        if found is None:
            return
        self.trouble(mailbox)
        host, now = found[1].host, monotonic()
        known = self._refused.get(host)
        if self._hosts[host] and (known is None or now - known.at > ONCE_SECONDS):
            self._refused[host] = _Refused(self._hosts[host], now)

    def _share(self) -> int:
        return idling.fair_share(self._wanted.total(), self.replicas)

    def _most_of_profile(self, name: str) -> int:
        profile = self._snapshot.profiles.get(name)
        return idling.most_of_profile(self._read[name], profile.max_connections) if profile else 0

    def _most_of_host(self, host: str) -> int:
        known = self._refused.get(host)
        lately = known is not None and monotonic() - known.at < REFUSED_SECONDS
        return idling.most_of_host(self.replicas, known.idling if known and lately else None, self._polling)
