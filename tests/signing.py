"""Signs mails as a domain does (RFC 6376), naively and apart from the code that checks them."""

import base64
import hashlib

from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key
from cryptography.hazmat.primitives.hashes import SHA1, SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat


def new_key(bits: int = 1_024) -> RSAPrivateKey:
    return generate_private_key(65_537, bits)


def record(key: RSAPrivateKey, selector: str = "s1", domain: str = "customer.example", tags: str = "v=DKIM1; ") -> str:
    """What an administrator gives for this key."""
    public = key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return f"{selector}._domainkey.{domain} {tags}p={base64.b64encode(public).decode()}"


def sign(raw: bytes, key: RSAPrivateKey, *, fields: str = "from:subject:date", **tags: str) -> bytes:
    """Return a mail with a relaxed/simple signature on top; ``tags`` are added, or replace what they would be."""
    block, _, body = raw.partition(b"\r\n\r\n")
    body = body.rstrip(b"\r\n") + b"\r\n"
    given = {
        "v": "1",
        "a": "rsa-sha256",
        "c": "relaxed/simple",
        "d": "customer.example",
        "s": "s1",
        "h": fields,
        "bh": base64.b64encode(hashlib.sha256(body).digest()).decode(),
        **tags,
    }
    value = " " + "; ".join(f"{name}={text}" for name, text in given.items() if text) + "; b="
    lines: list[tuple[str, str]] = []
    for line in block.decode("latin-1").split("\r\n"):
        name, _, text = line.partition(":")
        lines.append((name.lower(), text.strip()))
    data = ""
    for wanted in fields.split(":"):
        at = max((i for i, (name, _) in enumerate(lines) if name == wanted), default=None)
        if at is not None:
            name, text = lines.pop(at)
            data += f"{name}:{text}\r\n"
    data += f"dkim-signature:{value.strip()}"
    made = key.sign(data.encode("latin-1"), PKCS1v15(), SHA1() if given["a"] == "rsa-sha1" else SHA256())
    return f"DKIM-Signature:{value}{base64.b64encode(made).decode()}\r\n".encode() + raw
