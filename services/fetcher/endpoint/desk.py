"""What a router asks and tells of a mailbox, carried out under the rules that the fetcher itself obeys."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from services.domain.decide import KEYWORD
from services.domain.mailbox_state import CHECKED, UNREAD, Failed, LeftOut, Succeeded
from services.fetcher import cursor, deliveries, failures, lifecycle
from services.fetcher.endpoint import claims, forms, refusals
from services.fetcher.endpoint.admission import Admitted
from services.fetcher.endpoint.folder_desk import Answer, fenced
from services.fetcher.handover import Arrival, Content, HeadersOnly
from services.fetcher.lifecycle import Holding
from services.fetcher.polling import Ports
from services.fetcher.spooling import Spooled
from services.fetcher.stored_ledger import StoredLedger
from services.runtime import metrics


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
            with fenced():
                state = lifecycle.begin(ports.database, held, ports.now())
            if state.phase in UNREAD:
                raise refusals.MailboxNotRead
        form = claims.Claimed(
            fence=claimed.fence,
            anew=claimed.phase not in CHECKED,
            terms=of.terms,
            known=claims.KnownForm.of(claimed.folders),
        )
        return form.model_dump(mode="json")

    def take(self, of: Admitted, head: forms.Upload, mails: Sequence[Spooled]) -> Answer:
        """
        Hand mails over and move the cursor; ``mails`` are in the order of the head. What is known is not taken again,
        and another mail at a known place is taken as what it is.

        On return everything is durable.
        """
        _check_rules(of, head)
        given = [_arrival(of.address, form, mail) for form, mail in zip(head.mails, mails, strict=True)]
        ledger = replace(self._ledger(of, head.fence), repeats=True)
        with fenced():
            if head.flagged_in is not None:
                taken = ledger.hand_over_tracked(given, head.flagged_in.position())
            else:
                taken = ledger.hand_over(given, None if head.to is None else head.to.position())
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

    def end(self, of: Admitted, given: forms.End) -> Answer:
        """Note how a check ended, and say in how many seconds the next one is due."""
        ports = self.ports()
        how, code = _how(given)
        held = Holding(mailbox=of.address, fence=given.fence, version=of.snapshot.version)
        with fenced():
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


def _check_rules(of: Admitted, head: forms.Upload) -> None:
    """Refuse mail that says to lie under a rule which the mailbox does not have: its records are for others."""
    own = {f"folder-rule/{name}" for name, rule in of.snapshot.rules.items() if rule.mailbox == of.address}
    if not {mail.tracked_by for mail in head.mails} <= {"", KEYWORD} | own:
        raise refusals.RuleUnknown


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
        tracked_by=form.tracked_by,
    )
