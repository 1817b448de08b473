"""Makes keys that sign mail. It is no pure code, because keys need randomness of the operating system.

`shared.protocol.dkim.signing_key` loads them, and gives their selectors and records.
"""

from __future__ import annotations

from typing import Final, assert_never

from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from shared.protocol.dkim.signature import KeyType

RSA_BITS: Final = 2048
"""RFC 8301 §3.2 asks signers for at least 2048; longer keys do not fit into one UDP answer of old resolvers."""
_EXPONENT: Final = 65537


def new_private_key(key_type: KeyType) -> bytes:
    """A new private key as unencrypted PKCS#8 PEM, to be encrypted before it is stored.

    An RSA key takes about 0.1 s of CPU, so a server makes it in a thread.
    """
    match key_type:
        case "rsa":
            private = rsa.generate_private_key(_EXPONENT, RSA_BITS)
            return private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        case "ed25519":
            return Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        case _:
            assert_never(key_type)
