"""Passwords that the server makes: the id of what they belong to, and a random part.

The id says which one hash is compared, and the random part has 130 bits, so that a fast keyed hash is enough: nobody
can try all of them.
"""

from __future__ import annotations

import re
from hashlib import blake2b
from hmac import compare_digest
from typing import NamedTuple

SECRET_OCTETS = 17
"""Random octets that a password needs: 130 bits in 26 characters."""
SALT_OCTETS = 16
_SECRET_CHARACTERS = 26
_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"
_FORM = re.compile(rf"([ap][{_ALPHABET}]{{20}})-([{_ALPHABET}]{{{_SECRET_CHARACTERS}}})")
_APP_PASSWORD_ID = re.compile(rf"p[{_ALPHABET}]{{20}}")
_DIGEST_OCTETS = 32
_ALGORITHM = "blake2b"


class GeneratedPassword(NamedTuple):
    """A password that the server made."""

    id: str
    """The id of the app password or of the application, by its first letter."""
    secret: str

    def __repr__(self) -> str:
        return f"GeneratedPassword(id={self.id!r})"

    @property
    def text(self) -> str:
        """The password as it is typed."""
        return f"{self.id}-{self.secret}"


def new_generated(identity: str, random: bytes) -> GeneratedPassword:
    """A new password from `SECRET_OCTETS` random octets."""
    number = int.from_bytes(random[:SECRET_OCTETS], "big")
    characters = [_ALPHABET[(number >> 5 * place) & 31] for place in range(_SECRET_CHARACTERS)]
    return GeneratedPassword(identity, "".join(characters))


def read_generated(text: str) -> GeneratedPassword | None:
    """The password in a text of this form, whatever its case; None for any other text."""
    match = _FORM.fullmatch(text.strip().lower())
    return None if match is None else GeneratedPassword(match[1], match[2])


def hash_of(secret: str, salt: bytes) -> str:
    """The hash to store, keyed by a salt of its own."""
    digest = blake2b(secret.encode(), key=salt, digest_size=_DIGEST_OCTETS)
    return f"{_ALGORITHM}${salt.hex()}${digest.hexdigest()}"


def is_app_password(credential: str) -> bool:
    """Whether a credential in a provenance is an app password."""
    return _APP_PASSWORD_ID.fullmatch(credential) is not None


_NOBODY = hash_of("", bytes(SALT_OCTETS))


def fits(stored: str, secret: str) -> bool:
    """Whether the secret has this hash. An empty `stored` costs the same one hash and never fits."""
    salt = bytes.fromhex((stored or _NOBODY).split("$")[1])
    return compare_digest(hash_of(secret, salt), stored or _NOBODY) and bool(stored)
