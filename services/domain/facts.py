"""Everything that a decision about a delivery may look at, and whom an address reaches."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from services.domain.acceptance import (
    Scope,
)
from services.domain.addresses import without_detail
from services.domain.attachments import AttachmentLimits
from services.domain.correlation import Pointer, Target
from services.domain.correlation_rules import Switches
from services.domain.directory import PRINCIPALS, USER, Directory, Record, RecordRef
from services.domain.forwarding import Attribution
from services.domain.identity import Direction
from services.domain.internal import InternalMail
from services.domain.linking import plausible
from services.domain.message import Message
from services.domain.queue_items import QueueItems
from services.domain.sender_verdict import SenderVerdict
from services.domain.signatures import UNCHECKED, Checked
from services.domain.signing_keys import Key, Name
from services.domain.spoken import NO_WORDS, Words
from services.domain.surroundings import NOTHING, Surroundings


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """The settings that decisions look at, and their version."""

    version: int
    switches: Switches = field(default_factory=Switches)
    token_prefixes: tuple[str, ...] = ()
    trusted_authserv: tuple[str, ...] = ()
    dkim_keys: Mapping[Name, Key] = field(default_factory=dict)
    same_organisation: bool = False
    scope: Scope = Scope.ALL_RECIPIENTS
    force_users: int = -1
    user_default: int = 1
    queue_default: int = 0
    unresolve_on_multiple: bool = False
    apply_to_all: bool = True
    auto_create: str = "none"
    sender_unresolve_on_multiple: bool = False
    sender_max_matches: int = 100
    fold_details: bool = False
    attachments: AttachmentLimits = field(default_factory=AttachmentLimits)
    internal: InternalMail = field(default_factory=InternalMail)
    queue_items: QueueItems = field(default_factory=QueueItems)
    folder_wins: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """
    Everything a decision may look at.

    ``mailbox_owners`` names the user or queue behind each mailbox that the settings give an owner;
    ``options`` are the principals' own filters; ``records`` the directory records that owners refer to;
    ``duplicate`` is true when the same message lies in the same folder under another delivery that was
    decided before. ``tracked_by`` is the folder rule or the keyword that makes it tracked whatever filters say, or
    empty; ``folder_record`` the record of the rule. ``mailbox`` is the one that received it: with an ``attribution``,
    the one it was forwarded for. ``opposite`` says whether the same message is filed as outgoing. ``words`` are what
    people say of its addresses: they name parties, and no filter asks for them. ``aliases`` are the other addresses of
    users and queues that people have confirmed: they name whom a mail is for, and no party.
    ``sender`` is the sender gate, ``around`` what is looked up when it matters, ``signed`` what our own check of the
    mail's signatures has found.
    """

    message: Message
    direction: Direction
    mailbox: str
    duplicate: bool
    pointers: tuple[Pointer, ...]
    directory: Directory
    records: Mapping[RecordRef, Record]
    mailbox_owners: Mapping[str, RecordRef]
    options: Mapping[RecordRef, int]
    policy: Policy
    tracked_by: str = ""
    folder_record: RecordRef | None = None
    attribution: Attribution | None = None
    opposite: bool = False
    words: Words = NO_WORDS
    aliases: Mapping[str, RecordRef] = field(default_factory=dict)
    sender: Callable[[Target], SenderVerdict] = plausible
    around: Surroundings = NOTHING
    signed: Callable[[], Checked] = lambda: UNCHECKED

    def records_at(self, address: str) -> tuple[Record, ...]:
        """Return the records of a normalised address; see :meth:`_looked_up`."""
        return self.directory.get(self._looked_up(address), ())

    def owner_of(self, address: str) -> RecordRef | None:
        """Return who owns the mailbox of a normalised address; see :meth:`_looked_up`."""
        return self.mailbox_owners.get(self._looked_up(address))

    def alias_of(self, address: str) -> RecordRef | None:
        """
        Return whose other address a normalised one is; see :meth:`_looked_up`.

        Nobody's, once another user or queue has it: who that is the directory says, and the mailboxes.
        """
        if not self.aliases or self.owner_of(address) is not None:
            return None
        if any(record.active and record.ref.type in PRINCIPALS for record in self.records_at(address)):
            return None
        return self.aliases.get(self._looked_up(address))

    def _looked_up(self, address: str) -> str:
        """Where details are folded, ``ada+news@…`` is ``ada@…``, unless somebody has exactly that address."""
        if not self.policy.fold_details or any(
            address in known for known in (self.directory, self.mailbox_owners, self.aliases)
        ):
            return address
        return without_detail(address)


def principals_at(facts: Facts, address: str) -> tuple[RecordRef, ...]:
    """
    Return the users and queues behind an address: the owner of that mailbox, the directory's own, and whose other
    address it is.

    This looks at mailbox addresses, never at how parties are shown, so an address that a user shares with a
    contact still reaches the user (domain rule 4.3). Disabled ones are left out.
    """
    found = dict.fromkeys(r.ref for r in facts.records_at(address) if r.active and r.ref.type in PRINCIPALS)
    for named in (facts.owner_of(address), facts.alias_of(address)):
        if named is not None:
            record = facts.records.get(named)
            if record is None or record.active:
                found[named] = None
    return tuple(sorted(found, key=lambda ref: (ref.type != USER, ref.id)))
