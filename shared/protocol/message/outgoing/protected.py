"""Parts that must not be changed, because others have signed or encrypted them."""

from __future__ import annotations

from typing import Final

from shared.protocol.message.headers import has_header
from shared.protocol.message.scan import Scan

_PROTECTED_TYPES: Final = frozenset(
    {"multipart/signed", "multipart/encrypted", "application/pkcs7-mime", "application/x-pkcs7-mime"}
)
_SIGNATURES: Final = ("DKIM-Signature", "ARC-Seal", "ARC-Message-Signature")


def foreign_signature(header: bytes) -> str:
    """The name of a field by which others have signed the message (RFC 6376, RFC 8617), or "".

    Our own signature is added to the final form, so a signature that is here was made by others.
    """
    return next((name for name in _SIGNATURES if has_header(header, name)), "")


def protected_parts(scan: Scan) -> tuple[int, ...]:
    """The indexes of the parts whose octets, header included, must not change (RFC 1847 §2.1, RFC 5751 §3.1.3)."""
    return tuple(index for index, part in enumerate(scan.parts) if part.content_type in _PROTECTED_TYPES)
