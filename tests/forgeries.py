"""Tokens that nobody made: random ones of the right shape, and good ones with a bit turned over."""

import random
from datetime import datetime
from uuid import UUID

from services.domain import own_token
from services.domain.own_token import Audience, Keys

LETTERS = "abcdefghijklmnopqrstuvwxyz234567"


def forgeries(keys: Keys, *, count: int, seed: int, at: datetime) -> int:
    """Try so many forged tokens, in turn random and with one bit changed; return how many were accepted."""
    chance = random.Random(seed)
    good = _good(keys, chance)
    accepted = 0
    for number in range(count):
        if number % 200 == 0:
            good = _good(keys, chance)
        local = _random(keys, chance) if number % 2 else _flipped(good, chance)
        token = f"{local}@own.example"
        found = own_token.verify(
            keys, [f"a+{local.replace('.', '')}@own.example"], [token], at=at, subject=_in_subject(keys, number, chance)
        )
        accepted += len(found.tokens) + len(found.in_subject)
    return accepted


def _good(keys: Keys, chance: random.Random) -> str:
    ref = own_token.reference(UUID(int=chance.getrandbits(128)))
    audience = chance.choice(list(Audience))
    nonce = chance.randbytes(own_token.ID_NONCE_BYTES)
    return own_token.message_id(keys, ref, nonce=nonce, audience=audience, domain="x").removesuffix("@x")


def _in_subject(keys: Keys, number: int, chance: random.Random) -> str:
    """A subject with a token that is random, or a good one with a bit turned over, or one made for an address."""
    ref, nonce = own_token.reference(UUID(int=chance.getrandbits(128))), chance.randbytes(own_token.ADDRESS_NONCE_BYTES)
    audience = chance.choice(list(Audience))
    if number % 3 == 0:
        letters = "".join(chance.choices(LETTERS, k=43))
        return f"Re: Offer [{own_token.VERSION}{chance.choice(keys.all).kid}{letters}]"
    if number % 3 == 1:
        good = own_token.in_subject(keys, ref, nonce=nonce, audience=audience)
        return f"Re: Offer [{_flipped(good[1:-1], chance)}]"
    address = own_token.reply_address(keys, ref, nonce=nonce, audience=audience, mailbox="a@own.example")
    return f"Re: Offer [{address.partition('+')[2].partition('@')[0]}]"


def _random(keys: Keys, chance: random.Random) -> str:
    parts = ("".join(chance.choices(LETTERS, k=size)) for size in (13, chance.choice((4, 16)), 26))
    return ".".join((own_token.VERSION, chance.choice(keys.all).kid, *parts))


def _flipped(token: str, chance: random.Random) -> str:
    """Turn over one bit that means something: the bit that makes a letter a capital does not."""
    while True:
        at, bit = chance.randrange(len(token)), chance.choice((1, 2, 4, 8, 16, 64))
        turned = chr(ord(token[at]) ^ bit)
        if turned.lower() != token[at]:
            return token[:at] + turned + token[at + 1 :]
