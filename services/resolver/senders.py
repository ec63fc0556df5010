"""The sender gate of one mail: what it is asked with, from the state around the mail."""

from collections.abc import Callable, Mapping, Sequence
from functools import cache

from services.domain.addresses import domain_of, normalise
from services.domain.authentication import Authentication, authenticated
from services.domain.correlation import Pointer, Target
from services.domain.evidence import POINTS_AT_IDS
from services.domain.facts import Facts, principals_at
from services.domain.identity import Direction
from services.domain.message import Message
from services.domain.sender_gate import Admitted, Sender, verdict
from services.domain.sender_verdict import SenderVerdict
from services.domain.signatures import UNCHECKED, Checked, proven
from services.domain.signing_keys import Key, Name
from services.mime.signatures import check_file
from services.resolver.arrivals import Delivered
from services.storage.blobs import BlobFolder


def gate(facts: Facts) -> Callable[[Target], SenderVerdict]:
    """Return the gate for the sender of a mail. Nothing is looked up before it is asked."""
    address = normalise(facts.message.from_[0].address) if facts.message.from_ else ""

    def judge(target: Target) -> SenderVerdict:
        if facts.direction == Direction.OUTGOING:
            return SenderVerdict.PLAUSIBLE  # it lies in Sent: one of us has logged in and sent it
        policy = facts.policy
        said = authenticated(address, facts.message.headers, policy.trusted_authserv)
        admitted = Admitted(
            participants=target.admits | _above(target, facts, address),
            parties=_parties(target, facts, address),
            own=_own(target, facts) if policy.same_organisation else (),
        )
        internal = bool(principals_at(facts, address))

        def of(authentication: Authentication) -> SenderVerdict:
            sender = Sender(address, authentication, internal)
            return verdict(sender, admitted, same_organisation=policy.same_organisation)

        first = of(said)
        # The mail is read for its signatures only where they make a difference.
        return of(proven(said, facts.signed())) if first == SenderVerdict.STRANGER else first

    return judge


def signed(
    delivered: Delivered, message: Message, keys: Mapping[Name, Key], blobs: BlobFolder | None
) -> Callable[[], Checked]:
    """Return what looks the signatures of a mail up, once; what has no single From proves nobody."""

    @cache
    def look() -> Checked:
        if not keys or blobs is None or not delivered.blob_sha256 or len(message.from_) != 1:
            return UNCHECKED
        return check_file(
            blobs.path(delivered.blob_sha256.hex()),
            sender=normalise(message.from_[0].address),
            at=delivered.internal_date,
            keys=keys,
        )

    return look


def _own(target: Target, facts: Facts) -> frozenset[str]:
    ours = {domain_of(one) for one in (facts.mailbox, *facts.mailbox_owners)}
    return frozenset(one for one in target.participants if domain_of(one) in ours)


def _above(target: Target, facts: Facts, address: str) -> frozenset[str]:
    """
    Return the sender where it takes part in a mail that the target goes back to and that this mail names too.

    A mail that only says itself that it belongs there brings nobody in, nor does an id that several mails have.
    """
    if address in target.admits:
        return frozenset()
    others = (pointer.targets[0] for pointer in _headers(facts.pointers) if len(pointer.targets) == 1)
    found = any(address in one.admits and facts.around.above(one, target) for one in others)
    return frozenset({address}) if found else frozenset()


def _headers(pointers: Sequence[Pointer]) -> list[Pointer]:
    return [one for one in pointers if one.kind in POINTS_AT_IDS and not one.cyclic]


def _parties(target: Target, facts: Facts, address: str) -> frozenset[str]:
    """Return the sender where it is an address of a record under which the target is filed."""
    records = {regarding.record for activity in target.activities for regarding in activity.regardings}
    known = {record.ref for record in facts.records_at(address)}
    return frozenset({address}) if records & known else frozenset()
