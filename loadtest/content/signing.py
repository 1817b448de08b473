"""Makes DKIM signatures independently of the server's code, so that each checks the other (RFC 6376)."""

from __future__ import annotations

import base64
import hashlib
import re

from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.hashes import SHA256

from loadtest.content.signing_key import signing_key

SIGNED = (
    b"from",
    b"to",
    b"subject",
    b"date",
    b"message-id",
    b"mime-version",
    b"content-type",
    b"content-transfer-encoding",
)
_BLANKS = re.compile(rb"[ \t]+")
_TRAILING = re.compile(rb"[ \t]+(?=\r\n)")


def signature_header(
    headers: list[tuple[bytes, bytes]], body: bytes, domain: str, selector: str, signed_at: int
) -> tuple[bytes, bytes]:
    """The DKIM-Signature field for these headers and body, rsa-sha256, relaxed/relaxed.

    `signed_at` is in seconds since 1970.
    """
    by_name = {name.lower(): value for name, value in headers}
    names = [name for name in SIGNED if name in by_name]
    unsigned = _unsigned_value(names, body, domain, selector, signed_at)
    data = b"".join(_relaxed_header(name, by_name[name]) for name in names)
    # RFC 6376 §3.7: the signature's own field comes last, with an empty b= and no CRLF.
    data += _relaxed_header(b"dkim-signature", unsigned)[:-2]
    return b"DKIM-Signature", unsigned + _folded(signing_key().sign(data, PKCS1v15(), SHA256()))


def _unsigned_value(names: list[bytes], body: bytes, domain: str, selector: str, signed_at: int) -> bytes:
    digest = base64.b64encode(hashlib.sha256(relaxed_body(body)).digest())
    who = f"v=1; a=rsa-sha256; c=relaxed/relaxed; d={domain}; s={selector}; t={signed_at};".encode("ascii")
    return who + b"\r\n h=" + b":".join(names) + b";\r\n bh=" + digest + b";\r\n b="


def relaxed_body(body: bytes) -> bytes:
    """The body in relaxed form (RFC 6376 §3.4.4): spaces collapse; those before CRLF and empty lines at the end
    are removed."""
    collapsed = _BLANKS.sub(b" ", body) if b"  " in body or b"\t" in body else body
    trimmed = _TRAILING.sub(b"", collapsed).rstrip(b"\r\n")
    return trimmed + b"\r\n" if trimmed else b""


def _relaxed_header(name: bytes, value: bytes) -> bytes:
    """A header field in relaxed form (RFC 6376 §3.4.2)."""
    return name.lower() + b":" + _BLANKS.sub(b" ", value.replace(b"\r\n", b"")).strip() + b"\r\n"


def _folded(signature: bytes) -> bytes:
    text = base64.b64encode(signature)
    return b"\r\n  ".join(text[at : at + 70] for at in range(0, len(text), 70))
