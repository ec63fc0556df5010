"""Every alert there can be: how bad it is, when it shows, what it means and what to do about it."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Kind:
    """One code. ``shown_after`` is how often in a row it must be observed before anybody is told."""

    level: str
    means: str
    fix: str
    shown_after: int = 1


TRANSIENT = 3  # in a row; the waits between the checks grow meanwhile

FORGERIES = 10  # one is an accident, or a token of another installation

_SERVER = (
    "Nothing is lost: the mailbox is read on from its cursor as soon as its server answers. Check server and network."
)

KINDS: Mapping[str, Kind] = {
    "host_unknown": Kind(
        "error", "No address is known for the mail server.", "Correct the host of the server profile."
    ),
    "unreachable": Kind("error", "There is no way to the mail server.", _SERVER, TRANSIENT),
    "connection_refused": Kind("error", "The mail server refuses connections.", _SERVER, TRANSIENT),
    "connection_lost": Kind("error", "The mail server closes the connection.", _SERVER, TRANSIENT),
    "timed_out": Kind("error", "The mail server does not answer in time.", _SERVER, TRANSIENT),
    "mail_server": Kind("error", "The mail server cannot be used.", _SERVER, TRANSIENT),
    "protocol_error": Kind("error", "The mail server's answers are not IMAP.", "Check host and port.", TRANSIENT),
    "body_missing": Kind(
        "warning",
        "The server lists a mail but does not give its content.",
        "Repair the mailbox on the server.",
        TRANSIENT,
    ),
    "tls_not_offered": Kind("error", "The server offers no STARTTLS.", "Correct TLS or port of the server profile."),
    "tls_failed": Kind(
        "error", "No TLS connection comes about.", "Correct TLS or port of the server profile.", TRANSIENT
    ),
    "certificate_not_trusted": Kind(
        "error", "The server's certificate is not trusted.", "Name its authority in MAILWEAVE_CA_FILE, or renew it."
    ),
    "mechanism_unavailable": Kind(
        "error",
        "Server, profile and credential have no way to log in in common.",
        "Correct auth or tls of the server profile, or give the mailbox another credential.",
    ),
    "login_refused": Kind(
        "error",
        "The server refuses user name and password, or the access token.",
        "Store the new password or consent: mailweave credential set.",
    ),
    "login_unavailable": Kind("error", "The mail server lets nobody log in for now.", _SERVER, TRANSIENT),
    "consent_withdrawn": Kind(
        "error",
        "The consent behind the mailbox's OAuth credential was withdrawn or has expired.",
        "Ask the mailbox's owner for a new consent and store it: mailweave credential set.",
    ),
    "client_refused": Kind(
        "error",
        "The authorisation server does not accept client id, client secret or scope of the credential.",
        "Correct them: mailweave credential set.",
    ),
    "token_endpoint_failed": Kind(
        "error",
        "The authorisation server gives no access token for now.",
        "Nothing is lost: the mailbox is read on as soon as it does. Check token endpoint and network.",
        TRANSIENT,
    ),
    "mailbox_busy": Kind(
        "warning",
        "Another POP3 client has the mailbox open.",
        "End the other client, or have it look less often.",
        TRANSIENT,
    ),
    "uidl_not_offered": Kind(
        "error", "The POP3 server gives mails no unique ids.", "Read the mailbox by IMAP, or change the server."
    ),
    "unforeseen": Kind(
        "error",
        "A check of the mailbox broke for a reason that nobody foresaw.",
        "Nothing is lost: it is tried again. Look into the log of the fetcher, and report what it says.",
    ),
    "no_credential": Kind(
        "error", "The mailbox's credential cannot be read.", "Store it again: mailweave credential set."
    ),
    "folder_unknown": Kind(
        "warning", "A folder that should be read is not there.", "Correct the folders of the mailbox.", 1
    ),
    "not_approved": Kind(
        "error",
        "The mailbox is not read, because its address is not approved.",
        "Approve it: mailweave mailbox approve.",
    ),
    "retries_used_up": Kind(
        "error",
        "Ten checks in a row have failed.",
        "Nothing is lost. See its last error with mailweave mailbox show; when that is mended: mailweave mailbox test.",
    ),
    "sender_refused": Kind(
        "error",
        "The outgoing server does not let the mailbox send under its address.",
        "Let the user send as this address on the server, or correct the user of the mailbox.",
    ),
    "submission_failed": Kind(
        "error",
        "The outgoing server refuses a command of SMTP.",
        "Check outgoingHost and outgoingPort of the server profile, and the server.",
        TRANSIENT,
    ),
    "profile_failing": Kind(
        "error",
        "More than half of the mailboxes of a server profile have come to fail within an hour.",
        "Check the server and the profile: what is wrong is likely to be theirs.",
    ),
    "test_passed": Kind("information", "A test that a person asked for has passed.", "Nothing is to be done."),
    "mail_unparsed": Kind(
        "information",
        "A mail could not be read in full. Its raw mail is kept and its headers were used.",
        "Look at it with mailweave explain; then mailweave alerts resolve.",
    ),
    "ingest_stuck": Kind(
        "error",
        "A file of the ingest directory cannot be taken, or not be deleted. It stays where it is and is tried again.",
        "Look into the mailbox's folder below MAILWEAVE_INGEST; the alert resolves itself when no such file is left.",
    ),
    "router_silent": Kind(
        "error",
        "A router that has mailboxes to read is not heard. Nothing is lost: it goes on where it stopped.",
        "Look at its log (token, way, version) and with mailweave router list; router/any: none at all is heard.",
    ),
    "forward_not_wrapped": Kind(
        "information",
        "A forward mailbox received a mail that is not forwarded as an attachment. It is stored and rejected.",
        "Have the mail server forward as an attachment; then mailweave alerts resolve.",
    ),
    "forward_several": Kind(
        "warning",
        "A forward mailbox received several messages in one mail. Each is decided by itself.",
        "Have the mail server forward each mail by itself; then mailweave alerts resolve.",
    ),
    "token_unshared": Kind(
        "information",
        "A subject has the token of a conversation in which nobody of the mail takes part. The mail is not linked.",
        "Look at it with mailweave explain, link it by hand if it belongs there; then mailweave alerts resolve.",
    ),
    "sender_unverified": Kind(
        "warning",
        "A mail has evidence of a conversation to which its sender does not belong. It is linked and changes nothing.",
        "Look at it with mailweave explain; then mailweave alerts resolve.",
    ),
    "tokens_forged": Kind(
        "warning",
        "Mails carry reply tokens that this installation has not made, or whose key is retired. They match nothing.",
        "Look at the mailbox for whoever tries; after a change of keys see MAILWEAVE_TOKEN_KEYS_FILE.",
        FORGERIES,
    ),
    "likeness_full": Kind(
        "warning",
        "Redis is out of memory: mail goes on, but no later mail is found to be like the mails that come meanwhile.",
        "Give Redis more memory; then delete its key mwl:counts, and the index is filled anew from PostgreSQL.",
    ),
    "dead_letter": Kind(
        "error",
        "A record can never be handled as it is and lies among the dead letters.",
        "Look with mailweave dead list, then dead replay or dead discard.",
    ),
    "stage_stopped": Kind(
        "error",
        "A stage has stopped itself: it rejected too many records in a row.",
        "Find the cause with mailweave dead list, mend it, and start the service again.",
    ),
}
"""By code. A code that is not here is shown as an error without further words."""

UNKNOWN = Kind("error", "Something is wrong.", "Look into the log of the service that raised it.")


def kind_of(code: str) -> Kind:
    """Return what is known of a code."""
    return KINDS.get(code, UNKNOWN)
