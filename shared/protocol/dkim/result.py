"""The verdict on one DKIM signature."""

from __future__ import annotations

from typing import Literal

import msgspec

DkimCode = Literal["pass", "fail", "policy", "neutral", "temperror", "permerror"]
"""The result codes of RFC 8601 §2.7.1: `policy` for a refused signature, `neutral` for one that cannot be
parsed."""

Canonicalization = Literal["simple", "relaxed"]
HashName = Literal["sha1", "sha256"]


class DkimResult(msgspec.Struct, frozen=True):
    """The result for one signature, with values from the signature."""

    result: DkimCode
    domain: str = ""
    """d=: the signing domain, in A-labels."""
    selector: str = ""
    algorithm: str = ""
    identity: str = ""
    """i=: the agent or user; `@` and the signing domain when it is missing."""
    reason: str = ""
    """Why it did not pass; for a pass, a remark if there is one."""
    key_bits: int = 0
    signature_prefix: str = ""
    """The first eight characters of b=, which tell two signatures of one domain apart (RFC 6008)."""
    signed_length: int | None = None
    """l=, when the signature covers only this number of octets of the canonical body."""
    unsigned_octets: int = 0
    """The octets of the canonical body after those, which anybody may have written."""
    is_test_key: bool = False
    """The key record says t=y: the signer is testing (RFC 6376 §3.6.1)."""


class VerifyLimits(msgspec.Struct, frozen=True):
    """Limits for verification."""

    signatures: int = 5
    """The number of signatures that are examined, from the top; the rest are ignored (RFC 6376 §8.4)."""
    field_octets: int = 16384
    """The octets of one signature field: room for hundreds of signed names and the longest key."""
    min_rsa_bits: int = 1024
    """RFC 8301 §3.2."""
    max_rsa_bits: int = 8192
    """The longest accepted RSA key; a longer one costs more than it proves."""
    clock_skew: int = 3600
    """Seconds by which a signer's clock may be ahead."""
