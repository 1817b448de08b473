"""Messages, keys and the oracle for the DKIM tests."""

from __future__ import annotations

import base64
import re
import tarfile
from collections.abc import Callable, Iterator
from functools import lru_cache

import dkim
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from shared.clock import SystemClock
from shared.protocol.dkim.result import DkimResult, VerifyLimits
from shared.protocol.dkim.signing_key import SigningKey, public_key_record
from shared.protocol.dkim.verify import Verifier
from shared.protocol.dns.evaluation import drive_sync
from shared.protocol.dns.question import Answer, Question
from tests.parts import test_data

NOW = SystemClock().now()
"""The oracle reads the machine's clock, so these tests do."""
CORPUS = test_data.folder() / "spam" / "spamassassin.tar.xz"

SIMPLE = (
    b"Received: from a.example (a.example [192.0.2.1])\r\n\tby mx.example.org; Mon, 23 Nov 2026 10:00:00 +0000\r\n"
    b"From: Ann  <ann@example.org>\r\nTo: bob@example.net\r\nSubject:  two \t words\r\n folded\r\n"
    b"Date: Mon, 23 Nov 2026 10:00:00 +0000\r\nMessage-ID: <1@example.org>\r\n\r\n"
    b"Hello,  \r\n\r\n\tthis is \t a body. \r\n\r\n\r\n"
)


@lru_cache
def rsa_key(domain: str = "example.org", selector: str = "r", bits: int = 2048) -> SigningKey:
    return SigningKey(domain, selector, generate_private_key(65537, bits))


@lru_cache
def ed25519_key(domain: str = "example.org", selector: str = "e") -> SigningKey:
    return SigningKey(domain, selector, Ed25519PrivateKey.generate())


@lru_cache
def oracle_private(key: SigningKey) -> bytes:
    if isinstance(key.private, Ed25519PrivateKey):
        return base64.b64encode(key.private.private_bytes(Encoding.Raw, PrivateFormat.Raw, NoEncryption()))
    return key.private.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption())


def zone(*keys: SigningKey) -> Callable[[Question], Answer]:
    records = {f"{key.selector}._domainkey.{key.domain}": public_key_record(key) for key in keys}

    def look_up(question: Question) -> Answer:
        assert question.rdtype == "TXT"
        record = records.get(question.name)
        return Answer("ok", (record,), 300) if record else Answer("nxdomain")

    return look_up


def zone_with(name: str, *records: str) -> Callable[[Question], Answer]:
    return lambda question: Answer("ok", records, 300) if question.name == name else Answer("nxdomain")


def verify(
    message: bytes,
    lookup: Callable[[Question], Answer],
    *,
    step: int = 1000,
    now: int = NOW,
    limits: VerifyLimits | None = None,
) -> tuple[DkimResult, ...]:
    head, _, body = message.partition(b"\r\n\r\n")
    verifier = Verifier(head + b"\r\n", limits or VerifyLimits())
    for at in range(0, len(body), step):
        verifier.feed(body[at : at + step])
    return drive_sync(verifier.finish(now), lookup)


def oracle_sign(message: bytes, key: SigningKey, canonicalize: tuple[bytes, bytes], **options: object) -> bytes:
    algorithm = key.algorithm.encode("ascii")
    field = dkim.sign(
        message,
        key.selector.encode("ascii"),
        key.domain.encode("ascii"),
        oracle_private(key),
        canonicalize=canonicalize,
        signature_algorithm=algorithm,
        **options,
    )
    return bytes(field) + message


def oracle_verify(message: bytes, lookup: Callable[[Question], Answer], index: int = 0) -> bool:
    def txt(name: bytes, timeout: int = 5) -> bytes:
        answer = lookup(Question(name.decode("ascii").removesuffix(".").lower(), "TXT"))
        return answer.records[0].encode("latin-1") if answer.records else b""

    try:
        return bool(dkim.DKIM(message).verify(idx=index, dnsfunc=txt))
    except dkim.DKIMException:
        return False


def corpus(every: int) -> Iterator[bytes]:
    """Each n-th mail of the SpamAssassin corpus that has a plain header, with CRLF line ends."""
    if not CORPUS.exists():
        pytest.skip(f"no corpus at {CORPUS}")
    with tarfile.open(CORPUS) as archive:
        for number, member in enumerate(archive):
            if member.isfile() and number % every == 0:
                message = _as_received(archive.extractfile(member).read())  # type: ignore[union-attr]
                if _has_plain_header(message):
                    yield message


def _as_received(raw: bytes) -> bytes:
    if raw.startswith(b"From "):
        raw = raw.partition(b"\n")[2]
    return re.sub(rb"\r?\n", b"\r\n", raw.replace(b"\r\n", b"\n").replace(b"\r", b""))


def _has_plain_header(message: bytes) -> bool:
    head = message.partition(b"\r\n\r\n")[0]
    fields = re.split(rb"\r\n(?![ \t])", head)
    return all(re.match(rb"[!-9;-~]+:", field) for field in fields) and any(
        f.lower().startswith(b"from:") for f in fields
    )
