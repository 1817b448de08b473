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


class ScramVerifier(msgspec.Struct, frozen=True):
    """The verifier of one password."""

    salt: bytes
    iterations: int
    stored_key: bytes
    server_key: bytes

    def __repr__(self) -> str:
        return f"ScramVerifier(iterations={self.iterations}, keys=***)"


def scram_verifier(password: str, salt: bytes, iterations: int = DEFAULT_ITERATIONS) -> ScramVerifier:
    """The verifier of a password. It takes milliseconds of work, so a service makes it in a thread."""
    salted = hashlib.pbkdf2_hmac(HASH, prepare_password(password).encode(), salt, iterations)
    client_key = hmac.digest(salted, b"Client Key", HASH)
    return ScramVerifier(
        salt, iterations, hashlib.sha256(client_key).digest(), hmac.digest(salted, b"Server Key", HASH)
    )


def unknown_name_verifier(name: str, secret: bytes, iterations: int = DEFAULT_ITERATIONS) -> ScramVerifier:
    """The verifier for a name without a password: the same at each log-in, and no proof fits it.

    So an answer does not tell whether there is such a name. `secret` is a secret of the server.
    """
    salt, stored, server = (
        hmac.digest(secret, b"%b\0%b" % (purpose, name.encode()), HASH) for purpose in (b"salt", b"stored", b"server")
    )
    return ScramVerifier(salt[:SALT_OCTETS], iterations, stored, server)
