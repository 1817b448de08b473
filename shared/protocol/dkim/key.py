"""Key records: the public keys that selectors name (RFC 6376 §3.6.1, RFC 8463)."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import lru_cache

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

from shared.protocol.dkim.result import HashName
from shared.protocol.dkim.signature import KeyType, Signature, UnacceptableSignature
from shared.protocol.dkim.tags import DkimSyntaxError, decode_base64, items, parse_tags

_MAX_RECORD = 8192
_PADDING = PKCS1v15()
_SHA256 = hashes.SHA256()
_ED25519_BITS = 256


@dataclass(frozen=True, slots=True)
class PublicKey:
    """The key of a usable record."""

    key_type: KeyType
    public: RSAPublicKey | Ed25519PublicKey
    bits: int
    hash_names: tuple[str, ...]
    """h=: acceptable hashes; empty for all."""
    services: tuple[str, ...]
    flags: tuple[str, ...]

    def verifies(self, signature: bytes, data: bytes) -> bool:
        """Whether this is the key's signature over the SHA-256 of the data."""
        try:
            if isinstance(self.public, RSAPublicKey):
                self.public.verify(signature, data, _PADDING, _SHA256)
            else:
                self.public.verify(signature, hashlib.sha256(data).digest())  # RFC 8463 §3
        except (InvalidSignature, ValueError):
            return False
        return True


@lru_cache(maxsize=2048)
def parse_key(record: str) -> PublicKey:
    """The key of a TXT record. Raises DkimSyntaxError, or UnacceptableSignature for a revoked key."""
    if len(record) > _MAX_RECORD:
        raise DkimSyntaxError("the key record is too long")
    tags = parse_tags(record)
    if tags.get("v", "DKIM1") != "DKIM1" or "p" not in tags:
        raise DkimSyntaxError("no DKIM key record")
    if not tags["p"]:
        raise UnacceptableSignature("permerror", "the key is revoked")
    key_type, public, bits = _load(tags.get("k", "rsa").lower(), decode_base64(tags["p"], "p"))
    hash_names = items(tags["h"]) if "h" in tags else ()
    return PublicKey(key_type, public, bits, hash_names, items(tags.get("s", "*")), items(tags.get("t", "")))


def find_key(records: tuple[str, ...]) -> PublicKey:
    """The first usable key among the selector's records (§3.6.2.2 allows one). Raises UnacceptableSignature."""
    reason = "no key record"
    for record in records[:5]:
        try:
            return parse_key(record)
        except DkimSyntaxError as error:
            reason = str(error)
    raise UnacceptableSignature("permerror", reason)


def check_key(key: PublicKey, signature: Signature) -> None:
    """Check that this key may verify the signature (§6.1.2). Raises UnacceptableSignature."""
    check_use(key, signature.key_type, signature.hash_name)
    if "s" in key.flags and signature.identity.rpartition("@")[2] != signature.domain:
        raise UnacceptableSignature("permerror", "the key forbids subdomains in i=")


def check_use(key: PublicKey, key_type: KeyType, hash_name: HashName) -> None:
    """Check that this key may be used for mail, with this algorithm. Raises UnacceptableSignature."""
    if key.key_type != key_type:
        raise UnacceptableSignature("permerror", "the key is of another type")
    if key.hash_names and hash_name not in key.hash_names:
        raise UnacceptableSignature("permerror", "the key forbids this hash")
    if "*" not in key.services and "email" not in key.services:
        raise UnacceptableSignature("permerror", "the key is not for mail")


def _load(key_type: str, octets: bytes) -> tuple[KeyType, RSAPublicKey | Ed25519PublicKey, int]:
    try:
        if key_type == "ed25519":
            return "ed25519", Ed25519PublicKey.from_public_bytes(octets), _ED25519_BITS
        if key_type == "rsa":
            public = serialization.load_der_public_key(octets)  # SubjectPublicKeyInfo, or RSAPublicKey as the RFC says
            if isinstance(public, RSAPublicKey):
                return "rsa", public, public.key_size
    except (ValueError, UnsupportedAlgorithm):
        raise DkimSyntaxError("p= is no public key") from None
    raise DkimSyntaxError("unknown key type")
