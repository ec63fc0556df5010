"""
Checks DKIM signatures over the bytes of a mail (RFC 6376) with keys that are at hand.

Linear in the size of the mail, whatever is in it, and bounded; the mathematics is that of ``cryptography``. The reasons
for an own reader are in ``services/decisions/0011-own-check-of-dkim.md``.
"""

import hashlib
import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_der_public_key

from services.domain.errors import Retry
from services.domain.signatures import (
    GOOD,
    LARGEST,
    MOST_CHECKED,
    MOST_LOOKED_AT,
    UNCHECKED,
    Checked,
    Signature,
    signature_of,
)
from services.domain.signing_keys import LONGEST_RSA, SHORTEST_RSA, Key, Name, Unfit

MOST_FIELDS = 1_000
LONGEST_HEADER = 262_144
_FIELD = re.compile(rb"([!-9;-~]+)[ \t]*:", re.DOTALL)
_BARE = re.compile(rb"(?<!\r)\n")
_BLANKS = re.compile(rb"[ \t]+")
Field = tuple[str, bytes, bytes]
"""A header field: its name in lower case; the name with the colon, and the value, as they stand."""


def usable(key: Key) -> RSAPublicKey | Ed25519PublicKey:
    """Return a key with which signatures can be checked; :class:`Unfit`, for a person, when it is none or too short."""
    try:
        if key.kind == "ed25519":
            return Ed25519PublicKey.from_public_bytes(key.material)
        public = load_der_public_key(key.material)
    except (ValueError, UnsupportedAlgorithm) as error:
        raise Unfit(f"holds no {key.kind} key: copy p= again, whole") from error
    if not isinstance(public, RSAPublicKey):
        raise Unfit("holds a key of another kind than its k= says")
    if not SHORTEST_RSA <= public.key_size <= LONGEST_RSA:
        raise Unfit(f"holds a key of {public.key_size} bits: take one of {SHORTEST_RSA} to {LONGEST_RSA} bits")
    return public


def check_file(path: Path, *, sender: str, at: datetime, keys: Mapping[Name, Key]) -> Checked:
    """Check the mail in a file; see :func:`check`. Says so when there is none."""
    try:
        if path.stat().st_size > LARGEST:
            return Checked(name="mail", why=f"its signatures are not checked: it has more than {LARGEST} bytes")
        raw = path.read_bytes()
    except FileNotFoundError:
        return UNCHECKED
    except OSError as error:
        raise Retry(f"the blob store cannot be read: {error.strerror}") from error
    return check(raw, sender=sender, at=at, keys=keys)


def check(raw: bytes, *, sender: str, at: datetime, keys: Mapping[Name, Key]) -> Checked:
    """
    Return whether a signature by the domain of the address in From is good, or why none is. Never raises.

    What our parser and the signer could read differently is no proof: a malformed header block, a second From.
    """
    if len(raw) > LARGEST:
        return Checked(name="mail", why=f"its signatures are not checked: it has more than {LARGEST} bytes")
    block, _, body = _BARE.sub(b"\r\n", raw).partition(b"\r\n\r\n")
    try:
        fields = _fields(block)
    except Unfit as error:
        return Checked(name="mail", why=f"its signatures are not checked: {error}")
    last = UNCHECKED
    tried = 0
    bodies: dict[bool, bytes] = {}
    for own in [one for one in fields if one[0] == "dkim-signature"][:MOST_LOOKED_AT]:
        try:
            signature = signature_of(own[2], sender=sender, at=at, keys=keys)
            if signature is None:
                continue
            tried += 1
            if tried > MOST_CHECKED:
                break
            if signature.relaxed_body not in bodies:
                bodies[signature.relaxed_body] = _body_sha256(body, relaxed=signature.relaxed_body)
            _verify(signature, keys[signature.name], fields, own, bodies[signature.relaxed_body])
        except Unfit as error:
            last = Checked(name=last.name or "DKIM", why=f"a signature proves nothing: {error}")
        else:
            return Checked(good=True, name=str(signature.name), why=GOOD)
    return last


def _fields(block: bytes) -> list[Field]:
    if block.startswith((b"From ", b">From ")):  # the line of an mbox
        block = block.partition(b"\r\n")[2]
    if len(block) > LONGEST_HEADER:
        raise Unfit(f"its header block has more than {LONGEST_HEADER} bytes")
    fields: list[Field] = []
    lines: list[list[bytes]] = []
    for line in block.removesuffix(b"\r\n").split(b"\r\n"):
        if line[:1] in (b" ", b"\t") and lines:
            lines[-1].append(line)
        else:
            lines.append([line])
    if len(lines) > MOST_FIELDS:
        raise Unfit(f"it has more than {MOST_FIELDS} header fields")
    for parts in lines:
        whole = b"\r\n".join(parts)
        match = _FIELD.match(whole)
        if match is None or b"\0" in whole or re.search(rb"\r(?!\n)", whole):
            raise Unfit("its header block is malformed")
        fields.append((match[1].decode("ascii").lower(), match[0], whole[match.end() :]))
    if sum(name == "from" for name, _, _ in fields) != 1:
        raise Unfit("it has not exactly one From")
    return fields


def _verify(signature: Signature, key: Key, fields: Sequence[Field], own: Field, body_sha256: bytes) -> None:
    if body_sha256 != signature.body_sha256:
        raise Unfit("the body is not the one that was signed")
    covered = [*_chosen(signature, fields), (own[0], own[1], signature.unsigned)]
    data = b"\r\n".join(_canonical(one, relaxed=signature.relaxed_header) for one in covered)
    public = usable(key)
    try:
        if isinstance(public, RSAPublicKey):
            public.verify(signature.value, data, PKCS1v15(), SHA256())
        else:
            public.verify(signature.value, hashlib.sha256(data).digest())
    except InvalidSignature as error:
        raise Unfit("header fields that it covers were changed, or it was made with another key") from error


def _chosen(signature: Signature, fields: Sequence[Field]) -> list[Field]:
    """Return the fields that are signed, of several with one name the last first (section 5.4.2)."""
    left: dict[str, list[Field]] = {}
    for one in fields:
        left.setdefault(one[0], []).append(one)
    return [left[name].pop() for name in signature.fields if left.get(name)]


def _canonical(one: Field, *, relaxed: bool) -> bytes:
    name, head, value = one
    if not relaxed:
        return head + value
    return name.encode("ascii") + b":" + _BLANKS.sub(b" ", value.replace(b"\r\n", b"")).strip(b" ")


def _body_sha256(body: bytes, *, relaxed: bool) -> bytes:
    if relaxed:
        body = _BLANKS.sub(b" ", body).replace(b" \r\n", b"\r\n").removesuffix(b" ")
    text = body.rstrip(b"\r\n")
    ends = body[len(text) :]
    # Empty lines at the end are left out; a bare CR is no line end.
    bare = len(ends) if ends.endswith(b"\r") else ends.rfind(b"\r\r") + 1
    text += ends[:bare]
    if text or not relaxed:
        text += b"\r\n"
    return hashlib.sha256(text).digest()
