"""The settings in force, as the resolver's decisions see them. The only place where they are translated."""

from datetime import timedelta

from services.domain.acceptance import Scope
from services.domain.attachments import AttachmentLimits
from services.domain.correlation_rules import Mode, Smart, Switches
from services.domain.directory import PRINCIPALS, RecordRef
from services.domain.facts import Policy
from services.domain.internal import InternalMail
from services.domain.queue_items import QueueItems
from services.domain.signing_keys import key_of
from services.domain.smart_matching import Parameters
from services.resolver.settings import Settings, SmartMatching
from services.settings.permits import forwarding
from services.settings.snapshot import Snapshot
from services.storage.blobs import BlobFolder

MEGABYTE = 1024 * 1024


def settings_of(snapshot: Snapshot, *, hash_key: bytes = b"", blobs: BlobFolder | None = None) -> Settings:
    """Return the policy, the owners of mailboxes and the principals' own filters of one snapshot."""
    o = snapshot.organization
    return Settings(
        policy=Policy(
            version=snapshot.version,
            switches=Switches(
                mode=Mode(o.tracking_mode),
                headers=o.tracking_headers,
                tokens=o.tracking_token_enabled,
                smart=Smart(o.tracking_smart_enabled),
                ignore_forwards=o.tracking_ignore_forwards,
                link_threshold=o.tracking_smart_link_threshold,
                suggest_threshold=o.tracking_smart_suggest_threshold,
            ),
            token_prefixes=(o.tracking_token_prefix, *o.tracking_token_prefix_history),
            trusted_authserv=o.tracking_trusted_authserv,
            dkim_keys={key.name: key for key in map(key_of, o.tracking_dkim_keys)},
            same_organisation=o.tracking_same_organisation,
            scope=Scope(o.filter_scope),
            force_users=o.filter_force_users,
            user_default=o.filter_user_default,
            queue_default=o.filter_queue_default,
            unresolve_on_multiple=o.resolve_unresolve_on_multiple,
            auto_create=o.resolve_auto_create,
            apply_to_all=o.resolve_apply_to_all,
            sender_unresolve_on_multiple=o.resolve_sender_unresolve_on_multiple,
            sender_max_matches=o.resolve_sender_max_matches,
            fold_details=o.resolve_fold_details,
            attachments=AttachmentLimits(max_kb=o.attachments_max_kb, blocked=frozenset(o.attachments_blocked)),
            internal=InternalMail(
                two_activities=o.internal_two_activities,
                detect_opposite=o.internal_detect_opposite,
                keep_to_queues=o.internal_keep_to_queues,
                drop_from_queues=o.internal_drop_from_queues,
            ),
            queue_items=QueueItems(
                per_recipient=o.queue_item_per_recipient,
                for_polling=o.queue_item_for_polling,
                for_already_tracked=o.queue_item_for_already_tracked,
            ),
            folder_wins=o.tracking_folder_wins,
        ),
        mailbox_owners={
            m.address: RecordRef(m.owner.type, m.owner.id) for m in snapshot.mailboxes.values() if m.owner is not None
        },
        forwarding=forwarding(snapshot),
        largest=o.message_max_mb * MEGABYTE,
        blobs=blobs,
        smart=_smart(snapshot, hash_key),
        hash_key=hash_key,
        options={
            ref: p.filter for key, p in snapshot.principals.items() if p.filter is not None for ref in _named(key)
        },
        creating={
            ref: p.auto_create
            for key, p in snapshot.principals.items()
            if p.auto_create is not None
            for ref in _named(key)
        },
        rules={
            f"folder-rule/{name}": RecordRef(rule.regarding.type, rule.regarding.id)
            for name, rule in snapshot.rules.items()
            if rule.regarding is not None
        },
    )


def _named(key: str) -> list[RecordRef]:
    """Return the users and queues that a principal's key names: ``TYPE:ID``, or ``ID`` for either."""
    kind, mark, name = key.partition(":")
    if mark and kind in PRINCIPALS:
        return [RecordRef(kind, name)]
    return [RecordRef(kind, key) for kind in sorted(PRINCIPALS)]


def _smart(snapshot: Snapshot, hash_key: bytes) -> SmartMatching | None:
    """Return the product's smart matching: in the compatible mode mails are indexed even while it is switched off."""
    o = snapshot.organization
    if o.tracking_mode != "compatible":
        return None
    return SmartMatching(
        parameters=Parameters(
            noise=o.tracking_smart_filter_regex,
            max_count=o.tracking_smart_max_count,
            delta_subject=o.tracking_smart_delta_subject,
            min_address=o.tracking_smart_min_address,
            lookback=timedelta(days=o.tracking_smart_lookback_days),
        ),
        acts=o.tracking_smart_enabled != "off",
        hash_key=hash_key,
    )
