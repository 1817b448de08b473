"""Signatures, keys, the DNS, limits and costs of a chain that is well-formed."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.protocol.arc.validate import ChainValidator
from shared.protocol.dkim.result import VerifyLimits
from shared.protocol.dkim.signing_key import public_key_record
from shared.protocol.dns.evaluation import drive_sync
from shared.protocol.dns.question import Answer, Question
from tests.harness.work import assert_lines_grow_with_size
from tests.unit.shared.protocol.arc.chains import (
    AMS,
    KEY,
    LOOKUP,
    OTHER_KEY,
    by_hand,
    chain_of,
    oracle_sealed,
    oracle_status,
    sealed,
    split,
    status,
    validate,
)
from tests.unit.shared.protocol.dkim.messages import NOW, SIMPLE, ed25519_key, rsa_key, zone, zone_with

RECORD = public_key_record(KEY)
NAME = KEY.record_name
TWO = chain_of(2)
THREE = sealed(sealed(sealed(SIMPLE), OTHER_KEY))


@pytest.mark.parametrize("step", [1, 7, 100_000])
def test_any_cut_gives_the_same(step: int) -> None:
    assert validate(THREE, step=step) == validate(THREE)
    assert validate(THREE, step=step).status == "pass"


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"Subject:  two", b"Subject: two"),
        (b"Subject:  two", b"subject:  two"),
        (b"words\r\n folded", b"words folded"),
        (b"Subject:  two", b"Subject:  three"),
        (b"To: bob@example.net\r\n", b""),
        (b"To: bob@example.net\r\n", b"To: bob@example.net\r\nTo: eve@example.net\r\n"),
        (b"Received: from a", b"Received: from b"),
        (b"\tthis is", b" this is"),
        (b"Hello,  \r\n", b"Hello,\r\n"),
        (b"Hello", b"hello"),
        (b"spf=pass", b"spf=fail"),
        (b"spf=pass", b"spf=pass "),
        (b"ARC-Seal:", b"arc-seal :"),
        (b"; cv=none;", b";  cv=none;"),
        (b"; cv=none;", b"; cv=none;x=;"),
        (b"i=1; a=rsa", b"i=1;a=rsa"),
        (b"i=2; a=rsa", b"i=2;  a=rsa"),
    ],
)
def test_changes_on_the_way(old: bytes, new: bytes) -> None:
    changed = TWO.replace(old, new)
    assert changed != TWO
    if b"arc-seal :" in changed:  # obsolete form (RFC 5322 §4.5.8), which the oracle cannot read
        assert status(changed) == ("pass", "")
    else:
        assert validate(changed).status == oracle_status(changed)


@given(st.data())
def test_any_change_of_a_set_fails(data: st.DataObject) -> None:
    """Of one octet that is not white space, by more than its case; the last character of base64 has spare bits."""
    at = data.draw(st.integers(0, TWO.index(b"Received:") - 1).filter(lambda index: TWO[index] not in b" \t\r\n"))
    changed = bytearray(TWO)
    changed[at] = data.draw(st.sampled_from(b"!0Ae;=:~").filter(lambda octet: not _differs_in_case(octet, TWO[at])))
    if _is_spare(TWO, at):
        return
    assert validate(bytes(changed)).status != "pass"


def _differs_in_case(first: int, second: int) -> bool:
    return bytes([first]).lower() == bytes([second]).lower()


def _is_spare(message: bytes, at: int) -> bool:
    """Whether this is the last character of base64 before its padding."""
    return re.match(rb".=+(?:;|\r\n)", message[at:]) is not None


def test_an_altered_seal_below() -> None:
    first = sealed(SIMPLE)
    forged = first.replace(
        b"ARC-Seal: i=1; a=rsa-sha256; d=example.org;", b"ARC-Seal: i=1; a=rsa-sha256; d=list.example;"
    )
    message = sealed(forged.replace(b"d=list.example; s=r;", b"d=list.example; s=other;"), OTHER_KEY, validate(first))
    assert status(message) == ("fail", "seal of list.example did not verify")
    assert oracle_status(message) == "fail"


def test_the_newest_message_signature_decides() -> None:
    first = sealed(SIMPLE)
    changed = first.replace(b"Hello", b"Goodbye")
    message = sealed(changed, OTHER_KEY, validate(first))
    assert (validate(message).status, validate(message).oldest_pass) == ("pass", 2)
    assert validate(sealed(message)).oldest_pass == 2
    assert status(message.replace(b"Goodbye", b"Hello"))[1] == "body hash did not verify"


def test_only_so_many_message_signatures_are_examined() -> None:
    chain = chain_of(8)
    assert [validate(chain, limits=VerifyLimits(signatures=most)).oldest_pass for most in (1, 2, 7, 8, 9)] == [
        8,
        7,
        2,
        0,
        0,
    ]
    assert validate(chain).oldest_pass == 4


def test_chains_of_the_oracle() -> None:
    message = SIMPLE
    for number in range(1, 4):
        message = oracle_sealed(message, OTHER_KEY if number == 2 else KEY)
        assert (status(message), validate(message).instance) == (("pass", ""), number)


@pytest.mark.parametrize(
    ("records", "reason"),
    [
        (("v=DKIM1; p=",), "the key is revoked"),
        (("v=DKIM2; p=AAAA",), "no DKIM key record"),
        (("v=DKIM1; p=AAAA",), "p= is no public key"),
        ((RECORD + "; h=sha1",), "the key forbids this hash"),
        ((RECORD + "; s=tlsrpt",), "the key is not for mail"),
        ((public_key_record(ed25519_key()),), "the key is of another type"),
        ((public_key_record(rsa_key("a.example", "b")),), "did not verify"),
        (("v=spf1 -all", RECORD + "; t=s:y; s=email"), ""),
    ],
)
def test_keys(records: tuple[str, ...], reason: str) -> None:
    verdict = status(sealed(SIMPLE), zone_with(NAME, *records))
    assert verdict == (("fail" if reason else "pass"), verdict[1])
    assert verdict[1].endswith(reason)


@pytest.mark.parametrize(("bits", "verdict"), [(1024, "pass"), (2048, "pass"), (4096, "pass")])
def test_sizes_of_keys(bits: int, verdict: str) -> None:
    key = rsa_key("sizes.example", "x", bits)
    message = sealed(SIMPLE, key, validate(SIMPLE))
    assert status(message, zone(key)) == (verdict, "")
    limits = VerifyLimits(min_rsa_bits=bits + 1)
    assert validate(message, zone(key), limits=limits).reason.endswith(f"an RSA key of {bits} bits")
    assert validate(message, zone(key), limits=VerifyLimits(max_rsa_bits=bits - 1)).status == "fail"


def test_every_failure_of_the_dns_fails_the_chain() -> None:
    lost = validate(TWO, lambda question: Answer("temperror", source="silence"))
    assert (lost.status, lost.is_temporary) == ("fail", True)
    assert lost.reason == f"no answer about the key of {NAME}: silence"
    for answer in (Answer("nxdomain"), Answer("nodata")):
        gone = validate(TWO, lambda question, answer=answer: answer)  # type: ignore[misc]
        assert (gone.status, gone.is_temporary, gone.reason) == ("fail", False, f"no key at {NAME}")


def test_a_lost_key_of_an_older_message_signature_is_no_failure() -> None:
    message = by_hand(SIMPLE, 1, "none", ams=AMS.replace("s=r", "s=gone"))
    message = by_hand(message, 2, "pass")
    assert (status(message), validate(message).oldest_pass) == (("pass", ""), 2)


def questions_of(message: bytes) -> list[tuple[Question, ...]]:
    header, body = split(message)
    validator = ChainValidator(header)
    validator.feed(body)
    evaluation = validator.finish(NOW)
    rounds = []
    try:
        asked = next(evaluation)
        while True:
            assert isinstance(asked, tuple)
            rounds.append(asked)
            asked = evaluation.send(tuple(map(LOOKUP, asked)))
    except StopIteration:
        return rounds


def test_keys_are_asked_for_once_and_in_two_rounds() -> None:
    own, other = Question(NAME, "TXT"), Question(OTHER_KEY.record_name, "TXT")
    assert questions_of(chain_of(5)) == [(own,)]
    assert questions_of(THREE) == [(own,), (other,)]
    header, _ = split(THREE)
    assert ChainValidator(header).questions == (own, other)
    assert [need.method for need in ChainValidator(header).needs] == ["relaxed"]


def test_a_wrong_body_or_signature_asks_for_no_more() -> None:
    assert questions_of(THREE + b"more\r\n") == []
    assert questions_of(THREE.replace(b"Subject:  two", b"Subject:  three")) == [(Question(NAME, "TXT"),)]
    unreadable = by_hand(SIMPLE, 1, "none", ams=AMS.replace("d=example.org; ", ""))
    assert (questions_of(unreadable), ChainValidator(split(unreadable)[0]).questions) == ([], ())


def test_only_the_newest_signature_may_need_a_body_hash_of_its_own() -> None:
    """Each l= is a further hash over the whole body."""
    message = SIMPLE
    for number in range(1, 11):
        tags = AMS.replace("bh=", f"l={number}; bh=")
        message = by_hand(message, number, "none" if number == 1 else "pass", ams=tags)
    assert [need.length for need in ChainValidator(split(message)[0]).needs] == [10]


def test_octets_that_are_not_signed_are_counted() -> None:
    tags = AMS.replace("bh={bh}", "l=0; bh=47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=")  # SHA-256 of nothing
    message = by_hand(SIMPLE, 1, "none", ams=tags)
    assert (validate(message).status, validate(message).unsigned_octets) == ("pass", 28)
    assert validate(message.rstrip() + b"\r\nmore\r\n").unsigned_octets == 34
    assert validate(sealed(message)).unsigned_octets == 0


def test_domain_and_selector_in_u_labels() -> None:
    """RFC 8616 §5; the question is in A-labels."""
    tags = "i={i}; a=rsa-sha256; d=grün.example; s=Schlüssel; "
    message = by_hand(
        SIMPLE, 1, "none", ams=tags + "c=relaxed/relaxed; h=from; bh={bh}; b=", seal_tags=tags + "cv={cv}; b="
    )
    name = "xn--schlssel-95a._domainkey.xn--grn-ioa.example"
    assert ChainValidator(split(message)[0]).questions == (Question(name, "TXT"),)
    result = validate(message, zone_with(name, RECORD))
    assert [(item.domain, item.selector) for item in result.sets] == [("xn--grn-ioa.example", "xn--schlssel-95a")]


def test_tags_in_alphabetical_order() -> None:
    """As early sealers write them, with the results among the signed fields."""
    ams = "a=rsa-sha256; bh={bh}; c=relaxed/relaxed; d=example.org; h=from:arc-authentication-results; i={i}; s=r; b="
    seal_tags = "a=rsa-sha256; cv={cv}; d=example.org; i={i}; s=r; t=12345; b="
    message = by_hand(SIMPLE, 1, "none", ams=ams, seal_tags=seal_tags)
    assert (status(message), oracle_status(message)) == (("pass", ""), "pass")


def test_another_from() -> None:
    message = by_hand(SIMPLE, 1, "none")
    assert status(b"From: eve@evil.example\r\n" + message)[1] == "another From was added"


def test_lines_grow_with_the_chain() -> None:
    chains = {length: split(chain_of(length))[0] for length in (5, 20)}

    def run(length: int) -> None:
        drive_sync(ChainValidator(chains[length]).finish(NOW), LOOKUP)

    assert_lines_grow_with_size(run, 5)


@given(st.binary(max_size=300), st.binary(max_size=60))
def test_any_octets_give_a_verdict(noise: bytes, body: bytes) -> None:
    answer = Answer("ok", (noise.decode("latin-1"),))
    for prefix in (b"", b"ARC-Seal: ", b"ARC-Message-Signature: i=1;", b"ARC-Authentication-Results: i=1;", TWO[:300]):
        validator = ChainValidator(prefix + noise + b"\r\n" + split(TWO)[0])
        validator.feed(body)
        result = drive_sync(validator.finish(NOW), lambda question: answer)
        assert result.status == "fail"
