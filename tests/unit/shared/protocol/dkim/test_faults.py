"""Signatures and keys that are wrong in each way RFC 6376 names, and the verdict each gets."""

from __future__ import annotations

import base64
import re

import pytest
from cryptography.hazmat.primitives import serialization
from hypothesis import given
from hypothesis import strategies as st

from shared.protocol.dkim.result import VerifyLimits
from shared.protocol.dkim.sign import hash_body, sign
from shared.protocol.dkim.signing_key import public_key_record
from shared.protocol.dkim.verify import Verifier
from shared.protocol.dns.evaluation import drive_sync
from shared.protocol.dns.question import Answer, Question
from tests.unit.shared.protocol.dkim.messages import (
    NOW,
    SIMPLE,
    ed25519_key,
    oracle_sign,
    rsa_key,
    verify,
    zone,
    zone_with,
)

KEY = rsa_key()
HEAD, _, BODY = SIMPLE.partition(b"\r\n\r\n")
HEAD += b"\r\n"
SIGNED = sign(HEAD, hash_body([BODY]), KEY, NOW) + SIMPLE
NAME = "r._domainkey.example.org"
RECORD = public_key_record(KEY)
NEVER_ASKED = zone_with("nowhere")


def with_tag(tag: str, value: str | None) -> bytes:
    """The signed message with one tag of the signature replaced, added or removed."""
    field, _, rest = SIGNED.partition(b"\r\nReceived:")
    changed = re.sub(rb"(?s)([ \t\r\n:])" + tag.encode() + rb"=[^;]*;?", rb"\1", field, count=1)
    if value is not None:
        changed = changed.replace(b"DKIM-Signature:", b"DKIM-Signature: " + f"{tag}={value};".encode(), 1)
    return changed + b"\r\nReceived:" + rest


@pytest.mark.parametrize(
    ("tag", "value", "code"),
    [
        ("v", None, "permerror"),
        ("v", "2", "neutral"),
        ("a", None, "permerror"),
        ("a", "rsa-sha1", "policy"),
        ("a", "dsa-sha256", "neutral"),
        ("c", "relaxed/strange", "neutral"),
        ("d", None, "permerror"),
        ("d", "exa mple.org", "neutral"),
        ("d", "", "permerror"),
        ("s", "a..b", "neutral"),
        ("h", "to:subject", "permerror"),
        ("bh", "###", "neutral"),
        ("b", "a", "neutral"),
        ("i", "ann@example.net", "permerror"),
        ("i", "ann@notexample.org", "permerror"),
        ("i", "example.org", "permerror"),
        ("q", "http", "neutral"),
        ("l", "-1", "neutral"),
        ("l", "9999999", "permerror"),
        ("l", "3", "fail"),
        ("t", "soon", "neutral"),
        ("t", "99999999999", "fail"),
        ("x", "5", "neutral"),
    ],
)
def test_tags(tag: str, value: str | None, code: str) -> None:
    (result,) = verify(with_tag(tag, value), zone(KEY))
    assert result.result == code, result
    assert result.reason


@pytest.mark.parametrize(
    "junk",
    [b"DKIM-Signature: v=1; v=1\r\n", b"DKIM-Signature:\r\n", b"DKIM-Signature: x\r\n", b"DKIM-Signature: =;;=\r\n"],
)
def test_no_signature_at_all(junk: bytes) -> None:
    (result,) = verify(junk + SIMPLE, NEVER_ASKED)
    assert result.result == "neutral"


def test_expired() -> None:
    message = with_tag("x", str(NOW // 1_000_000 + 60))
    assert (
        verify(message, zone(KEY), now=NOW + 120_000_000, limits=VerifyLimits(clock_skew=0))[0].reason
        == "signature expired"
    )
    assert verify(message, zone(KEY))[0].reason == "signature did not verify"  # not expired; but x= was added later


@pytest.mark.parametrize(
    ("records", "code", "reason"),
    [
        ((RECORD.replace("p=", "p=;q="),), "permerror", "the key is revoked"),
        ((RECORD.replace("k=rsa", "k=ed25519"),), "permerror", "p= is no public key"),
        ((RECORD.replace("k=rsa", "k=dsa"),), "permerror", "unknown key type"),
        ((RECORD.replace("DKIM1", "DKIM2"),), "permerror", "no DKIM key record"),
        ((RECORD + "; h=sha1",), "permerror", "the key forbids this hash"),
        ((RECORD + "; s=tlsrpt",), "permerror", "the key is not for mail"),
        ((public_key_record(ed25519_key()),), "permerror", "the key is of another type"),
        ((public_key_record(rsa_key("example.org", "other")),), "fail", "signature did not verify"),
        (("v=spf1 -all", RECORD), "pass", ""),
        ((RECORD + "; t=y:s; s=email:other; h=sha1:sha256; n=note",), "pass", ""),
        ((RECORD.replace("v=DKIM1; k=rsa; ", ""),), "pass", ""),
        (("x" * 9000,), "permerror", "the key record is too long"),
    ],
)
def test_keys(records: tuple[str, ...], code: str, reason: str) -> None:
    (result,) = verify(SIGNED, zone_with(NAME, *records))
    assert (result.result, result.reason) == (code, reason)


def test_the_test_flag_is_reported() -> None:
    (result,) = verify(SIGNED, zone_with(NAME, RECORD + "; t=y"))
    assert (result.result, result.is_test_key, result.key_bits) == ("pass", True, 2048)


def test_strict_flag_forbids_subdomains() -> None:
    signed = sign(HEAD, hash_body([BODY]), KEY, NOW, identity="ann@sub.example.org") + SIMPLE
    assert verify(signed, zone_with(NAME, RECORD))[0].identity == "ann@sub.example.org"
    assert verify(signed, zone_with(NAME, RECORD + "; t=s"))[0].reason == "the key forbids subdomains in i="


def test_key_as_pkcs1() -> None:
    octets = KEY.private.public_key().public_bytes(serialization.Encoding.DER, serialization.PublicFormat.PKCS1)  # type: ignore[arg-type]
    assert verify(SIGNED, zone_with(NAME, "p=" + base64.b64encode(octets).decode()))[0].result == "pass"


def test_short_key() -> None:
    (result,) = verify(SIGNED, zone(KEY), limits=VerifyLimits(min_rsa_bits=3072))
    assert (result.result, result.key_bits) == ("policy", 2048)


@pytest.mark.parametrize(
    ("answer", "code"), [(Answer("temperror", source="silence"), "temperror"), (Answer("nodata"), "permerror")]
)
def test_key_that_cannot_be_had(answer: Answer, code: str) -> None:
    (result,) = verify(SIGNED, lambda question: answer)
    assert (result.result, result.domain) == (code, "example.org")


def test_wrong_body_asks_for_no_key() -> None:
    def never(question: Question) -> Answer:
        raise AssertionError(question)

    assert verify(SIGNED + b"more\r\n", never)[0].reason == "body hash did not verify"


def test_only_so_many_signatures_are_examined() -> None:
    message = SIMPLE
    for _ in range(7):
        message = sign(HEAD, hash_body([BODY]), KEY, NOW) + message
    assert [result.result for result in verify(message, zone(KEY))] == ["pass"] * 5
    assert Verifier(message.partition(b"\r\n\r\n")[0] + b"\r\n").ignored == 2


def test_keys_can_be_fetched_early() -> None:
    verifier = Verifier(SIGNED.partition(b"\r\n\r\n")[0] + b"\r\n")
    assert verifier.questions == (Question(NAME, "TXT"),)
    assert [need.method for need in verifier.needs] == ["relaxed"]
    assert not Verifier(HEAD).needs


def test_from_added_below_or_above() -> None:
    plain = oracle_sign(SIMPLE, KEY, (b"relaxed", b"relaxed"), include_headers=[b"from", b"subject"])
    assert verify(b"From: eve@evil.example\r\n" + plain, zone(KEY))[0].result == "fail"
    assert verify(plain.replace(b"\r\nTo:", b"\r\nFrom: eve@evil.example\r\nTo:"), zone(KEY))[0].result == "fail"


@given(st.binary(max_size=300), st.binary(max_size=60))
def test_any_bytes_give_verdicts(noise: bytes, body: bytes) -> None:
    for header in (noise, b"DKIM-Signature: " + noise + b"\r\n" + HEAD, SIGNED.partition(b"\r\n\r\n")[0][:200] + noise):
        verifier = Verifier(header)
        verifier.feed(body)
        drive_sync(verifier.finish(NOW), lambda question: Answer("ok", (noise.decode("latin-1"),)))


@given(st.text(max_size=200))
def test_any_key_record_gives_a_verdict(record: str) -> None:
    (result,) = verify(SIGNED, zone_with(NAME, record))
    assert result.result in ("permerror", "fail")


def test_a_signature_without_end_is_not_read() -> None:
    """A quarter of a megabyte of signed names: 0.1 s for each of five signatures."""
    long = b"DKIM-Signature: v=1; a=rsa-sha256; d=example.org; s=r; bh=eA==; b=eA==; h=" + b"from:" * 4000 + b"from\r\n"
    verifier = Verifier(long + SIMPLE)
    assert verifier.questions == ()
    (verdict,) = drive_sync(verifier.finish(NOW), NEVER_ASKED)
    assert (verdict.result, verdict.reason) == ("neutral", "the signature is too long")
