"""What we seal, dkimpy validates; the order and the scope of seals."""

from __future__ import annotations

import re

import pytest

from shared.protocol.arc.result import MOST_SETS, ChainResult
from shared.protocol.arc.seal import may_seal, seal
from shared.protocol.dkim.sign import hash_body, sign
from tests.unit.shared.protocol.arc.chains import (
    KEY,
    LOOKUP,
    OTHER_KEY,
    RESULTS,
    by_hand,
    chain_of,
    oracle_sealed,
    oracle_status,
    oracle_verifies_set,
    sealed,
    split,
    status,
    validate,
    without_fields,
)
from tests.unit.shared.protocol.dkim.messages import NOW, SIMPLE, corpus, ed25519_key, verify

NONE = ChainResult("none")


def test_the_form_of_a_set() -> None:
    message = sealed(SIMPLE)
    assert message.endswith(SIMPLE)
    fields = re.split(rb"\r\n(?![ \t])", message.removesuffix(SIMPLE))
    seconds = NOW // 1_000_000
    assert fields[0].startswith(b"ARC-Seal: i=1; a=rsa-sha256; d=example.org; s=r; t=%d; cv=none;\r\n b=" % seconds)
    assert fields[1].startswith(
        b"ARC-Message-Signature: i=1; a=rsa-sha256; d=example.org; s=r;\r\n c=relaxed/relaxed; "
    )
    assert fields[2:] == [b"ARC-Authentication-Results: i=1; " + RESULTS, b""]
    assert all(len(line) <= 78 for field in fields for line in field.split(b"\r\n"))


@pytest.mark.parametrize("length", [1, 2, 5])
def test_a_chain_of_ours_verifies(length: int) -> None:
    message = chain_of(length)
    assert oracle_status(message) == "pass"
    result = validate(message)
    assert (result.status, result.instance, result.oldest_pass) == ("pass", length, 0)
    assert [(item.instance, item.domain, item.selector) for item in result.sets] == [
        (number, "example.org", "r") for number in range(1, length + 1)
    ]
    assert result.sets[0].results == RESULTS.decode()
    assert message.endswith(chain_of(length - 1))  # earlier sets stay octet for octet


def test_sealers_take_turns() -> None:
    message = SIMPLE
    for number in range(1, 7):
        message = oracle_sealed(message, OTHER_KEY) if number % 2 else sealed(message)
        assert (status(message), oracle_status(message)) == (("pass", ""), "pass")
    assert [item.domain for item in validate(message).sets] == ["list.example", "example.org"] * 3


def test_mails_of_the_corpus() -> None:
    count = 0
    for mail in corpus(150):
        message = sealed(sealed(mail), OTHER_KEY)
        assert (status(message), oracle_status(message)) == (("pass", ""), "pass")
        count += 1
    assert count > 30


def test_ed25519() -> None:
    message = sealed(SIMPLE, ed25519_key())
    assert b"a=ed25519-sha256" in message
    assert status(message) == ("pass", "")


def test_verify_change_sign_seal() -> None:
    first = sealed(SIMPLE)
    chain = validate(first)
    changed = first.replace(b"Subject:  two", b"Subject: [list] two") + b"-- \r\nfooter\r\n"
    header, body = split(changed)
    signed = sign(header, hash_body([body]), OTHER_KEY, NOW) + changed
    message = sealed(signed, chain=chain)
    result = validate(message)
    assert (result.status, result.instance, result.oldest_pass) == ("pass", 2, 2)
    assert oracle_status(message) == "pass"
    assert [item.result for item in verify(message, LOOKUP)] == ["pass"]
    assert status(message.replace(b"DKIM-Signature: v=1;", b"DKIM-Signature: v=2;"))[0] == "fail"


@pytest.mark.parametrize("name", [b"From", b"To", b"Subject", b"Date", b"Reply-To", b"Message-ID", b"Cc"])
def test_nothing_can_be_added(name: bytes) -> None:
    message = name + b": eve@evil.example\r\n" + sealed(SIMPLE)
    assert validate(message).status == oracle_status(message) == "fail"


def test_a_failed_chain_is_sealed_with_its_own_set_only() -> None:
    broken = chain_of(2).replace(b"Subject:  two", b"Subject:  three")
    chain = validate(broken)
    assert (chain.status, chain.instance, chain.is_ended) == ("fail", 2, False)
    message = sealed(broken, chain=chain)
    assert message.startswith(b"ARC-Seal: i=3; a=rsa-sha256; d=example.org; s=r;")
    assert b"cv=fail" in message.partition(b"\r\n b=")[0]
    assert oracle_status(message) == "ended"
    alone = without_fields(message, rb"ARC-[^:]*: i=[12];")
    assert oracle_verifies_set(alone, 3) == (True, True)
    result = validate(message)
    assert (result.status, result.instance, result.is_ended) == ("fail", 3, True)
    assert (may_seal(result), sealed(message)) == (False, message)


@pytest.mark.parametrize("pattern", [rb"ARC-Seal: i=1;", rb"ARC-Auth.*: i=2;", rb"ARC-.*: i=1;"])
def test_a_chain_of_wrong_structure_is_sealed_too(pattern: bytes) -> None:
    broken = without_fields(chain_of(2), pattern)
    message = sealed(broken)
    assert message.startswith(b"ARC-Seal: i=3;")
    assert (validate(message).is_ended, oracle_verifies_set(message, 3)[0]) == (True, True)


def test_fields_without_any_instance() -> None:
    message = sealed(b"ARC-Seal: cv=none\r\n" + SIMPLE)
    assert message.startswith(b"ARC-Seal: i=1;")
    assert validate(message).is_ended


def test_no_set_after_the_last() -> None:
    assert may_seal(ChainResult("pass", instance=MOST_SETS - 1))
    assert not may_seal(ChainResult("pass", instance=MOST_SETS))
    message = b"ARC-Seal: i=50; cv=pass\r\n" + SIMPLE
    assert sealed(message) == message


def test_fifty_sets() -> None:
    message = chain_of(MOST_SETS)
    assert (status(message), oracle_status(message)) == (("pass", ""), "pass")
    assert sealed(message) == message
    assert b"i=50; a=rsa" in message


def test_another_chain_than_the_validated_is_not_sealed() -> None:
    one_set = chain_of(1)
    for message, chain in (
        (SIMPLE, validate(one_set)),
        (one_set, NONE),
        (chain_of(2), validate(one_set)),
        (without_fields(one_set, b"ARC-Seal"), validate(one_set)),
    ):
        with pytest.raises(ValueError, match="not those that were validated"):
            sealed(message, chain=chain)


def test_chosen_names() -> None:
    header, body = split(SIMPLE)
    names = [b"from", b"subject", b"from"]
    message = seal(header, hash_body([body]), KEY, NONE, RESULTS, NOW, names) + SIMPLE
    assert b"h=from:subject:from;" in message
    assert (status(message), oracle_status(message)) == (("pass", ""), "pass")
    assert status(message.replace(b"Message-ID: <1", b"Message-ID: <2")) == ("pass", "")


@pytest.mark.parametrize(
    "names",
    [
        [],
        [b"subject"],
        [b"from", b"authentication-results"],
        [b"from", b"arc-seal"],
        [b"from", b"arc-message-signature"],
        [b"from", b"arc-authentication-results"],
    ],
)
def test_names_that_must_not_be_signed(names: list[bytes]) -> None:
    header, body = split(SIMPLE)
    with pytest.raises(ValueError, match="From is signed"):
        seal(header, hash_body([body]), KEY, NONE, RESULTS, NOW, names)


def test_hand_written_sets_are_right() -> None:
    """The tests of faults depend on these sets, so an independent validator must accept them."""
    message = by_hand(by_hand(SIMPLE, 1, "none"), 2, "pass")
    assert (status(message), oracle_status(message)) == (("pass", ""), "pass")
    assert oracle_status(sealed(message, OTHER_KEY)) == "pass"
