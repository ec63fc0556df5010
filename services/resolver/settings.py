"""The settings as the resolver needs them."""

import sys
from collections.abc import Mapping
from dataclasses import dataclass, field

from services.domain.directory import RecordRef
from services.domain.facts import Policy
from services.domain.smart_matching import Parameters
from services.storage.blobs import BlobFolder


@dataclass(frozen=True, slots=True, kw_only=True)
class SmartMatching:
    """How smart matching works; unless it ``acts``, tracked mails are indexed and nothing is looked up."""

    parameters: Parameters
    acts: bool
    hash_key: bytes = field(default=b"", repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """
    The settings as the resolver needs them; ``options`` and ``creating`` are users' and queues' own, ``rules`` the
    records of folder rules by their key, ``forwarding`` the mailboxes that receive by a forward mailbox. ``smart`` is
    None where the product's smart matching has no place. ``largest`` is the limit for whole mails in bytes; in
    ``blobs`` lie the mails whose signatures are checked.
    """

    policy: Policy
    mailbox_owners: Mapping[str, RecordRef]
    options: Mapping[RecordRef, int]
    creating: Mapping[RecordRef, str] = field(default_factory=dict)
    rules: Mapping[str, RecordRef] = field(default_factory=dict)
    forwarding: frozenset[str] = frozenset()
    hash_key: bytes = field(default=b"", repr=False)
    smart: SmartMatching | None = None
    largest: int = sys.maxsize
    blobs: BlobFolder | None = None
