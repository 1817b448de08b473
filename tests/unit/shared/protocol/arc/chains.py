"""Chains for the tests: sealed by us, by dkimpy, or written by hand with any tags."""

from __future__ import annotations

import base64
import re
from collections.abc import Callable

import dkim

from shared.protocol.arc.payload import results_payload
from shared.protocol.arc.result import ChainResult
from shared.protocol.arc.seal import seal
from shared.protocol.arc.validate import ChainValidator
from shared.protocol.authres.field import MethodResult
from shared.protocol.dkim.canonical import HeaderFields, signing_input
from shared.protocol.dkim.result import VerifyLimits
from shared.protocol.dkim.sign import hash_body
from shared.protocol.dkim.signing_key import SigningKey
from shared.protocol.dns.evaluation import drive_sync
from shared.protocol.dns.question import Answer, Question
from tests.unit.shared.protocol.dkim.messages import NOW, SIMPLE, ed25519_key, oracle_private, rsa_key, zone

Lookup = Callable[[Question], Answer]
KEY = rsa_key()
OTHER_KEY = rsa_key("list.example", "other")
LOOKUP = zone(KEY, OTHER_KEY, ed25519_key())
AUTHSERV_ID = "mx.example.org"
RESULTS = results_payload(AUTHSERV_ID, [MethodResult("spf", "pass", "", (("smtp.mailfrom", "ann@example.org"),))])

AAR = "i={i}; mx.example.org; spf=pass"
AMS = "i={i}; a=rsa-sha256; c=relaxed/relaxed; d=example.org; s=r; t=1795000000; h=from:to:subject; bh={bh}; b="
SEAL = "i={i}; a=rsa-sha256; d=example.org; s=r; t=1795000000; cv={cv}; b="
FIELD_END = re.compile(rb"\r\n(?![ \t])")


def split(message: bytes) -> tuple[bytes, bytes]:
    """The header with its last CRLF, and the body."""
    head, _, body = message.partition(b"\r\n\r\n")
    return head + b"\r\n", body


def validate(
    message: bytes, lookup: Lookup = LOOKUP, *, step: int = 1000, now: int = NOW, limits: VerifyLimits | None = None
) -> ChainResult:
    header, body = split(message)
    validator = ChainValidator(header, limits or VerifyLimits())
    for at in range(0, len(body), step):
        validator.feed(body[at : at + step])
    return drive_sync(validator.finish(now), lookup)


def status(message: bytes, lookup: Lookup = LOOKUP) -> tuple[str, str]:
    result = validate(message, lookup)
    return result.status, result.reason


def sealed(message: bytes, key: SigningKey = KEY, chain: ChainResult | None = None) -> bytes:
    """The message with one more set of ours."""
    header, body = split(message)
    return seal(header, hash_body([body]), key, chain or validate(message), RESULTS, NOW) + message


def chain_of(length: int, message: bytes = SIMPLE) -> bytes:
    for _ in range(length):
        message = sealed(message)
    return message


def by_hand(
    message: bytes,
    instance: int,
    cv: str,
    *,
    aar: str = AAR,
    ams: str = AMS,
    seal_tags: str = SEAL,
    key: SigningKey = KEY,
) -> bytes:
    """The message with a set that has these tags; `b=` at their end gets the right value for them."""
    header, body = split(message)
    values = {"i": instance, "cv": cv, "bh": base64.b64encode(hash_body([body])).decode()}
    results = b"ARC-Authentication-Results: " + aar.format(**values).encode()
    signature = b"ARC-Message-Signature: " + ams.format(**values).encode()
    seal_field = b"ARC-Seal: " + seal_tags.format(**values).encode()
    names = re.search(rb"[; ]h=([^;]*)", signature)
    signed = HeaderFields(results + b"\r\n" + header).select(
        (re.sub(rb"\s", b"", names[1]) if names else b"").lower().split(b":")
    )
    method = "simple" if b"c=simple" in signature or b"c=" not in signature else "relaxed"
    signature += base64.b64encode(key.sign(signing_input(signed, signature, method)))  # type: ignore[arg-type]
    below = [field for number in range(1, instance) for field in _set_of(header, number)]
    seal_field += base64.b64encode(key.sign(signing_input([*below, results, signature], seal_field, "relaxed")))
    return b"\r\n".join([seal_field, signature, results, b""]) + message


def _set_of(header: bytes, number: int) -> list[bytes]:
    """The fields of one set, found without our parser."""
    names = (b"ARC-Authentication-Results:", b"ARC-Message-Signature:", b"ARC-Seal:")
    fields = [field for field in FIELD_END.split(header) if re.search(rb"^ARC-[^:]*: i=%d;" % number, field)]
    return sorted(fields, key=lambda field: [field.startswith(name) for name in names].index(True))


def without_fields(message: bytes, pattern: bytes) -> bytes:
    """The message without the fields that begin with this pattern."""
    header, body = split(message)
    fields = [field for field in FIELD_END.split(header) if not re.match(pattern, field, re.IGNORECASE)]
    return b"\r\n".join(fields) + b"\r\n" + body


def oracle_status(message: bytes, lookup: Lookup = LOOKUP) -> str:
    """The verdict of dkimpy: none, pass, fail, or ended for a chain whose newest seal says cv=fail."""
    verdict, _, _ = dkim.ARC(message).verify(dnsfunc=_txt(lookup))
    return verdict.decode() if verdict is not None else "ended"


def oracle_sealed(message: bytes, key: SigningKey = KEY) -> bytes:
    """The message with one more set of dkimpy's, which reads the status from Authentication-Results."""
    cv = validate(message).status.encode()
    field = b"Authentication-Results: mx.example.org; spf=pass; arc=" + cv + b"\r\n"
    fields = dkim.arc_sign(
        field + message,
        key.selector.encode(),
        key.domain.encode(),
        oracle_private(key),
        AUTHSERV_ID.encode(),
        include_headers=[b"from", b"to", b"subject"],
    )
    return b"".join(fields) + message


def oracle_verifies_set(message: bytes, instance: int) -> tuple[bool, bool]:
    """Whether the message signature and the seal of one set verify by themselves, says dkimpy."""
    arc = dkim.ARC(message)
    _, headers = arc.sorted_arc_headers()
    verdict = arc.verify_instance(headers, instance, dnsfunc=_txt(LOOKUP))
    return verdict["ams-valid"], verdict["as-valid"]


def _txt(lookup: Lookup) -> Callable[..., bytes]:
    def txt(name: bytes, timeout: int = 5) -> bytes:
        answer = lookup(Question(name.decode("ascii").removesuffix(".").lower(), "TXT"))
        return answer.records[0].encode("latin-1") if answer.records else b""

    return txt
