"""The verdict on one DKIM signature."""

from __future__ import annotations

from typing import Literal

import msgspec

DkimCode = Literal["pass", "fail", "policy", "neutral", "temperror", "permerror"]
"""RFC 8601 section 2.7.1: `policy` is a signature that we refuse to accept, `neutral` one that cannot be parsed."""

Canonicalization = Literal["simple", "relaxed"]
HashName = Literal["sha1", "sha256"]


class DkimResult(msgspec.Struct, frozen=True):
    """What became of one signature, and what it said of itself."""

    result: DkimCode
    domain: str = ""
    """d=, the signing domain, in A-labels."""
    selector: str = ""
    algorithm: str = ""
    identity: str = ""
    """i=, the agent or user; `@` and the signing domain when not given."""
    reason: str = ""
    """Why it did not pass; for a pass, what a reader should know."""
    key_bits: int = 0
    signature_prefix: str = ""
    """The first eight characters of b=, which tell two signatures of one domain apart (RFC 6008)."""
    signed_length: int | None = None
    """l=, when the signature covers only so many octets of the canonical body."""
    unsigned_octets: int = 0
    """Octets of the canonical body after those: anybody may have written them."""
    is_test_key: bool = False
    """The key record says t=y: the signer is testing (RFC 6376 section 3.6.1)."""


class VerifyLimits(msgspec.Struct, frozen=True):
    """What is examined and what is acceptable."""

    signatures: int = 5
    """Signatures examined per message, from the top; the rest are ignored (RFC 6376 section 8.4)."""
    field_octets: int = 16384
    """Of one signature: room for hundreds of signed names and the longest key."""
    min_rsa_bits: int = 1024
    """RFC 8301 section 3.2."""
    max_rsa_bits: int = 8192
    """A longer key costs more than it proves."""
    clock_skew: int = 3600
    """Seconds by which a signer's clock may differ."""
