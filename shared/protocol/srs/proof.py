"""The proof in a return address that this server wrote it: a keyed hash, and a stamp of the day.

Both have only letters and digits of base 32 (RFC 4648 §6) and are read without case, because relays change the case of
a localpart and large sites refuse `/` and `+` in it.

The hash is HMAC-SHA-256, cut to eight characters. That is 40 bits, and a guess costs one RCPT command: a stranger who
may try a thousand a second, for a year, has a chance of 3 %, and gains one address to which he can send bounces. More
characters are taken from the 64 octets of a localpart (RFC 5321 §4.5.3.1.1): with eight, SRS0 has room for 46 octets of
the original localpart and domain together.

The stamp has two characters, as other implementations of SRS expect, so it repeats after 1,024 days. The hash covers
the number of the day itself, so an address does not become valid again.
"""

from __future__ import annotations

import base64
import hmac
from collections.abc import Sequence
from typing import Final, Literal

import msgspec

from shared.protocol.address.address import quote_localpart

LOCALPART_OCTETS: Final = 64
"""RFC 5321 §4.5.3.1.1: a longer localpart is refused by many servers, whatever we accept ourselves."""
MAX_AGE: Final = 21
"""Days for which a return address is accepted: servers try for up to five days, and people answer later."""
HASH: Final = "[A-Z2-7]{8}"
"""The pattern of a hash, to be used without case and for ASCII only."""
STAMP: Final = "[A-Z2-7]{2}"
"""The pattern of a stamp, to be used in the same way."""

_ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
_HASH_OCTETS = 5
_PERIOD = 1024
_SECRET_OCTETS = 16

Reason = Literal["not_ours", "not_rewritten", "malformed", "forged", "expired"]


class NoReturnAddress(msgspec.Struct, frozen=True):
    """Why an address is not taken as a return address of ours.

    `not_ours`: its domain is another one. `not_rewritten`: it does not look like a return address. Both are plain
    addresses. `malformed`, `forged` and `expired` are to be refused for good (5xx).
    """

    reason: Reason


class LocalpartTooLong(ValueError):
    """The return address would have a localpart of more than 64 octets."""


def write_stamp(day: int) -> str:
    """The stamp of a day; days are counted from 1970-01-01 in UTC."""
    return _ALPHABET[day // 32 % 32] + _ALPHABET[day % 32]


def read_stamp(stamp: str, today: int) -> int:
    """The latest day with this stamp that is not after tomorrow: another server's clock may be ahead.

    The stamp must match STAMP.
    """
    first, second = (_ALPHABET.index(character) for character in stamp.upper())
    return today + 1 - (today + 1 - (32 * first + second)) % _PERIOD


def write_hash(secrets: Sequence[bytes], purpose: str, day: int, *parts: str) -> str:
    """The hash of the parts under the first secret. Raises ValueError without a secret of 16 octets."""
    _check_secrets(secrets)
    return _hash(secrets[0], _covered(purpose, day, parts))


def is_hash(written: str, secrets: Sequence[bytes], purpose: str, day: int, *parts: str) -> bool:
    """Whether this is the hash of the parts under one of the secrets. It is compared without case.

    The time does not depend on how much of the hash is right. Raises ValueError without a secret of 16 octets.
    """
    _check_secrets(secrets)
    covered, text = _covered(purpose, day, parts), written.upper().encode("utf-8")
    matches = [hmac.compare_digest(_hash(secret, covered).encode("ascii"), text) for secret in secrets]
    return any(matches)


def fitting(localpart: str) -> str:
    """The localpart, if a server must take it. Raises LocalpartTooLong for more than 64 octets, quotes included."""
    if len(quote_localpart(localpart).encode("utf-8")) > LOCALPART_OCTETS:
        raise LocalpartTooLong("the return address has a localpart of more than 64 octets")
    return localpart


def _covered(purpose: str, day: int, parts: Sequence[str]) -> bytes:
    """The octets under the hash. NUL separates them, because no address has it."""
    return "\0".join([purpose, str(day), *map(_folded, parts)]).encode("utf-8")


def _folded(text: str) -> str:
    """The text without case. Both forms of the Greek sigma are equal, because lower case depends on the next letter.

    A character that only becomes ASCII by folding (the Kelvin sign) stays, or it could replace the ASCII one.
    """
    if text.isascii():
        return text.lower()
    return "".join(_folded_character(character) for character in text).replace("ς", "σ")


def _folded_character(character: str) -> str:
    lower = character.lower()
    return character if lower.isascii() and not character.isascii() else lower


def _hash(secret: bytes, covered: bytes) -> str:
    return base64.b32encode(hmac.digest(secret, covered, "sha256")[:_HASH_OCTETS]).decode("ascii")


def _check_secrets(secrets: Sequence[bytes]) -> None:
    if not secrets or min(map(len, secrets)) < _SECRET_OCTETS:
        raise ValueError("each secret has 16 octets or more, and there is at least one")
