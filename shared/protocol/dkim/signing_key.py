"""Private keys that sign, their selectors, and the records that publish them (RFC 6376 §3.1, §3.6; RFC 8463 §4).

New keys come from `shared.dkim_keys`, because they need randomness.
"""

from __future__ import annotations

import base64
import hashlib
import re
from dataclasses import dataclass
from typing import Final

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

from shared.protocol.dkim.signature import KeyType

SELECTOR_PREFIX: Final = "mailfold-"
TXT_STRING: Final = 255  # octets of a character-string: RFC 1035 §3.3

_KEY_ID = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,52}[A-Za-z0-9])?")
_PADDING = PKCS1v15()
_SHA256 = hashes.SHA256()
_TO_QUOTE = re.compile(r'(["\\])')


@dataclass(frozen=True, slots=True)
class SigningKey:
    """A private key, and the place of its public key."""

    domain: str
    selector: str
    private: RSAPrivateKey | Ed25519PrivateKey

    @property
    def key_type(self) -> KeyType:
        """The value of k= in its record."""
        return "rsa" if isinstance(self.private, RSAPrivateKey) else "ed25519"

    @property
    def algorithm(self) -> str:
        """The value of a= in its signatures."""
        return f"{self.key_type}-sha256"

    @property
    def record_name(self) -> str:
        """The DNS name of its record (RFC 6376 §3.6.2.1)."""
        return f"{self.selector}._domainkey.{self.domain}"

    def sign(self, data: bytes) -> bytes:
        """The signature over the SHA-256 of the data."""
        if isinstance(self.private, RSAPrivateKey):
            return self.private.sign(data, _PADDING, _SHA256)
        return self.private.sign(hashlib.sha256(data).digest())  # RFC 8463 §3


def selector_of(key_id: str) -> str:
    """The selector of the key with this id: `mailfold-<id>` in lower case.

    Every key has an id of its own, so no two keys share a selector, whatever server, domain or rotation they belong to:
    a name with two key records has an undefined result (RFC 6376 §3.6.2.2). Raises ValueError for an id of more than 54
    characters, or with other characters than letters, digits and inner hyphens.
    """
    if _KEY_ID.fullmatch(key_id) is None:
        raise ValueError("the id of a key has 1 to 54 letters, digits and inner hyphens")
    return SELECTOR_PREFIX + key_id.lower()


def load_signing_key(domain: str, selector: str, pem: bytes) -> SigningKey:
    """A key from unencrypted PKCS#1 or PKCS#8 PEM. Raises ValueError for other data and other kinds of keys.

    Only keys that this server made and sealed are loaded. Their primes are not tested again, because that takes 50 ms
    of the event loop for each key.
    """
    private = serialization.load_pem_private_key(pem, password=None, unsafe_skip_rsa_key_validation=True)
    if not isinstance(private, RSAPrivateKey | Ed25519PrivateKey):
        raise ValueError("neither an RSA nor an Ed25519 key")
    return SigningKey(domain, selector, private)


def public_key_record(key: SigningKey) -> str:
    """The text of the TXT record to publish at `key.record_name`."""
    public = key.private.public_key()
    if isinstance(key.private, RSAPrivateKey):
        octets = public.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    else:
        octets = public.public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)
    return f"v=DKIM1; k={key.key_type}; p={base64.b64encode(octets).decode('ascii')}"


def record_strings(record: str) -> tuple[str, ...]:
    """The character-strings of a record, each of at most 255 octets (RFC 1035 §3.3).

    A reader joins them without a separator (RFC 6376 §3.6.2.2). The record is ASCII.
    """
    return tuple(record[at : at + TXT_STRING] for at in range(0, len(record), TXT_STRING)) or ("",)


def zone_text(record: str) -> str:
    """The record as the data of a TXT record in a zone file: quoted strings, separated by spaces (RFC 1035 §5.1)."""
    return " ".join('"' + _TO_QUOTE.sub(r"\\\1", string) + '"' for string in record_strings(record))
