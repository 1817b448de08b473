"""The RSA key of all senders, computed from a phrase.

So no key file is needed, and signatures are the same everywhere. Anyone can compute it, so it protects nothing; it
signs only for reserved names.
"""

from __future__ import annotations

import base64
import random
from functools import cache

from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

_EXPONENT = 65537
_PRIME_BITS = 1024
_WITNESSES = (2, 3, 5, 7, 11, 13, 17, 19)


@cache
def signing_key() -> rsa.RSAPrivateKey:
    """The 2048-bit key (about 0.3 s the first time)."""
    chance = random.Random("the key of the load test")
    p, q = _prime(chance), _prime(chance)
    d = pow(_EXPONENT, -1, (p - 1) * (q - 1))
    public = rsa.RSAPublicNumbers(_EXPONENT, p * q)
    numbers = rsa.RSAPrivateNumbers(
        p, q, d, rsa.rsa_crt_dmp1(d, p), rsa.rsa_crt_dmq1(d, q), rsa.rsa_crt_iqmp(p, q), public
    )
    return numbers.private_key()


def public_key_text() -> str:
    """The value of `p=` in the DKIM key record (RFC 6376 §3.6.1)."""
    der = signing_key().public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return base64.b64encode(der).decode("ascii")


def _prime(chance: random.Random) -> int:
    """A prime whose two top bits are set, so that the product of two has the full length."""
    top = 3 << (_PRIME_BITS - 2)
    while True:
        candidate = chance.getrandbits(_PRIME_BITS) | top | 1
        if _is_prime(candidate) and (candidate - 1) % _EXPONENT:
            return candidate


def _is_prime(candidate: int) -> bool:
    if any(candidate % small == 0 for small in _small_primes()):
        return False
    return all(_passes(candidate, witness) for witness in _WITNESSES)


def _passes(candidate: int, witness: int) -> bool:
    """One round of Miller-Rabin."""
    odd, halvings = candidate - 1, 0
    while odd % 2 == 0:
        odd, halvings = odd // 2, halvings + 1
    power = pow(witness, odd, candidate)
    if power in (1, candidate - 1):
        return True
    return any((power := power * power % candidate) == candidate - 1 for _ in range(halvings - 1))


@cache
def _small_primes() -> tuple[int, ...]:
    return tuple(n for n in range(2, 2000) if all(n % d for d in range(2, int(n**0.5) + 1)))
