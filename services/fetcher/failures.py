"""
What can go wrong with a mail server, in words that a person can act on.

    MailServerError (Retry)
    ├── HostUnknown, Unreachable, ConnectionRefused, ConnectionLost, TimedOut
    ├── TlsNotOffered, TlsFailed, CertificateNotTrusted
    ├── MechanismUnavailable, LoginRefused, LoginUnavailable, MailboxBusy
    ├── ConsentWithdrawn, ClientRefused, TokenEndpointFailed
    ├── FolderUnknown, UidlNotOffered, Unforeseen
    ├── SenderRefused, SubmissionFailed
    └── ProtocolError
          └── BodyMissing

No text holds a password, an address, a subject or anything that was read from a mail.
"""

# ruff: noqa: N818 - each is named for what happened

from services.domain.errors import Retry


class MailServerError(Retry):
    """The mail server could not be used; ``permanent`` when only a person is likely to change that."""

    code = "mail_server"
    permanent = False


class HostUnknown(MailServerError):
    """No address is known for the host name."""

    code = "host_unknown"
    permanent = True


class Unreachable(MailServerError):
    """There is no way to the host."""

    code = "unreachable"


class ConnectionRefused(MailServerError):
    """The host answers, but nothing listens there."""

    code = "connection_refused"


class ConnectionLost(MailServerError):
    """The server closed the connection."""

    code = "connection_lost"


class TimedOut(MailServerError):
    """The server did not answer, or answers so slowly that others would wait for it."""

    code = "timed_out"


class TlsNotOffered(MailServerError):
    """STARTTLS was asked for and the server has none; there is no fall-back to clear text."""

    code = "tls_not_offered"
    permanent = True


class TlsFailed(MailServerError):
    """The TLS handshake failed for another reason than the certificate."""

    code = "tls_failed"


class CertificateNotTrusted(MailServerError):
    """The certificate is not signed by a trusted authority, has expired, or names another host."""

    code = "certificate_not_trusted"
    permanent = True


class MechanismUnavailable(MailServerError):
    """Server, profile and credential have no way to log in in common."""

    code = "mechanism_unavailable"
    permanent = True


class LoginRefused(MailServerError):
    """The server does not accept user name and password, or access token."""

    code = "login_refused"
    permanent = True


class MailboxBusy(MailServerError):
    """POP3 lets one client in at a time, and this is not it."""

    code = "mailbox_busy"


class UidlNotOffered(MailServerError):
    """A POP3 server without unique ids: what was read and what is new cannot be told apart."""

    code = "uidl_not_offered"
    permanent = True


class LoginUnavailable(MailServerError):
    """The server lets nobody log in for now, whatever the credential."""

    code = "login_unavailable"


class ConsentWithdrawn(MailServerError):
    """The authorisation server gives no more access tokens for a refresh token; a person must consent anew."""

    code = "consent_withdrawn"
    permanent = True


class ClientRefused(MailServerError):
    """The authorisation server does not accept client id, client secret or scope."""

    code = "client_refused"
    permanent = True


class TokenEndpointFailed(MailServerError):
    """No access token could be had for now."""

    code = "token_endpoint_failed"


class FolderUnknown(MailServerError):
    """The mailbox has no such folder, or it may not be read; the other folders go on."""

    code = "folder_unknown"
    permanent = True


class Unforeseen(MailServerError):
    """A check of this mailbox broke inside; the others are not to blame for it, and go on."""

    code = "unforeseen"


class SenderRefused(MailServerError):
    """The outgoing server does not take mail from the mailbox's address by this user."""

    code = "sender_refused"
    permanent = True


class SubmissionFailed(MailServerError):
    """The outgoing server refuses a command, for now or for another reason than the sender."""

    code = "submission_failed"


class ProtocolError(MailServerError):
    """The server said something that is not IMAP."""

    code = "protocol_error"


class BodyMissing(ProtocolError):
    """The server lists a mail but does not give its content: the cursor stays before it."""

    code = "body_missing"


def codes() -> frozenset[str]:
    """Return the codes of all of them."""
    found, left = set(), [MailServerError]
    while left:
        kind = left.pop()
        found.add(kind.code)
        left += kind.__subclasses__()
    return frozenset(found)
