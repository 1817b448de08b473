"""Signs a message: relaxed/relaxed, RSA-SHA256 or Ed25519-SHA256 (RFC 6376 §5, RFC 8463)."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

from shared.protocol.dkim.body import BodyHasher, BodyNeed
from shared.protocol.dkim.canonical import HeaderFields, signing_input

BODY_NEED = BodyNeed("relaxed", "sha256")
"""The body hash that `sign` needs."""

SIGNED_NAMES: tuple[bytes, ...] = (
    b"from",
    b"sender",
    b"reply-to",
    b"to",
    b"cc",
    b"subject",
    b"date",
    b"message-id",
    b"in-reply-to",
    b"references",
    b"mime-version",
    b"content-type",
    b"content-transfer-encoding",
    b"content-id",
    b"content-description",
    b"resent-date",
    b"resent-from",
    b"resent-sender",
    b"resent-to",
    b"resent-cc",
    b"resent-message-id",
    b"list-id",
    b"list-help",
    b"list-unsubscribe",
    b"list-unsubscribe-post",
    b"list-subscribe",
    b"list-post",
    b"list-owner",
    b"list-archive",
    b"auto-submitted",
)
"""Fields that are signed wherever they occur (RFC 6376 §5.4.1)."""

OVERSIGNED_NAMES: tuple[bytes, ...] = (b"from", b"to", b"cc", b"subject", b"date", b"message-id", b"reply-to")
"""Fields that are signed once more than they occur, so that none can be added (§8.15)."""

_PADDING = PKCS1v15()
_SHA256 = hashes.SHA256()
_LINE = 72
_NAME_GROUP = re.compile(r"(?:[^:;]+(?::|;\Z)){1,4}")


@dataclass(frozen=True, slots=True)
class SigningKey:
    """A private key, and the place of its public key."""

    domain: str
    selector: str
    private: RSAPrivateKey | Ed25519PrivateKey

    @property
    def algorithm(self) -> str:
        """The value of a= in its signatures."""
        return "rsa-sha256" if isinstance(self.private, RSAPrivateKey) else "ed25519-sha256"

    def sign(self, data: bytes) -> bytes:
        """The signature over the SHA-256 of the data."""
        if isinstance(self.private, RSAPrivateKey):
            return self.private.sign(data, _PADDING, _SHA256)
        return self.private.sign(hashlib.sha256(data).digest())


def load_signing_key(domain: str, selector: str, pem: bytes) -> SigningKey:
    """A key from unencrypted PKCS#1 or PKCS#8 PEM. Raises ValueError for other data and other kinds of keys."""
    private = serialization.load_pem_private_key(pem, password=None)
    if not isinstance(private, RSAPrivateKey | Ed25519PrivateKey):
        raise ValueError("neither an RSA nor an Ed25519 key")
    return SigningKey(domain, selector, private)


def public_key_record(key: SigningKey) -> str:
    """The TXT record to publish at `<selector>._domainkey.<domain>`."""
    public = key.private.public_key()
    if isinstance(key.private, RSAPrivateKey):
        octets = public.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
        return f"v=DKIM1; k=rsa; p={base64.b64encode(octets).decode('ascii')}"
    octets = public.public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)
    return f"v=DKIM1; k=ed25519; p={base64.b64encode(octets).decode('ascii')}"


def hash_body(chunks: Iterable[bytes]) -> bytes:
    """The relaxed SHA-256 hash of a body, for `Signer.sign`."""
    hasher = BodyHasher((BODY_NEED,))
    for chunk in chunks:
        hasher.feed(chunk)
    return hasher.finish()[BODY_NEED].digest


def sign(header_block: bytes, body_hash: bytes, key: SigningKey, now: int, identity: str = "") -> bytes:
    """The DKIM-Signature field with CRLF, to be put in front of the header.

    `header_block` has CRLF line ends; `now` is UTC microseconds; `identity` (i=) is an address within the key's domain.
    """
    header = HeaderFields(header_block)
    names = _names(header)
    words = [
        "v=1;",
        f"a={key.algorithm};",
        "c=relaxed/relaxed;",
        f"d={key.domain};",
        f"s={key.selector};",
        *([f"i={identity};"] if identity else ()),
        f"t={now // 1_000_000};",
        *_name_words(names),
        f"bh={_base64(body_hash)};",
    ]
    unsigned = _folded(words) + b"\r\n b="
    signature = key.sign(signing_input(header.select(names), unsigned, "relaxed"))
    return unsigned + _wrapped(_base64(signature)) + b"\r\n"


def _names(header: HeaderFields) -> list[bytes]:
    present = [name for name in SIGNED_NAMES for _ in header.named(name)]
    return present + list(OVERSIGNED_NAMES)


def _base64(octets: bytes) -> str:
    return base64.b64encode(octets).decode("ascii")


def _name_words(names: list[bytes]) -> list[str]:
    """h= in pieces that may be on lines of their own, because white space is allowed after a colon."""
    text = b":".join(names).decode("ascii")
    return [group[0] for group in _NAME_GROUP.finditer(f"h={text};")]


def _folded(words: Iterable[str]) -> bytes:
    lines, line = [], "DKIM-Signature:"
    for word in words:
        if len(line) + 1 + len(word) > _LINE:
            lines.append(line)
            line = ""
        line += " " + word
    return "\r\n".join([*lines, line]).encode("utf-8")


def _wrapped(value: str) -> bytes:
    return "\r\n\t".join(value[at : at + _LINE] for at in range(0, len(value), _LINE)).encode("ascii")
