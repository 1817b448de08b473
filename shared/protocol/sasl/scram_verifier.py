"""What a server keeps of a password for SCRAM-SHA-256 (RFC 5802 §3): enough to check a proof, and not to make one."""

from __future__ import annotations

import hashlib
import hmac
from typing import Final

import msgspec

from shared.protocol.sasl.mechanism import prepare_password

HASH: Final = "sha256"
DEFAULT_ITERATIONS: Final = 10_000
"""More than RFC 7677 §4 demands (4096), because one log-in computes them once, at the client."""
SALT_OCTETS: Final = 16


class ScramKeys(msgspec.Struct, frozen=True):
    """The keys of one password under one salt and count."""

    stored_key: bytes
    server_key: bytes

    def __repr__(self) -> str:
        return "ScramKeys(***)"

    def signature(self, text: bytes, proof: bytes) -> bytes | None:
        """The signature of the server, if the proof over this AuthMessage fits; None when it does not."""
        client_signature = hmac.digest(self.stored_key, text, HASH)
        if len(proof) != len(client_signature):
            return None
        client_key = bytes(a ^ b for a, b in zip(proof, client_signature, strict=True))
        if not hmac.compare_digest(hashlib.sha256(client_key).digest(), self.stored_key):
            return None
        return hmac.digest(self.server_key, text, HASH)


def scram_keys(password: str, salt: bytes, iterations: int) -> ScramKeys:
    """The keys of a password. It takes milliseconds of work, so a service makes them in a thread."""
    salted = hashlib.pbkdf2_hmac(HASH, prepare_password(password).encode(), salt, iterations)
    client_key = hmac.digest(salted, b"Client Key", HASH)
    return ScramKeys(hashlib.sha256(client_key).digest(), hmac.digest(salted, b"Server Key", HASH))


def salt_of_nobody(name: str, secret: bytes) -> bytes:
    """The salt for a name without a password: the same at each log-in.

    So an answer does not tell whether there is such a name. `secret` is a secret of the server.
    """
    return hmac.digest(secret, b"salt\0" + name.encode(), HASH)[:SALT_OCTETS]
