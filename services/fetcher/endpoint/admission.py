"""Who is let in, and to which mailboxes."""

from collections.abc import Callable
from dataclasses import dataclass

from services.domain.approval import Permit
from services.domain.identity import Direction
from services.domain.mailbox_state import Phase
from services.domain.polled import Idle
from services.fetcher.endpoint import presence, refusals
from services.fetcher.endpoint.claims import Terms, terms_of
from services.fetcher.polling import Ports
from services.settings.models import MailboxSettings, ServerProfile
from services.settings.permits import left_to_routers, permit_of, polling_of, unpolled
from services.settings.snapshot import Snapshot
from services.storage import router_tokens


@dataclass(frozen=True, slots=True)
class Admitted:
    """A mailbox that a router may read now, with the settings that say so."""

    router: str
    mailbox: MailboxSettings
    profile: ServerProfile
    snapshot: Snapshot

    @property
    def address(self) -> str:
        """The normalised address of the mailbox."""
        return self.mailbox.address

    @property
    def terms(self) -> Terms:
        """What the settings say of its mail."""
        return terms_of(self.snapshot, self.address)


@dataclass(frozen=True, slots=True, kw_only=True)
class Admission:
    """Asked at each request, so that a token that is revoked and a setting that changes act at once."""

    settings: Callable[[], Snapshot]
    ports: Callable[[], Ports]

    def router(self, token: str) -> str:
        """Return the router whose token this is, and note that it was heard; ``TokenRefused`` when it is nobody's."""
        ports = self.ports()
        with ports.database.transaction() as connection:
            router = router_tokens.router_of(connection, token)
            if router is None:
                raise refusals.TokenRefused
            presence.heard(connection, router, ports.now())
        return router

    def introduce(self, router: str) -> dict[str, object]:
        """
        Say who is let in, who reads the mailboxes now, which this router may read, and which are to be tested.

        ``terms`` has what changes with the terms of each mailbox, so that a router acts on them at once.
        """
        snapshot = self.settings()
        own = [a for a in snapshot.mailboxes if _may(router, snapshot.profile_of(a)) and _readable(snapshot, a)]
        with self.ports().database.transaction() as connection:
            query = (
                "SELECT mailbox FROM fetcher.mailbox_state WHERE direction = %s AND phase = %s AND mailbox = ANY(%s)"
            )
            given = (Direction.INCOMING, Phase.TEST_SCHEDULED, own)
            tests = [mailbox for (mailbox,) in connection.execute(query, given)]
        engine = "router" if left_to_routers(snapshot) else "sss"
        terms = {address: terms_of(snapshot, address).mark() for address in own}
        return {"router": router, "engine": engine, "mailboxes": own, "tests": tests, "terms": terms}

    def admit(self, router: str, address: str) -> Admitted:
        """Return the mailbox, when the settings leave it to this router now; else a :class:`refusals.Refusal`."""
        snapshot = self.settings()
        mailbox = snapshot.mailboxes.get(address)
        if mailbox is None:
            raise refusals.MailboxUnknown("the settings have no such mailbox: correct the router's file, or add it")
        profile = snapshot.profile_of(address)
        if profile is None:
            raise refusals.MailboxNotRead
        if not _may(router, profile):
            raise refusals.RouterNotAllowed("the server profile of the mailbox names another router")
        if not left_to_routers(snapshot):
            raise refusals.LeftToFetcher
        if polling_of(snapshot, address) is not Permit.ALLOWED:
            raise refusals.MailboxNotRead
        return Admitted(router, mailbox, profile, snapshot)


def _readable(snapshot: Snapshot, mailbox: str) -> bool:
    """Whether a router would read a mailbox, once they are left to routers: it has a login of its own."""
    return permit_of(snapshot, mailbox) is Permit.ALLOWED and unpolled(snapshot, mailbox) in (None, Idle.NO_CREDENTIAL)


def _may(router: str, profile: ServerProfile | None) -> bool:
    return profile is not None and profile.router in (None, router)
