"""What a router asks and tells of a mailbox, carried out under the rules that the fetcher itself obeys."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace

from services.domain.decide import KEYWORD
from services.domain.mailbox_state import CHECKED, UNREAD, Failed, LeftOut, Succeeded
from services.domain.start_date import start_of
from services.fetcher import cursor, deliveries, failures, lifecycle
from services.fetcher.cursor import FenceLost
from services.fetcher.endpoint import folder_forms, forms, refusals
from services.fetcher.endpoint.admission import Admitted
from services.fetcher.handover import Arrival, Content, HeadersOnly
from services.fetcher.ledger import StoredLedger
from services.fetcher.lifecycle import Holding
from services.fetcher.polling import Ports
from services.fetcher.spooling import Spooled
from services.runtime import metrics

Answer = Mapping[str, object]


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """
    Carries requests out, each in whatever thread calls it; raises :class:`refusals.Refusal`, or ``Retry`` of a store.

    ``produced`` is told how many deliveries were new.
    """

    ports: Callable[[], Ports]
    produced: Callable[[int], None]
    chance: Callable[[], float]

    def claim(self, of: Admitted, _: forms.Nothing) -> Answer:
        """Take the mailbox over for a check."""
        ports = self.ports()
        claimed = cursor.claim(ports.database, of.address)
        with ports.database.transaction() as connection:
            connection.execute("UPDATE fetcher.mailbox SET router = %s WHERE mailbox = %s", (of.router, of.address))
        held = Holding(mailbox=of.address, fence=claimed.fence, version=of.snapshot.version)
        if claimed.phase not in CHECKED:
            with _fenced():
                state = lifecycle.begin(ports.database, held, ports.now())
            if state.phase in UNREAD:
                raise refusals.MailboxNotRead
        form = forms.Claimed(
            fence=claimed.fence,
            anew=claimed.phase not in CHECKED,
            limit=of.limit,
            received_after=start_of(of.profile.received_after, of.mailbox.received_after),
            delete=of.mailbox.process_and_delete,
        )
        return form.model_dump(mode="json")

    def position(self, of: Admitted, given: forms.Folder) -> Answer:
        """Return the cursor of a folder."""
        found = cursor.position(self.ports().database, of.address, given.folder_id)
        return {"position": None if found is None else forms.PositionForm.of(found).model_dump(mode="json")}

    def opened(self, of: Admitted, given: folder_forms.Opened) -> Answer:
        """Say where to read on in a folder that was opened."""
        with _fenced():
            at = self._ledger(of, given.fence).opened(given.start(), given.names)
        return {"position": forms.PositionForm.of(at).model_dump(mode="json")}

    def recognise(self, of: Admitted, given: folder_forms.Recognise) -> Answer:
        """Say which mails are known from before, and of which the Message-ID must be told."""
        seen = [one.seen() for one in given.seen]
        named = {one.uid: one.message_id for one in given.named}
        with _fenced():
            found = self._ledger(of, given.fence).recognise(given.at.position(), seen, named)
        return {"known": sorted(found.known), "doubtful": sorted(found.doubtful)}

    def advance(self, of: Admitted, given: forms.Advance) -> Answer:
        """Move a cursor over what holds no mail."""
        with _fenced():
            self._ledger(of, given.fence).advance(given.to.position())
        return {}

    def take(self, of: Admitted, head: forms.Upload, mails: Sequence[Spooled]) -> Answer:
        """
        Hand mails over and move the cursor; ``mails`` are in the order of the head. What is known is not taken again,
        and another mail at a known place is taken as what it is.

        On return everything is durable.
        """
        given = [_arrival(of.address, form, mail) for form, mail in zip(head.mails, mails, strict=True)]
        to = None if head.to is None else head.to.position()
        with _fenced():
            taken = replace(self._ledger(of, head.fence), repeats=True).hand_over(given, to)
        metrics.ROUTED.labels("taken").inc(taken)
        metrics.ROUTED.labels("known").inc(len(given) - taken)
        self.produced(taken)
        return {"taken": taken, "known": len(given) - taken}

    def pass_over(self, of: Admitted, given: forms.PassOver) -> Answer:
        """Note mails that are not taken."""
        deliveries.pass_over(self.ports().database, [mail.passed(of.address) for mail in given.mails])
        return {}

    def handled(self, of: Admitted, given: forms.Asked) -> Answer:
        """Say which deliveries are taken or passed over already; those of another mailbox are unknown here."""
        found = deliveries.handled(self.ports().database, given.ids, [of.address])
        return {"ids": [str(id_) for id_ in found]}

    def stored(self, of: Admitted, given: forms.Asked) -> Answer:
        """Say which raw mails are stored, by their SHA-256; those of another mailbox are unknown here."""
        found = deliveries.stored(self.ports().database, of.address, given.ids)
        return {"sha256": {str(id_): sha256 for id_, sha256 in found.items()}}

    def folder(self, of: Admitted, given: forms.FolderState) -> Answer:
        """Note that a folder could not be read, or can be again."""
        ledger = self._ledger(of, given.fence)
        with _fenced():
            if given.error is None:
                ledger.folder_mended(given.folder)
            else:
                ledger.folder_failed(given.folder, given.error)
        return {}

    def end(self, of: Admitted, given: forms.End) -> Answer:
        """Note how a check ended, and say in how many seconds the next one is due."""
        ports = self.ports()
        how, code = _how(given)
        held = Holding(mailbox=of.address, fence=given.fence, version=of.snapshot.version)
        with _fenced():
            delay = lifecycle.end(
                ports.database,
                held,
                how,
                ports.now(),
                poll_seconds=given.interval,
                more=given.more,
                whole=given.whole,
                chance=self.chance(),
            )
        metrics.MAILBOX_CHECKS.labels(code or "ok").inc()
        return {"delay": delay.total_seconds()}

    def _ledger(self, of: Admitted, fence: int) -> StoredLedger:
        return self.ports().ledger(of.address, fence)


def _how(given: forms.End) -> tuple[Succeeded | Failed, str]:
    if not given.code:
        told = (LeftOut(one.code, one.detail) for one in given.left_out)
        return Succeeded(tuple(one for one in told if one.code in failures.codes())), ""
    code = given.code if given.code in failures.codes() else failures.MailServerError.code
    return Failed(code=code, detail=given.detail, permanent=given.permanent, progressed=given.progressed), code


def _arrival(mailbox: str, form: forms.MailForm, mail: Spooled) -> Arrival:
    what = HeadersOnly(mail.content.raw) if form.headers_only and isinstance(mail.content, Content) else mail.content
    return Arrival(
        id=form.delivery_id(mailbox),
        source=form.source,
        mailbox=mailbox,
        folder_id=form.folder_id,
        folder=form.folder,
        folder_role=form.folder_role,
        uidvalidity=form.uidvalidity,
        uid=form.uid,
        internal_date=form.internal_date,
        size=form.size,
        content=what,
        uidl=form.uidl,
        tracked_by=KEYWORD if form.flagged else "",
    )


@contextmanager
def _fenced() -> Iterator[None]:
    try:
        yield
    except FenceLost as error:
        raise refusals.Outrun(str(error)) from error
