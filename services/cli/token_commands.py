"""``mailweave token``: what makes an answer find its way back, for programs that send mail themselves."""

import secrets
from contextlib import closing
from uuid import UUID

import click

from services.cli import session
from services.cli.output import emit, json_option, printable
from services.domain import own_token, tracking_token
from services.domain.addresses import domain_of, normalise
from services.domain.directory import QUEUE, USER, RecordRef
from services.domain.errors import Refused
from services.domain.own_token import Audience, Keys
from services.domain.tracking_token import Layout
from services.settings import publisher
from services.settings.organization import Organization
from services.storage import tracking_tokens
from services.storage.postgres import Database
from services.storage.reports.anchors import Anchor, anchor


@click.group("token")
def token_commands() -> None:
    """Tokens by which answers to mail are recognised."""


@token_commands.command("next")
@click.option("--user", metavar="ID", help="The user whose mail it is.")
@click.option("--queue", metavar="ID", help="The queue whose mail it is; its owner's counter is used.")
@click.option("--subject", required=True, help="The subject of the mail.")
@json_option
def next_command(*, user: str | None, queue: str | None, subject: str, as_json: bool) -> None:
    """Draw the next tracking token and print it with the subject to send; nobody else gets it."""
    if (user is None) == (queue is None):
        raise Refused("say whose mail it is: either --user ID or --queue ID.")
    principal = RecordRef(USER, user) if user is not None else RecordRef(QUEUE, queue or "")
    config = session.config()
    settings = publisher.current(config.postgres).organization
    if not settings.tracking_token_enabled:
        raise Refused(
            "tracking tokens are switched off: mailweave settings set organization tracking.token.enabled=true"
        )
    with closing(Database(config.postgres, "resolver")) as database, database.transaction() as connection:
        made = tracking_tokens.draw(connection, principal, _layout(settings))
    if made.widened:
        click.echo(
            f"mailweave: the number of {principal.type} {principal.id} needs more digits than "
            "tracking.token.userDigits says, so the token is longer: raise the setting.",
            err=True,
        )
    whole = tracking_token.with_token(subject, made.text, longest=settings.tracking_subject_max_length)
    if as_json:
        emit({"token": made.text, "subject": whole})
        return
    click.echo(f"Token: {made.text}")
    click.echo(f"Subject: {printable(whole)}")


def _layout(settings: Organization) -> Layout:
    return Layout(
        prefix=settings.tracking_token_prefix,
        base=settings.tracking_token_base,
        user_digits=settings.tracking_token_user_digits,
        counter_digits=settings.tracking_token_counter_digits,
    )


@token_commands.command("mint")
@click.option(
    "--activity", metavar="ID", type=click.UUID, required=True, help="The activity that the mail goes on with."
)
@click.option(
    "--mailbox", metavar="ADDRESS", help="Where answers go; by default the mailbox in which the activity lies."
)
@click.option(
    "--audience",
    type=click.Choice([one.value for one in Audience]),
    default=Audience.EXTERNAL.value,
    show_default=True,
    help="Who gets it.",
)
@click.option("--subject", help="The subject of the mail, to which a token is added (tracking.token.ownInSubject).")
@json_option
def mint_command(*, activity: UUID, mailbox: str | None, audience: str, subject: str | None, as_json: bool) -> None:
    """
    Print a Message-ID and a Reply-To that tie the answers to an activity, whatever becomes of other headers.

    With the setting tracking.token.ownInSubject a token for the subject, too.

    A mail program that sends them needs a new pair for each mail. Whoever has them can answer in the conversation,
    which proves nothing about who that is.
    """
    config = session.config()
    settings = publisher.current(config.postgres).organization
    if subject is not None and not settings.tracking_token_own_in_subject:
        raise Refused(
            "tokens of our own in the subject are switched off: "
            "mailweave settings set organization tracking.token.ownInSubject=true"
        )
    with session.reading(config) as connection:
        found = anchor(connection, activity)
    if found is None:
        raise Refused(f"there is no activity {activity}. `mailweave activities --json` lists them.")
    address = _address(found, mailbox)
    ref, keys, whose = own_token.reference(found.id_key), config.token_keys, Audience(audience)
    try:
        message_id = own_token.message_id(
            keys, ref, nonce=secrets.token_bytes(own_token.ID_NONCE_BYTES), audience=whose, domain=domain_of(address)
        )
    except ValueError as error:
        raise Refused(f"{error}: give --mailbox with another domain.") from None
    try:
        reply_to = own_token.reply_address(
            keys, ref, nonce=secrets.token_bytes(own_token.ADDRESS_NONCE_BYTES), audience=whose, mailbox=address
        )
    except ValueError as error:
        reply_to = None
        click.echo(f"mailweave: no Reply-To: {error}. The Message-ID alone will do where headers are kept.", err=True)
    more = _for_subject(keys, ref, whose, subject, settings) if settings.tracking_token_own_in_subject else {}
    if as_json:
        emit({"message_id": f"<{message_id}>", "reply_to": reply_to, **more})
        return
    click.echo(f"Message-ID: <{message_id}>")
    if reply_to is not None:
        click.echo(f"Reply-To: {reply_to}")
    for name, text in more.items():
        click.echo(f"{_SAID[name]}: {printable(text)}")


_SAID = {"subject_token": "Token for the subject", "subject": "Subject"}


def _for_subject(
    keys: Keys, ref: str, audience: Audience, subject: str | None, settings: Organization
) -> dict[str, str]:
    """Return a token for the subject, and the whole subject where one is given; an older token in it goes."""
    nonce = secrets.token_bytes(own_token.ADDRESS_NONCE_BYTES)
    token = own_token.in_subject(keys, ref, nonce=nonce, audience=audience)
    if subject is None:
        return {"subject_token": token}
    longest = settings.tracking_subject_max_length
    return {
        "subject_token": token,
        "subject": tracking_token.with_token(own_token.without(subject), token, longest=longest),
    }


def _address(found: Anchor, given: str | None) -> str:
    address = normalise(given if given is not None else found.mailbox)
    if not domain_of(address):
        raise Refused(f"--mailbox {given!r} is no e-mail address.")
    return address
