"""One sealed value: AES-256-GCM under a named key, bound to what it belongs to (NIST SP 800-38D).

A sealed value is the text `aesgcm1:<key id>:<base64 of nonce and ciphertext>`. What the value belongs to is its
associated data, so that a sealed value which was copied to another record cannot be opened there.
"""

from __future__ import annotations

import base64
import binascii
import re
from hashlib import blake2b

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from shared.eventstore.event import HIDDEN
from shared.secrets import SecretDamaged

KEY_OCTETS = 32
NONCE_OCTETS = 12
LONGEST_SEALED = 64 * 1024
"""Characters of a sealed value; longer ones are not decoded."""
_SEALED = re.compile(r"aesgcm1:([0-9a-f]{8}):([A-Za-z0-9+/]+={0,2})")


class SecretValue:
    """A value in clear. Its `repr` and `str` are masked; `reveal` is the only way to the octets."""

    __slots__ = ("_octets",)

    def __init__(self, octets: bytes) -> None:
        self._octets = octets

    def reveal(self) -> bytes:
        """The octets."""
        return self._octets

    def __repr__(self) -> str:
        return HIDDEN


class SecretKey:
    """A key of 32 octets. Its id is computed from it, so that a file of keys cannot name one wrongly."""

    __slots__ = ("_cipher", "_octets", "id")

    def __init__(self, octets: bytes) -> None:
        """Raises ValueError when the key has another length."""
        if len(octets) != KEY_OCTETS:
            raise ValueError(f"a key has {KEY_OCTETS} octets, not {len(octets)}")
        self.id = blake2b(octets, digest_size=4, person=b"mailfold-key-id").hexdigest()
        self._octets = octets
        self._cipher = AESGCM(octets)

    def seal(self, value: bytes, belongs_to: str, nonce: bytes) -> str:
        """The sealed value. A nonce of 12 random octets must never be used twice."""
        encrypted = nonce + self._cipher.encrypt(nonce, value, belongs_to.encode())
        return f"aesgcm1:{self.id}:{base64.b64encode(encrypted).decode('ascii')}"

    def open(self, sealed: str, belongs_to: str) -> SecretValue:
        """The value in clear. Raises SecretDamaged."""
        encrypted = _encrypted(sealed)
        nonce, ciphertext = encrypted[:NONCE_OCTETS], encrypted[NONCE_OCTETS:]
        try:
            return SecretValue(self._cipher.decrypt(nonce, ciphertext, belongs_to.encode()))
        except (InvalidTag, ValueError):
            raise SecretDamaged(f"the secret of {belongs_to} is damaged or belongs to something else") from None

    def text(self) -> str:
        """The key in the form of a line of the key file."""
        return base64.b64encode(self._octets).decode("ascii")

    def __repr__(self) -> str:
        return f"SecretKey({self.id})"


def key_id_of(sealed: str) -> str:
    """The id of the key that sealed a value. Raises SecretDamaged when the text is no sealed value."""
    match = _SEALED.fullmatch(sealed) if len(sealed) <= LONGEST_SEALED else None
    if match is None:
        raise SecretDamaged("a stored secret is not in the form of a sealed value")
    return match[1]


def read_key(text: str) -> SecretKey:
    """A key from base64 or hexadecimal text. Raises ValueError, without the text."""
    try:
        octets = bytes.fromhex(text) if len(text) == 2 * KEY_OCTETS else base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise ValueError("it is neither base64 nor hexadecimal") from None
    return SecretKey(octets)


def _encrypted(sealed: str) -> bytes:
    key_id_of(sealed)
    try:
        return base64.b64decode(sealed.rpartition(":")[2], validate=True)
    except binascii.Error:
        raise SecretDamaged("a stored secret is not in the form of a sealed value") from None
