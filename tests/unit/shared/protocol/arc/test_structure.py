"""The structure of a chain: sets, instance values, cv=, and the syntax of tags (RFC 8617 §4, §5.2)."""

from __future__ import annotations

import pytest

from shared.protocol.arc.result import MOST_OCTETS
from shared.protocol.arc.validate import ChainValidator
from shared.protocol.dns.question import Answer, Question
from tests.unit.shared.protocol.arc.chains import (
    AAR,
    AMS,
    FIELD_END,
    SEAL,
    by_hand,
    chain_of,
    oracle_status,
    split,
    status,
    validate,
    without_fields,
)
from tests.unit.shared.protocol.dkim.messages import SIMPLE

TWO = by_hand(by_hand(SIMPLE, 1, "none"), 2, "pass")

EMPTY_HASH = "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="
"""SHA-256 of nothing: the body hash with l=0."""


def never(question: Question) -> Answer:
    raise AssertionError(question)


def structure(message: bytes) -> str:
    """The fault in the structure; no key is asked for."""
    verdict, reason = status(message, never)
    assert verdict == "fail"
    return reason


def test_no_chain() -> None:
    assert (status(SIMPLE, never), oracle_status(SIMPLE)) == (("none", ""), "none")
    validator = ChainValidator(split(SIMPLE)[0])
    assert (validator.needs, validator.questions) == (frozenset(), ())


@pytest.mark.parametrize(
    ("pattern", "reason"),
    [
        (b"ARC-Seal: i=1;", "instance 1 is not complete"),
        (b"ARC-Seal: i=2;", "instance 2 is not complete"),
        (b"ARC-Message-Signature: i=1;", "instance 1 is not complete"),
        (b"ARC-Message-Signature: i=2;", "instance 2 is not complete"),
        (b"ARC-Authentication-Results: i=1;", "instance 1 is not complete"),
        (b"ARC-Authentication-Results: i=2;", "instance 2 is not complete"),
        (b"ARC-[^:]*: i=1;", "instance 1 is not complete"),
        (b"ARC-Seal", "instance 1 is not complete"),
        (b"ARC-[MS]", "instance 1 is not complete"),
    ],
)
def test_missing_fields(pattern: bytes, reason: str) -> None:
    message = without_fields(TWO, pattern)
    assert structure(message) == reason
    assert oracle_status(message) == "fail"


def test_a_gap() -> None:
    message = by_hand(by_hand(SIMPLE, 1, "none"), 3, "pass")
    assert structure(message) == "instance 2 is not complete"


@pytest.mark.parametrize("name", [b"ARC-Seal", b"ARC-Message-Signature", b"ARC-Authentication-Results"])
@pytest.mark.parametrize("instance", [1, 2])
def test_a_field_twice(name: bytes, instance: int) -> None:
    (field,) = [item for item in FIELD_END.split(TWO) if item.startswith(name + b": i=%d;" % instance)]
    duplicate = field + b"\r\n"
    for message in (duplicate + TWO, TWO.replace(b"From:", duplicate.lower() + b"From:", 1)):
        assert structure(message) == f"instance {instance} has a field twice"


def test_the_order_of_fields_does_not_matter() -> None:
    header, body = split(TWO)
    turned = b"\r\n".join(reversed(FIELD_END.split(header.removesuffix(b"\r\n"))))
    assert status(turned + b"\r\n\r\n" + body) == ("pass", "")


@pytest.mark.parametrize(
    ("instance", "cv", "reason"),
    [
        (1, "pass", "instance 1 says cv=pass"),
        (1, "fail", "the newest seal says cv=fail"),
        (2, "none", "instance 2 says cv=none"),
        (2, "fail", "the newest seal says cv=fail"),
        (1, "other", "instance 1: cv= is neither none nor pass nor fail"),
        (2, "", "instance 2: cv= is missing in a seal"),
    ],
)
def test_wrong_cv(instance: int, cv: str, reason: str) -> None:
    message = by_hand(SIMPLE if instance == 1 else by_hand(SIMPLE, 1, "none"), instance, cv)
    assert structure(message) == reason
    assert validate(message).is_ended is (cv == "fail")


def test_an_older_cv_of_fail() -> None:
    message = by_hand(by_hand(SIMPLE, 1, "fail"), 2, "pass")
    assert structure(message) == "instance 1 says cv=fail"
    assert not validate(message).is_ended


@pytest.mark.parametrize("cv", ["NONE", "None"])
def test_cv_has_no_case(cv: str) -> None:
    assert status(by_hand(SIMPLE, 1, cv)) == ("pass", "")


@pytest.mark.parametrize("value", ["0", "51", "100", "-1", "+1", "1.0", "a", "", "1 2", "٣"])
@pytest.mark.parametrize("name", [b"ARC-Seal", b"ARC-Message-Signature", b"ARC-Authentication-Results"])
def test_wrong_instance_values(name: bytes, value: str) -> None:
    message = TWO.replace(name + b": i=2;", name + f": i={value};".encode())
    assert structure(message) in (
        "i= is not a number from 1 to 50",
        "the results do not begin with i=",
    )


def test_instance_values_at_the_limit() -> None:
    assert status(chain_of(50)) == ("pass", "")
    fields = b"".join(
        b"%s: i=%d; a=b; cv=pass\r\n" % (name, number)
        for number in range(1, 52)
        for name in (b"ARC-Seal", b"ARC-Message-Signature", b"ARC-Authentication-Results")
    )
    assert structure(fields + SIMPLE) == "more than 50 sets"


def test_many_fields_and_octets_are_not_read() -> None:
    assert structure(b"ARC-Seal: i=1\r\n" * 5000 + SIMPLE) == "more than 50 sets"
    assert structure(b"ARC-Seal: i=1; x=" + b"y" * 16384 + b"\r\n" + SIMPLE) == "a field is too long"
    results = b"ARC-Authentication-Results: i=%d; x" + b"y" * 16000 + b"\r\n"
    many = b"".join(results % number for number in range(1, MOST_OCTETS // 16000 + 2))
    assert structure(many + SIMPLE) == "the chain is too long"


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"ARC-Seal: i=2; a=rsa-sha256;", b"ARC-Seal: i=2; i=2; a=rsa-sha256;"),
        (b"ARC-Seal: i=2; a=rsa-sha256;", b"ARC-Seal: a=rsa-sha256;"),
        (b"ARC-Seal: i=2; a=rsa-sha256;", b"ARC-Seal: I=2; a=rsa-sha256;"),
        (b"ARC-Message-Signature: i=2;", b"ARC-Message-Signature: "),
        (b"ARC-Message-Signature: i=2;", b"ARC-Message-Signature: i=2; ;"),
        (b"ARC-Message-Signature: i=2;", b"ARC-Message-Signature: i=2 a=rsa-sha256;"),
        (b"ARC-Authentication-Results: i=2;", b"ARC-Authentication-Results: "),
        (b"ARC-Authentication-Results: i=2; mx.example.org;", b"ARC-Authentication-Results: mx.example.org; i=2;"),
        (b"ARC-Authentication-Results: i=2; mx.example.org; spf=pass", b"ARC-Authentication-Results: i=2;"),
        (b"ARC-Authentication-Results: i=2; mx.example.org; spf=pass", b"ARC-Authentication-Results: i=2"),
        (b"ARC-Authentication-Results: i=2;", b"ARC-Authentication-Results: I=2;"),
    ],
)
def test_wrong_syntax_of_the_instance(old: bytes, new: bytes) -> None:
    assert old in TWO
    assert structure(TWO.replace(old, new))


@pytest.mark.parametrize(
    "tags",
    [
        SEAL.replace("i={i};", "i={i}; h=from;"),
        SEAL.replace("i={i};", "i={i}; h=;"),
        SEAL.replace("a=rsa-sha256; ", ""),
        SEAL.replace("a=rsa-sha256", "a="),
        SEAL.replace("a=rsa-sha256", "a=rsa-sha1"),
        SEAL.replace("a=rsa-sha256", "a=rsa-sha512"),
        SEAL.replace("d=example.org; ", ""),
        SEAL.replace("d=example.org", "d="),
        SEAL.replace("d=example.org", "d=example..org"),
        SEAL.replace("s=r; ", ""),
        SEAL.replace("s=r", "s="),
        SEAL.replace("cv={cv}; ", ""),
        SEAL.replace("cv={cv}", "cv={cv}; cv={cv}"),
        SEAL.replace("cv={cv}", "CV={cv}"),
        SEAL.replace("t=1795000000", "t=now"),
        SEAL.replace("t=1795000000", "t=1795000000; t=1795000000"),
        SEAL.replace("t=1795000000", "1t=1"),
        SEAL.replace("t=1795000000", "t"),
        SEAL.replace("t=1795000000", "t-x=1"),
        SEAL.replace("t=1795000000", "; "),
        SEAL.replace("b=", "b=%"),
        SEAL.replace("b=", "b=AAAA; x="),
        SEAL.replace("b=", "b=; x="),
        SEAL.replace("b=", "x="),
    ],
)
def test_wrong_seals(tags: str) -> None:
    assert tags != SEAL
    verdict, reason = status(by_hand(by_hand(SIMPLE, 1, "none"), 2, "pass", seal_tags=tags))
    assert (verdict, bool(reason)) == ("fail", True)
    assert status(by_hand(SIMPLE, 1, "none", seal_tags=tags))[0] == "fail"


@pytest.mark.parametrize(
    "tags",
    [
        AMS.replace("a=rsa-sha256; ", ""),
        AMS.replace("a=rsa-sha256", "a=rsa-sha1"),
        AMS.replace("c=relaxed/relaxed", "c=loose"),
        AMS.replace("c=relaxed/relaxed", "c=relaxed/"),
        AMS.replace("d=example.org; ", ""),
        AMS.replace("s=r; ", ""),
        AMS.replace("h=from:to:subject; ", ""),
        AMS.replace("h=from:to:subject", "h="),
        AMS.replace("h=from:to:subject", "h=to:subject"),
        AMS.replace("h=from:to:subject", "h=from:arc-seal"),
        AMS.replace("h=from:to:subject", "h=from:ARC-Seal"),
        AMS.replace("h=from:to:subject", "h=from; h=from"),
        AMS.replace("bh={bh}; ", ""),
        AMS.replace("bh={bh}", "bh=*"),
        AMS.replace("bh={bh}", "bh="),
        AMS.replace("bh={bh}", "bh=AAAA"),
        AMS.replace("bh={bh}", "bh={bh}; l=99999"),
        AMS.replace("t=1795000000", "t=9995000000"),
        AMS.replace("t=1795000000", "t=1; x=2"),
        AMS.replace("t=1795000000", "t=2; x=1"),
        AMS.replace("t=1795000000", "t=x"),
        AMS.replace("t=1795000000", "q=dns/other"),
        AMS.replace("b=", "b=; x="),
        AMS.replace(" b=", " x="),
    ],
)
def test_wrong_message_signatures(tags: str) -> None:
    assert tags != AMS
    verdict, reason = status(by_hand(by_hand(SIMPLE, 1, "none"), 2, "pass", ams=tags))
    assert (verdict, bool(reason)) == ("fail", True)
    older = by_hand(by_hand(SIMPLE, 1, "none", ams=tags), 2, "pass")
    result = validate(older)
    assert (result.status, result.oldest_pass) == ("pass", 2)  # only the newest has to verify (§5.2, step 4)


@pytest.mark.parametrize(
    ("aar", "ams", "seal_tags"),
    [
        (AAR, AMS, SEAL.replace("i={i};", "i={i} ;")),
        (AAR, AMS, SEAL.replace("i={i};", "i = {i};")),
        (AAR, AMS, SEAL.replace("i={i};", "i=0{i};")),
        (AAR, AMS, SEAL.replace("i={i};", "(a;(b)) i (c) = (d) {i} (e) ;")),
        (AAR, AMS, SEAL.replace("i={i};", "\r\n i\r\n =\r\n {i}\r\n ;")),
        (AAR, AMS, "cv={cv}; s=r; d=example.org; a=rsa-sha256; t=1; i={i}; b="),
        (AAR, AMS, SEAL.replace("t=1795000000", "c=relaxed/relaxed; new=a b; X_1=; v=1")),
        (AAR, AMS, SEAL.replace("; t=1795000000", "")),
        (AAR, AMS, SEAL.replace("a=rsa-sha256", "a=RSA-SHA256").replace("example", "EXAMPLE")),
        (AAR, AMS, SEAL.replace("b=", "b = ")),
        (AAR, AMS.replace("i={i};", "i={i}; v=1;"), SEAL),
        (AAR, AMS.replace("i={i};", "i={i}; v=9; q=dns/txt; new=1;"), SEAL),
        (AAR, AMS.replace("i={i};", "(a) i={i} (b);"), SEAL),
        (AAR, "bh={bh}; h=from; s=r; d=example.org; c=relaxed/relaxed; a=rsa-sha256; i={i}; b=", SEAL),
        (AAR, AMS.replace("h=from:to:subject", "h=From : To :\r\n Subject:subject:x-none"), SEAL),
        (AAR, AMS.replace("h=from:to:subject", "h=from:dkim-signature:arc-authentication-results"), SEAL),
        (AAR, AMS.replace("c=relaxed/relaxed", "c=simple/relaxed"), SEAL),
        (AAR, AMS.replace("t=1795000000", "t=1; x=9995000000; l=0").replace("{bh}", EMPTY_HASH), SEAL),
        (AAR.replace("i={i};", "(a) i (b) = (c) {i} (d) ;"), AMS, SEAL),
        (AAR.replace("mx.example.org; spf=pass", '"mx; x" 1; none'), AMS, SEAL),
        ("\r\n\ti={i};\r\n\tmx.example.org;\r\n\tspf=pass (größe)", AMS, SEAL),
    ],
)
def test_what_the_syntax_allows(aar: str, ams: str, seal_tags: str) -> None:
    message = by_hand(SIMPLE, 1, "none", aar=aar, ams=ams, seal_tags=seal_tags)
    assert status(message) == ("pass", "")


def test_simple_is_the_default() -> None:
    """Of the header and the body (RFC 6376 §3.5): this body has the same form in both."""
    message = SIMPLE.partition(b"\r\n\r\n")[0] + b"\r\n\r\nplain\r\n"
    for method in ("", "c=simple; ", "c=simple/simple; ", "c=relaxed; ", "c=relaxed/simple; "):
        signed = by_hand(message, 1, "none", ams=AMS.replace("c=relaxed/relaxed; ", method))
        assert status(signed) == ("pass", "")
        assert status(signed.replace(b"plain\r\n", b"plain \r\n"))[1] == "body hash did not verify"
